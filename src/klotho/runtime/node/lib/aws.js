"use strict";
// A small client for the AWS APIs that the runtime needs; see aws.py, of which this is the twin.
const { AwsError, ConditionFailedError, ConfigError } = require("./errors.js");
const credentials = require("./credentials.js");
const { sign } = require("./sigv4.js");
const { send, TransportError } = require("./transport.js");

const ATTEMPTS = 5;
const BACKOFF_MS = 100;
const BACKOFF_LIMIT_MS = 5_000;

const THROTTLED = new Set([
  "BandwidthLimitExceeded", "EC2ThrottledException", "InternalServerError", "InternalServiceError",
  "PriorRequestNotComplete", "ProvisionedThroughputExceededException", "RequestLimitExceeded", "RequestThrottled",
  "RequestThrottledException", "SlowDown", "ThrottledException", "Throttling", "ThrottlingException",
  "TooManyRequestsException", "TransactionInProgressException",
]);
const EXPIRED = new Set(["ExpiredToken", "ExpiredTokenException"]);

const APIS = {
  "cognito-idp": {
    host: "cognito-idp", variable: "COGNITO_IDENTITY_PROVIDER", target: "AWSCognitoIdentityProviderService", version: "1.1",
  },
  dynamodb: { host: "dynamodb", variable: "DYNAMODB", target: "DynamoDB_20120810", version: "1.0" },
  lambda: { host: "lambda", variable: "LAMBDA" },
  sns: { host: "sns", variable: "SNS", version: "2010-03-31" },
  sqs: { host: "sqs", variable: "SQS", target: "AmazonSQS", version: "1.0" },
  s3: { host: "s3", variable: "S3" },
  secretsmanager: { host: "secretsmanager", variable: "SECRETS_MANAGER", target: "secretsmanager", version: "1.1" },
  // DiscoverInstances alone lives on the host with the `data-` prefix, and it is all that is called here.
  servicediscovery: {
    host: "data-servicediscovery", variable: "SERVICEDISCOVERY", target: "Route53AutoNaming_v20170314", version: "1.1",
  },
};

/** The region to call: the one given, else from the environment. */
function regionOf(given) {
  const region = given || process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION;
  if (!region) {
    throw new ConfigError("no AWS region: AWS_REGION is not set. ECS, Lambda and `klotho up` set it for you.");
  }
  return region;
}

/** The region in an ARN, undefined if there is none. */
function regionOfArn(arn) {
  const parts = arn.split(":");
  return parts.length > 5 && parts[0] === "arn" ? parts[3] || undefined : undefined;
}

/** The endpoint that the environment names for this service, undefined for AWS's own. */
function configuredEndpoint(service) {
  if ((process.env.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS || "").toLowerCase() === "true") return undefined;
  const url = process.env[`AWS_ENDPOINT_URL_${APIS[service].variable}`] || process.env.AWS_ENDPOINT_URL;
  return url ? url.replace(/\/+$/, "") : undefined;
}

function endpointOf(service, region) {
  const configured = configuredEndpoint(service);
  if (configured) return configured;
  for (const variable of ["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"]) {
    if ((process.env[variable] || "").toLowerCase() === "true") {
      throw new ConfigError(
        `${variable} is not supported by @klotho/runtime: set AWS_ENDPOINT_URL_${APIS[service].variable}`,
      );
    }
  }
  const domain = region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  return `https://${APIS[service].host}.${region}.${domain}`;
}

/** Call a JSON-protocol API; `repeatable: false` never sends again what may have been acted upon. */
async function call(service, action, payload, { region, repeatable = true, readTimeout } = {}) {
  const api = APIS[service];
  const headers = {
    "Content-Type": `application/x-amz-json-${api.version}`,
    "X-Amz-Target": `${api.target}.${action}`,
  };
  const body = Buffer.from(JSON.stringify(payload));
  const response = await request(service, { method: "POST", path: "/", headers, body, region, repeatable, readTimeout });
  return response.body.length > 0 ? JSON.parse(response.body.toString()) : {};
}

/** Call a query-protocol API (`sns`): its answer's XML; `fields` are spelled as the protocol does. */
async function query(service, action, fields) {
  const headers = { "Content-Type": "application/x-www-form-urlencoded; charset=utf-8" };
  const form = new URLSearchParams({ Action: action, Version: APIS[service].version, ...fields });
  const body = Buffer.from(form.toString());
  return (await request(service, { method: "POST", path: "/", headers, body })).body.toString();
}

const ENTITIES = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

/** The text of the first element of this name, undefined if there is none. */
function textIn(xml, name) {
  const found = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml);
  return found ? found[1].replace(/&(lt|gt|quot|apos|amp);/g, (_, entity) => ENTITIES[entity]) : undefined;
}

/** Send a signed request, again after failures that pass; `readTimeout` in milliseconds. */
async function request(service, options) {
  const { method, path, query = "", headers, body, region, repeatable = true, readTimeout, base, keep } = options;
  const where = regionOf(region);
  // Only the front of it is a URL: S3's keys may hold `..`, which URLs take out.
  const url = new URL(base ? base.origin : endpointOf(service, where));
  const place = (base ? base.path : url.pathname.replace(/\/$/, "")) + path;
  const target = query ? `${place}?${query}` : place;
  for (let attempt = 1; ; attempt += 1) {
    const used = await credentials.current();
    const parts = { method, host: url.host, path: place, query, headers, body, service, region: where };
    let failure;
    let again;
    try {
      const signed = sign({ ...parts, credentials: used });
      const response = await send({ method, url, target, headers: signed, body, readTimeout, keep });
      if (response.status < 300) return response;
      failure = errorOf(service, response);
      again = passes(failure);
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      failure = new AwsError(service, "ConnectionError", error.message);
      again = repeatable || !error.sent;
    }
    if (!again || attempt >= ATTEMPTS) throw failure;
    const pause = Math.random() * Math.min(BACKOFF_LIMIT_MS, BACKOFF_MS * 2 ** (attempt - 1));
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

function passes(error) {
  if (EXPIRED.has(error.code)) {
    credentials.forget();
    return true;
  }
  return THROTTLED.has(error.code) || [429, 500, 502, 503, 504].includes(error.status);
}

function errorOf(service, response) {
  let answer = {};
  try {
    answer = JSON.parse(response.body.toString()) || {};
  } catch {
    const text = response.body.toString();
    // An error of the query protocol or of S3; of anything else, as from a proxy, the text is shown instead.
    if (text.includes("<Error")) answer = { code: textIn(text, "Code"), message: textIn(text, "Message") };
  }
  const code = response.headers["x-amzn-errortype"] || answer.__type || answer.code || answer.Type;
  // `com.amazonaws.dynamodb#Name`, or `Name:http://…` in the header: only the name is of use.
  const name = String(code || `HTTP${response.status}`).split(":")[0].split("#").pop();
  const message = answer.message || answer.Message || response.body.subarray(0, 200).toString();
  const Kind = name === "ConditionalCheckFailedException" ? ConditionFailedError : AwsError;
  return new Kind(service, name, message, response.status, requestId(response));
}

const requestId = ({ headers }) => headers["x-amzn-requestid"] || headers["x-amz-request-id"] || "";

module.exports = { call, query, textIn, request, regionOf, regionOfArn, configuredEndpoint, endpointOf };
