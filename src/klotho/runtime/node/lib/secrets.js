"use strict";
// Secret values by reference, kept in memory for KLOTHO_SECRET_TTL_SECONDS (default 300); see secrets.py for the rules.
const { AwsError, ConfigError } = require("./errors.js");

const DEFAULT_TTL_SECONDS = 300;
const RETRY_AFTER_MS = 30_000;
const kept = new Map(); // arn -> { text, at, ttl }
const fetching = new Map(); // arn -> promise, so that many callers cause one request

function ttlMs() {
  const text = process.env.KLOTHO_SECRET_TTL_SECONDS || String(DEFAULT_TTL_SECONDS);
  const seconds = Number(text);
  if (!(seconds >= 0 && seconds < Infinity)) {
    throw new ConfigError(`KLOTHO_SECRET_TTL_SECONDS must be a number of seconds, 0 or more, not '${text}'`);
  }
  return seconds * 1000;
}

async function fetchSecret(arn) {
  const { call, regionOfArn } = require("./aws.js");
  const answer = await call("secretsmanager", "GetSecretValue", { SecretId: arn }, { region: regionOfArn(arn) });
  if (typeof answer.SecretString !== "string") {
    throw new ConfigError(`the secret ${arn} has no text: binary secrets are not supported`);
  }
  return answer.SecretString;
}

async function renew(arn) {
  const old = kept.get(arn);
  try {
    const text = await fetchSecret(arn);
    kept.set(arn, { text, at: Date.now(), ttl: ttlMs() });
    return text;
  } catch (error) {
    if (!old || !(error instanceof AwsError) || (error.status >= 400 && error.status < 500)) throw error;
    kept.set(arn, { text: old.text, at: Date.now(), ttl: RETRY_AFTER_MS });
    return old.text;
  }
}

/** The secret's text, from memory if it is young enough. */
async function get(arn) {
  const known = kept.get(arn);
  // A negative age means that the clock was set back: then nothing is known about the value's age.
  const age = known ? Date.now() - known.at : -1;
  if (age >= 0 && age < known.ttl) return known.text;
  if (!fetching.has(arn)) fetching.set(arn, renew(arn).finally(() => fetching.delete(arn)));
  return fetching.get(arn);
}

/** Drop one value, or all. */
function forget(arn) {
  if (arn === undefined) kept.clear();
  else kept.delete(arn);
}

module.exports = { get, forget };
