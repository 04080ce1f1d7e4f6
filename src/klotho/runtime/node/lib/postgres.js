"use strict";
// How to reach a Postgres database: a grant in, an object with the login loaded out.
const { ConfigError } = require("./errors.js");
const { field } = require("./grants.js");
const secrets = require("./secrets.js");
const { encodePart } = require("./sigv4.js");

class Postgres {
  // Private, so that neither console.log nor JSON.stringify shows the password.
  #login;
  #secret;

  constructor(grant, login) {
    this.name = grant.name;
    this.kind = grant.kind;
    this.access = grant.fields.access || "";
    this.host = field(grant, "host");
    this.port = Number(field(grant, "port"));
    this.database = field(grant, "database");
    this.sslmode = sslmodeFor(grant.fields.sslmode || "", this.host);
    this.#secret = field(grant, "secret");
    this.#login = login;
    if (!Number.isInteger(this.port)) {
      throw new ConfigError(`the port of datastore '${this.name}' is not a number (${grant.variable})`);
    }
  }

  get dbname() {
    return this.database;
  }

  get user() {
    return this.#login.username;
  }

  get password() {
    return this.#login.password;
  }

  get url() {
    const host = this.host.includes(":") ? `[${this.host}]` : this.host;
    // What libpq calls `require` (encrypted, whoever answers) is `no-verify` to node's pg, which takes `require` for more.
    const mode = this.sslmode === "require" ? "no-verify" : this.sslmode;
    const options = mode ? `?sslmode=${encodePart(mode)}` : "";
    const login = `${encodePart(this.user)}:${encodePart(this.password)}`;
    return `postgresql://${login}@${host}:${this.port}/${encodePart(this.database)}${options}`;
  }

  refresh() {
    secrets.forget(this.#secret);
  }
}

/** What is wanted, but off where nothing leaves the machine: a server on loopback may speak no TLS. */
function sslmodeFor(wanted, host) {
  const loopback = host === "localhost" || host === "::1" || host.startsWith("127.");
  return wanted && loopback ? "disable" : wanted;
}

/** The database of a grant, with its login as it is now. */
async function loadPostgres(grant) {
  const arn = field(grant, "secret");
  const text = await secrets.get(arn);
  let login;
  try {
    login = JSON.parse(text);
  } catch {
    login = undefined; // answered below: the JSON error would carry the secret's text
  }
  if (!login || typeof login.username !== "string" || typeof login.password !== "string") {
    const which = `the secret of datastore '${grant.name}' (${arn})`;
    throw new ConfigError(`${which} is not JSON with a username and a password`);
  }
  return new Postgres(grant, login);
}

module.exports = { Postgres, loadPostgres };
