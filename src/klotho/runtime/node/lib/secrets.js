"use strict";
// Secret values by reference, kept in memory for KLOTHO_SECRET_TTL_SECONDS (default 300); see secrets.py for the rules.
const { AwsError, ConfigError } = require("./errors.js");

const DEFAULT_TTL_SECONDS = 300;
const RETRY_AFTER_MS = 30_000;
// How the id of a version begins that `klotho secret rm` leaves: it stands for no value.
const NOT_SET = "klotho-not-set-";
// What Secrets Manager says of a secret that exists and has no value.
const NO_VALUE = "ResourceNotFoundException";
const NO_VALUE_TEXT = "Secrets Manager can't find the specified secret value";
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
  if (String(answer.VersionId).startsWith(NOT_SET)) {
    throw new AwsError("secretsmanager", NO_VALUE, `${NO_VALUE_TEXT}: it was removed`, 400);
  }
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

/** Whether an error says that the secret exists and has no value. */
function saysNotSet(error) {
  return error instanceof AwsError && error.code === NO_VALUE && error.detail.startsWith(NO_VALUE_TEXT);
}

module.exports = { get, forget, saysNotSet };
