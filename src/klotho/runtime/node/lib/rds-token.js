"use strict";
// Passwords of IAM for databases: host, port and user in, a token out; see rds_token.py.
const { regionOf } = require("./aws.js");
const credentials = require("./credentials.js");
const { encodePart, presign } = require("./sigv4.js");

const SECONDS = 900;

async function rdsToken(host, port, user) {
  const place = `${host}:${port}`;
  const query = presign({
    method: "GET", host: place, path: "/", query: `Action=connect&DBUser=${encodePart(user)}`, headers: {},
    region: regionOf(), credentials: await credentials.current(), expires: SECONDS, service: "rds-db",
  });
  return `${place}/?${query}`;
}

module.exports = { rdsToken };
