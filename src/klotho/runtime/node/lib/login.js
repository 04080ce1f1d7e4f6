"use strict";
// Logins of databases: a grant in, user and password out; see login.py.
const { ConfigError } = require("./errors.js");
const { field } = require("./grants.js");
const { rdsToken } = require("./rds-token.js");
const secrets = require("./secrets.js");

/** `{ username, password }` of a grant, as they are now. */
async function loadLogin(grant) {
  if (grant.fields.login === "iam") {
    const username = field(grant, "user");
    return { username, password: await rdsToken(field(grant, "host"), portOf(grant), username) };
  }
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
  return login;
}

function portOf(grant) {
  const port = Number(field(grant, "port"));
  if (Number.isInteger(port)) return port;
  throw new ConfigError(`the port of datastore '${grant.name}' is not a number (${grant.variable})`);
}

module.exports = { loadLogin, portOf };
