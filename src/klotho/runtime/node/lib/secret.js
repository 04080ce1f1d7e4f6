"use strict";
// A secret that infra.py names: a grant in, an object with its value loaded out; see secret.py.
const { ConfigError, SecretNotSetError, WrongKindError } = require("./errors.js");
const { field } = require("./grants.js");
const secrets = require("./secrets.js");

class Secret {
  // Private, so that neither console.log nor JSON.stringify shows it.
  #value;

  constructor(grant, value) {
    this.name = grant.name;
    this.kind = grant.kind;
    this.arn = field(grant, "secret");
    this.#value = value;
  }

  get value() {
    return this.#value;
  }

  json() {
    let parsed;
    try {
      parsed = JSON.parse(this.#value);
    } catch {
      parsed = undefined; // answered below: the JSON error would carry the secret's text
    }
    if (parsed === undefined) throw new ConfigError(`the secret '${this.name}' is not JSON: use .value for its text`);
    return parsed;
  }

  refresh() {
    secrets.forget(this.arn);
  }
}

/** The secret of a grant, with its value as it is now. */
async function loadSecret(grant) {
  if (grant.kind !== "Secret") {
    throw new WrongKindError(
      `secret '${grant.name}' is a ${grant.kind || "thing without a kind"}, which this version of the ` +
        "runtime does not know; it knows Secret",
    );
  }
  try {
    return new Secret(grant, await secrets.get(field(grant, "secret")));
  } catch (error) {
    if (!secrets.saysNotSet(error)) throw error;
  }
  throw new SecretNotSetError(`the secret '${grant.name}' has no value yet: run \`klotho secret set ${grant.name}\``);
}

module.exports = { loadSecret };
