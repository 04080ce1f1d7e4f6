"use strict";
// AWS Signature Version 4 for one request with its whole body in memory; see sigv4.py, of which this is the twin.
const { createHash, createHmac } = require("node:crypto");

const UNSIGNED = new Set([
  "authorization", "connection", "expect", "transfer-encoding", "user-agent", "x-amzn-trace-id",
]);

const sha256 = (data) => createHash("sha256").update(data).digest("hex");
const hmac = (key, data) => createHmac("sha256", key).update(data).digest();

/** Percent-encode all but unreserved characters, as AWS wants it (encodeURIComponent leaves five more alone). */
function encodePart(text) {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function canonicalPath(path, service) {
  // S3 keys may hold `//` and `..`, so S3 alone signs the path exactly as it is on the wire.
  if (service === "s3") return path || "/";
  const kept = [];
  for (const part of path.split("/")) {
    if (part === "..") kept.pop();
    else if (part !== "" && part !== ".") kept.push(part);
  }
  const trailing = kept.length > 0 && path.endsWith("/") ? "/" : "";
  // Encoded a second time on purpose: that is the rule for every service but S3.
  return `/${kept.map(encodePart).join("/")}${trailing}`;
}

const canonicalQuery = (query) => query.split("&").filter(Boolean).sort().join("&");

function signature(canonical, moment, scope, credentials) {
  const key = scope.reduce((secret, part) => hmac(secret, part), `AWS4${credentials.secretKey}`);
  const text = ["AWS4-HMAC-SHA256", moment, scope.join("/"), sha256(canonical)].join("\n");
  return hmac(key, text).toString("hex");
}

/**
 * The headers to send with a request. `path` and `query` must be percent-encoded; `now` is a Date; `payloadHash` is the
 * SHA-256 of a body that is not in memory. Credentials are `{ accessKey, secretKey, sessionToken }`.
 */
function sign({
  method, host, path, query = "", headers, body, payloadHash, service, region, credentials, now = new Date(),
}) {
  const moment = now.toISOString().replace(/[-:]|\.\d+/g, "");
  const hash = payloadHash || sha256(body);
  const sent = { ...headers, Host: host, "X-Amz-Date": moment };
  if (credentials.sessionToken) sent["X-Amz-Security-Token"] = credentials.sessionToken;
  if (service === "s3") sent["X-Amz-Content-SHA256"] = hash;
  const lower = Object.fromEntries(Object.entries(sent).map(([name, value]) => [name.toLowerCase(), value]));
  const names = Object.keys(lower).filter((name) => !UNSIGNED.has(name)).sort();
  const lines = names.map((name) => `${name}:${lower[name].trim().replace(/\s+/g, " ")}\n`).join("");
  const canonical = [
    method, canonicalPath(path, service), canonicalQuery(query), lines, names.join(";"), hash,
  ].join("\n");
  const scope = [moment.slice(0, 8), region, service, "aws4_request"];
  sent.Authorization =
    `AWS4-HMAC-SHA256 Credential=${credentials.accessKey}/${scope.join("/")}, ` +
    `SignedHeaders=${names.join(";")}, Signature=${signature(canonical, moment, scope, credentials)}`;
  return sent;
}

/** The query of a URL with the signature in it, good for `expires` seconds; see presign in sigv4.py. */
function presign({
  method, host, path, query: asked = "", headers, region, credentials, expires, service = "s3", now = new Date(),
}) {
  const moment = now.toISOString().replace(/[-:]|\.\d+/g, "");
  const lower = { ...headers, host };
  const names = Object.keys(lower).sort();
  const scope = [moment.slice(0, 8), region, service, "aws4_request"];
  const given = {
    "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
    "X-Amz-Credential": `${credentials.accessKey}/${scope.join("/")}`,
    "X-Amz-Date": moment,
    "X-Amz-Expires": String(expires),
    "X-Amz-SignedHeaders": names.join(";"),
  };
  if (credentials.sessionToken) given["X-Amz-Security-Token"] = credentials.sessionToken;
  const added = Object.entries(given).map(([name, value]) => `${name}=${encodePart(value)}`).join("&");
  const query = asked ? `${asked}&${added}` : added;
  const lines = names.map((name) => `${name}:${lower[name].trim().replace(/\s+/g, " ")}\n`).join("");
  const payload = service === "s3" ? "UNSIGNED-PAYLOAD" : sha256("");
  const canonical = [method, path, canonicalQuery(query), lines, names.join(";"), payload].join("\n");
  return `${query}&X-Amz-Signature=${signature(canonical, moment, scope, credentials)}`;
}

module.exports = { sign, presign, encodePart };
