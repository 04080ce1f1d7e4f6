"use strict";
// HTTP to a container that runs on Lambda, for whatever client the code uses; see web_calls.py, of which this is the twin.
const http = require("node:http");
const { randomUUID } = require("node:crypto");
const { AwsError } = require("./errors.js");

const LONGEST_MS = 900_000;
const LARGEST = 6 * 1024 * 1024;
const HOP = new Set([
  "connection", "keep-alive", "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
]);
const TEXT = ["text/", "application/json", "application/javascript", "application/xml"];
const gateways = new Map(); // ARN -> promise of "host:port"

/** The `host:port` that leads to a container on Lambda. */
function gatewayTo(arn) {
  let found = gateways.get(arn);
  if (!found) {
    found = new Promise((resolve, reject) => {
      const server = http.createServer((request, response) => handle(arn, request, response));
      server.on("error", reject);
      server.listen(0, "127.0.0.1", () => resolve(`127.0.0.1:${server.address().port}`));
      server.unref(); // it keeps no program from ending
    });
    gateways.set(arn, found);
  }
  return found;
}

async function handle(arn, request, response) {
  const [status, headers, body] = await answer(arn, request);
  for (const [name, value] of headers) response.appendHeader(name, value);
  response.setHeader("content-length", body.length);
  response.writeHead(status);
  response.end(request.method === "HEAD" ? undefined : body);
}

async function answer(arn, request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  const body = Buffer.concat(parts);
  if ((body.length * 4) / 3 > LARGEST) return refused(413, "a container on Lambda takes requests of up to 6 MB");
  try {
    return responseOf(await invoke(arn, eventOf(request, body)));
  } catch (error) {
    const status = error instanceof AwsError && error.code === "ConnectionError" ? 504 : 502;
    return refused(status, error.message);
  }
}

function eventOf(request, body) {
  const [path, query = ""] = splitOnce(request.url, "?");
  const headers = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (name !== "cookie" && !HOP.has(name)) headers[name] = String(value);
  }
  const host = headers.host || "klotho";
  const now = Date.now();
  const event = {
    version: "2.0",
    routeKey: "$default",
    rawPath: unquoted(path),
    rawQueryString: query,
    headers,
    requestContext: {
      accountId: "anonymous",
      apiId: "klotho",
      domainName: host,
      domainPrefix: host.split(".")[0],
      http: {
        method: request.method,
        path: unquoted(path),
        protocol: "HTTP/1.1",
        sourceIp: "127.0.0.1",
        userAgent: headers["user-agent"] || "",
      },
      requestId: randomUUID(),
      routeKey: "$default",
      stage: "$default",
      time: new Date(now).toUTCString(),
      timeEpoch: now,
    },
    isBase64Encoded: false,
  };
  const cookies = (request.headers.cookie || "").split(";").map((part) => part.trim()).filter(Boolean);
  if (cookies.length > 0) event.cookies = cookies;
  if (body.length > 0) {
    const isText = !headers["content-encoding"] && TEXT.some((kind) => (headers["content-type"] || "").startsWith(kind));
    const text = isText ? body.toString() : undefined;
    event.isBase64Encoded = text === undefined || !Buffer.from(text).equals(body);
    event.body = event.isBase64Encoded ? body.toString("base64") : text;
  }
  return event;
}

async function invoke(arn, event) {
  const { regionOfArn, request } = require("./aws.js");
  const { encodePart } = require("./sigv4.js");
  const response = await request("lambda", {
    method: "POST",
    path: `/2015-03-31/functions/${encodePart(arn)}/invocations`,
    headers: { "Content-Type": "application/json", "X-Amz-Invocation-Type": "RequestResponse" },
    body: Buffer.from(JSON.stringify(event)),
    region: regionOfArn(arn),
    repeatable: false,
    readTimeout: LONGEST_MS,
  });
  const result = response.body.length > 0 ? JSON.parse(response.body.toString()) : null;
  if (response.headers["x-amz-function-error"] !== undefined) {
    throw new AwsError("lambda", "FunctionError", String((result && result.errorMessage) || result), 502);
  }
  return result;
}

function responseOf(answered) {
  if (answered === null || typeof answered !== "object" || !Number.isInteger(answered.statusCode)) {
    return refused(502, "the container's answer is no HTTP response");
  }
  const headers = Object.entries(answered.headers || {})
    .filter(([name]) => !HOP.has(name.toLowerCase()) && name.toLowerCase() !== "content-length")
    .map(([name, value]) => [name, String(value)]);
  for (const cookie of answered.cookies || []) headers.push(["set-cookie", String(cookie)]);
  return [answered.statusCode, headers, Buffer.from(answered.body || "", answered.isBase64Encoded ? "base64" : "utf8")];
}

function refused(status, why) {
  return [status, [["content-type", "text/plain; charset=utf-8"]], Buffer.from(`klotho: ${why}\n`)];
}

function unquoted(path) {
  try {
    return decodeURIComponent(path);
  } catch {
    return path; // no percent-encoding at all
  }
}

function splitOnce(text, mark) {
  const at = text.indexOf(mark);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

module.exports = { eventOf, gatewayTo, responseOf };
