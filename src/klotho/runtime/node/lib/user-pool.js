"use strict";
// What a service knows of a user pool: ids for Cognito's calls; see user_pool.py.
const { configuredEndpoint } = require("./aws.js");
const { field } = require("./grants.js");

function userPool(grant) {
  const poolId = field(grant, "pool");
  return Object.freeze({
    name: grant.name,
    kind: grant.kind,
    access: grant.fields.access || "",
    poolId,
    clientId: field(grant, "client"),
    issuer: field(grant, "issuer"),
    region: poolId.split("_")[0],
    endpointUrl: configuredEndpoint("cognito-idp"),
  });
}

module.exports = { userPool };
