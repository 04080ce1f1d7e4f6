"use strict";
// How to reach a SQL database: a grant in, an object with the login loaded out.
const { databaseAuthorities, vouching } = require("./authority.js");
const { field } = require("./grants.js");
const { loadLogin, portOf } = require("./login.js");
const secrets = require("./secrets.js");
const { encodePart } = require("./sigv4.js");

class Sql {
  // Private, so that neither console.log nor JSON.stringify shows the password.
  #login;
  #secret;

  constructor(grant, login) {
    this.name = grant.name;
    this.kind = grant.kind;
    this.access = grant.fields.access || "";
    this.host = field(grant, "host");
    this.readHost = grant.fields.read_host || this.host;
    this.port = portOf(grant);
    this.database = field(grant, "database");
    this.#secret = grant.fields.login === "iam" ? undefined : field(grant, "secret");
    this.#login = login;
  }

  get user() {
    return this.#login.username;
  }

  get password() {
    return this.#login.password;
  }

  get url() {
    const host = this.host.includes(":") ? `[${this.host}]` : this.host;
    const login = `${encodePart(this.user)}:${encodePart(this.password)}`;
    return `${this.scheme()}://${login}@${host}:${this.port}/${encodePart(this.database)}${this.options()}`;
  }

  refresh() {
    if (this.#secret !== undefined) secrets.forget(this.#secret);
  }
}

class Postgres extends Sql {
  constructor(grant, login) {
    super(grant, login);
    this.sslmode = grant.fields.sslmode || "";
  }

  get dbname() {
    return this.database;
  }

  scheme() {
    return "postgresql";
  }

  get sslrootcert() {
    return databaseAuthorities();
  }

  options() {
    if (!this.sslmode) return "";
    return `?sslmode=${encodePart(this.sslmode)}&sslrootcert=${encodePart(this.sslrootcert)}`;
  }
}

class MySql extends Sql {
  scheme() {
    return "mysql";
  }

  get ssl() {
    return { ca: vouching(this.host), rejectUnauthorized: true, verifyIdentity: true };
  }

  options() {
    // As mysql2 takes it: the server refuses connections without TLS.
    return `?ssl=${encodePart(JSON.stringify(this.ssl))}`;
  }
}

/** The database of a grant, with its login as it is now. */
async function loadSql(grant) {
  const login = await loadLogin(grant);
  return grant.kind === "Databases.MySQL" ? new MySql(grant, login) : new Postgres(grant, login);
}

module.exports = { MySql, Postgres, loadSql };
