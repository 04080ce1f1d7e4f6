"use strict";
// How to reach a Redis cache: a grant in, an object with the login loaded out.
const { cacheAuthorities } = require("./authority.js");
const { field } = require("./grants.js");
const { loadLogin, portOf } = require("./login.js");
const secrets = require("./secrets.js");
const { encodePart } = require("./sigv4.js");

class Redis {
  // Private, so that neither console.log nor JSON.stringify shows the password.
  #login;
  #secret;

  constructor(grant, login) {
    this.name = grant.name;
    this.kind = grant.kind;
    this.access = grant.fields.access || "";
    this.host = field(grant, "host");
    this.port = portOf(grant);
    this.cluster = Boolean(grant.fields.cluster);
    this.tls = Boolean(grant.fields.tls);
    this.#secret = field(grant, "secret");
    this.#login = login;
  }

  get user() {
    return this.#login.username;
  }

  get password() {
    return this.#login.password;
  }

  /** The file with the authorities that vouch for the server; empty where Node's own do, as on AWS. */
  get caFile() {
    return this.tls ? cacheAuthorities() : "";
  }

  get url() {
    const host = this.host.includes(":") ? `[${this.host}]` : this.host;
    const login = `${encodePart(this.user)}:${encodePart(this.password)}`;
    return `${this.tls ? "rediss" : "redis"}://${login}@${host}:${this.port}/0`;
  }

  refresh() {
    secrets.forget(this.#secret);
  }
}

/** The cache of a grant, with its login as it is now. */
async function loadRedis(grant) {
  return new Redis(grant, await loadLogin(grant));
}

module.exports = { Redis, loadRedis };
