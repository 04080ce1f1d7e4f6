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

function canonicalPath(path) {
  const kept = [];
  for (const part of path.split("/")) {
    if (part === "..") kept.pop();
    else if (part !== "" && part !== ".") kept.push(part);
  }
  const trailing = kept.length > 0 && path.endsWith("/") ? "/" : "";
  // Encoded a second time on purpose: that is the rule for every service but S3, which is not called here.
  return `/${kept.map(encodePart).join("/")}${trailing}`;
}

/**
 * The headers to send with a request. `path` must be percent-encoded and carry no query; `now` is a Date.
 * Credentials are `{ accessKey, secretKey, sessionToken }`.
 */
function sign({ method, host, path, headers, body, service, region, credentials, now = new Date() }) {
  const moment = now.toISOString().replace(/[-:]|\.\d+/g, "");
  const sent = { ...headers, Host: host, "X-Amz-Date": moment };
  if (credentials.sessionToken) sent["X-Amz-Security-Token"] = credentials.sessionToken;
  const lower = Object.fromEntries(Object.entries(sent).map(([name, value]) => [name.toLowerCase(), value]));
  const names = Object.keys(lower).filter((name) => !UNSIGNED.has(name)).sort();
  const lines = names.map((name) => `${name}:${lower[name].trim().replace(/\s+/g, " ")}\n`).join("");
  const canonical = [method, canonicalPath(path), "", lines, names.join(";"), sha256(body)].join("\n");
  const scope = [moment.slice(0, 8), region, service, "aws4_request"];
  const key = scope.reduce((secret, part) => hmac(secret, part), `AWS4${credentials.secretKey}`);
  const text = ["AWS4-HMAC-SHA256", moment, scope.join("/"), sha256(canonical)].join("\n");
  const signature = hmac(key, text).toString("hex");
  sent.Authorization =
    `AWS4-HMAC-SHA256 Credential=${credentials.accessKey}/${scope.join("/")}, ` +
    `SignedHeaders=${names.join(";")}, Signature=${signature}`;
  return sent;
}

module.exports = { sign, encodePart };
