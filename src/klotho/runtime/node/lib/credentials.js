"use strict";
// AWS credentials of this process: from the environment (Lambda, local cloud) or the container endpoint (ECS, EKS).
const { CredentialsError } = require("./errors.js");

const REFRESH_BEFORE_MS = 300_000;
const PLAIN_HTTP_HOSTS = new Set(["localhost", "169.254.170.2", "169.254.170.23", "[::1]", "[fd00:ec2::23]"]);

let kept; // { url, credentials, expires }
let fetching; // the promise of a refresh that is under way, so that many callers cause one request

function containerUrl() {
  const relative = process.env.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI;
  if (relative) return new URL(`http://169.254.170.2${relative}`);
  const full = process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI;
  if (!full) return undefined;
  const url = new URL(full);
  const trusted = PLAIN_HTTP_HOSTS.has(url.hostname) || /^127\./.test(url.hostname);
  if (url.protocol !== "https:" && !(url.protocol === "http:" && trusted)) {
    throw new CredentialsError(
      `AWS_CONTAINER_CREDENTIALS_FULL_URI names '${url.hostname}': without https only loopback and the ECS and EKS ` +
        "credential addresses are allowed",
    );
  }
  return url;
}

function authorization() {
  const file = process.env.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE;
  let token = process.env.AWS_CONTAINER_AUTHORIZATION_TOKEN || "";
  if (file) {
    try {
      token = require("node:fs").readFileSync(file, "utf8").trim();
    } catch (error) {
      throw new CredentialsError(`cannot read AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: ${error.message}`);
    }
  }
  if (/[\r\n]/.test(token)) throw new CredentialsError("the container authorization token holds a line break");
  return token ? { Authorization: token } : {};
}

function parsed(body) {
  let answer;
  try {
    answer = JSON.parse(body.toString());
  } catch {
    answer = undefined; // answered below, without the text: it may hold a secret
  }
  const expires = answer && answer.Expiration ? Date.parse(answer.Expiration) : Infinity;
  if (!answer || !answer.AccessKeyId || !answer.SecretAccessKey || Number.isNaN(expires)) {
    throw new CredentialsError("the container credentials endpoint's answer is not understood");
  }
  const credentials = {
    accessKey: answer.AccessKeyId,
    secretKey: answer.SecretAccessKey,
    sessionToken: answer.Token,
  };
  return { credentials, expires };
}

async function fetchFrom(url) {
  const { send } = require("./transport.js");
  const headers = { Accept: "application/json", ...authorization() };
  let problem = "";
  for (let attempt = 0; attempt < 3; attempt += 1) {
    if (attempt > 0) await new Promise((resolve) => setTimeout(resolve, 100 * 2 ** attempt));
    try {
      const body = Buffer.alloc(0);
      const response = await send({ method: "GET", url, headers, body, connectTimeout: 2_000, readTimeout: 2_000 });
      if (response.status === 200) return parsed(response.body);
      problem = `HTTP status ${response.status}`;
      if (response.status < 500) break;
    } catch (error) {
      if (error instanceof CredentialsError) throw error;
      problem = error.message;
    }
  }
  throw new CredentialsError(`the container credentials endpoint gave no credentials: ${problem}`);
}

async function refreshed(url) {
  try {
    kept = { url: url.href, ...(await fetchFrom(url)) };
  } catch (error) {
    // Still good for a while: the endpoint may be back by then.
    if (!kept || kept.url !== url.href || kept.expires <= Date.now()) throw error;
  }
  return kept.credentials;
}

/** The credentials to sign with now. Rejects with CredentialsError saying where it looked. */
async function current() {
  const { AWS_ACCESS_KEY_ID: accessKey, AWS_SECRET_ACCESS_KEY: secretKey } = process.env;
  if (accessKey && secretKey) return { accessKey, secretKey, sessionToken: process.env.AWS_SESSION_TOKEN };
  const url = containerUrl();
  if (!url) {
    throw new CredentialsError(
      "no AWS credentials: neither AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY nor " +
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI are set. Under `klotho up`, on ECS and on Lambda they " +
        "are set for you; to run a command with a service's environment use `klotho exec SERVICE -- COMMAND`.",
    );
  }
  if (kept && kept.url === url.href && kept.expires - Date.now() >= REFRESH_BEFORE_MS) return kept.credentials;
  fetching ??= refreshed(url).finally(() => {
    fetching = undefined;
  });
  return fetching;
}

/** Drop kept credentials, for instance because AWS said that they have expired. */
function forget() {
  kept = undefined;
}

module.exports = { current, forget };
