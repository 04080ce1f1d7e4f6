"use strict";
// `config`: what a deployed service knows of its databases, peers and other resources, by name; see config.py.
const { WrongKindError } = require("./errors.js");
const { field, granted, thisService } = require("./grants.js");

function find(group, name) {
  if (typeof name !== "string") throw new TypeError(`config.${group}.get takes a name, a string, not ${typeof name}`);
  const grant = granted(group).find((candidate) => candidate.name === name);
  if (grant) return grant;
  throw require("./explain.js").unknownName(group, name);
}

const names = (group) => granted(group).map((grant) => grant.name).sort();

async function datastore(name) {
  const grant = find("datastores", name);
  if (["Databases.Postgres", "Databases.MySQL"].includes(grant.kind)) return require("./sql.js").loadSql(grant);
  if (grant.kind === "Databases.Redis") return require("./redis.js").loadRedis(grant);
  if (grant.kind === "Databases.KeyValue") return new (require("./key-value.js").KeyValue)(grant);
  throw new WrongKindError(
    `datastore '${name}' is a ${grant.kind || "thing without a kind"}, which this version of the runtime ` +
      "does not know; it knows Databases.Postgres, Databases.MySQL, Databases.Redis, Databases.KeyValue",
  );
}

/** Where a database or cache is, without its login: for clients that are made before anything can be awaited. */
function address(name) {
  const grant = find("datastores", name);
  const host = field(grant, "host");
  const isCache = grant.kind === "Databases.Redis";
  const { cacheAuthorities, vouching } = require("./authority.js");
  const file = isCache && grant.fields.tls ? cacheAuthorities() : "";
  const ca = isCache ? (file ? require("node:fs").readFileSync(file, "utf8") : undefined) : vouching(host);
  const { database, cluster, tls } = grant.fields;
  const port = require("./login.js").portOf(grant);
  return Object.freeze({ host, port, database, tls: isCache ? Boolean(tls) : true, cluster: Boolean(cluster), ca });
}

function generic(group) {
  const get = (name) => {
    const { name: found, kind, fields } = find(group, name);
    return Object.freeze({ name: found, kind, fields: Object.freeze({ ...fields }) });
  };
  return Object.freeze({ get, names: () => names(group) });
}

const config = Object.freeze({
  datastores: Object.freeze({ get: datastore, address, names: () => names("datastores") }),
  services: Object.freeze({
    get: (name) => new (require("./services.js").Service)(find("services", name)),
    names: () => names("services"),
  }),
  buckets: Object.freeze({
    get: (name) => new (require("./bucket.js").Bucket)(find("buckets", name)),
    event: (event) => require("./bucket.js").objectEvent(event),
    names: () => names("buckets"),
  }),
  queues: Object.freeze({
    get: (name) => new (require("./queue.js").Queue)(find("queues", name)),
    names: () => names("queues"),
  }),
  topics: Object.freeze({
    get: (name) => new (require("./topic.js").Topic)(find("topics", name)),
    names: () => names("topics"),
  }),
  schedules: Object.freeze({
    get: (name) => new (require("./inbox.js").Schedule)(find("schedules", name)),
    names: () => names("schedules"),
  }),
  secrets: Object.freeze({
    get: async (name) => require("./secret.js").loadSecret(find("secrets", name)),
    names: () => names("secrets"),
  }),
  settings: generic("settings"),
  userPools: Object.freeze({
    get: (name) => require("./user-pool.js").userPool(find("user_pools", name)),
    names: () => names("user_pools"),
  }),
  caller: (request) => require("./caller.js").callerOf(request),
  refresh() {
    require("./secrets.js").forget();
    require("./services.js").forgetAddresses();
  },
  get unit() {
    return thisService();
  },
});

module.exports = { config };
