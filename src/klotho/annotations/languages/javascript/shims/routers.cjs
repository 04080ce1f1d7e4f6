"use strict";
// Hands requests on for paths that belong to a router of another unit. API Gateway tells `/pets/` and `/Pets` from `/pets`,
// applications mostly don't, so such a request comes to the wrong unit.
const http = require("node:http");
const https = require("node:https");
const unit = require("./unit.cjs");

// The other unit that serves a path; undefined for this one.
function servedBy(path) {
  const parts = path.toLowerCase().split("/").filter(Boolean);
  const fits = ([claimed]) => claimed.every((part, at) => at < parts.length && (part === null || part === parts[at]));
  const name = unit.served.find(fits)?.[1];
  return name === unit.name ? undefined : name;
}

// An event that a function was sent, and the answer it gives.
async function handOnEvent(event, other, collect) {
  const service = await found(other);
  if (service.protocols.includes("invoke")) return service.invoke(event);
  const { method } = event.requestContext.http;
  const headers = { ...event.headers };
  if (event.cookies && event.cookies.length > 0) headers.cookie = event.cookies.join("; ");
  const body = Buffer.from(event.body || "", event.isBase64Encoded ? "base64" : "utf8");
  const url = (await service.url) + encodeURI(event.rawPath) + (event.rawQueryString ? `?${event.rawQueryString}` : "");
  const answer = await send(url, method, { ...headers, "content-length": body.length }, (request) => request.end(body));
  return new Promise((resolve, reject) => collect(answer, resolve, reject));
}

// A request that the server of a container got.
async function handOn(request, response, other) {
  const service = await found(other);
  if (service.protocols.includes("invoke")) return answerWith(response, await service.invoke(await eventOf(request)));
  const url = (await service.url) + request.url;
  const answer = await send(url, request.method, request.headers, (ahead) => request.pipe(ahead));
  response.writeHead(answer.statusCode, answer.headers);
  answer.pipe(response);
}

async function found(name) {
  return require("@klotho/runtime").config.services.get(name);
}

// Marked as coming from outside: calls of functions are taken from inside only.
function send(url, method, headers, fill) {
  const { connection, "transfer-encoding": _, ...kept } = headers;
  const given = { method, headers: { "x-forwarded-port": "443", ...kept } };
  return new Promise((resolve, reject) => {
    fill((url.startsWith("https:") ? https : http).request(url, given, resolve).on("error", reject));
  });
}

async function eventOf(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  const [path, ...query] = request.url.split("?");
  return {
    version: "2.0",
    rawPath: decodeURIComponent(path),
    rawQueryString: query.join("?"),
    headers: Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)])),
    requestContext: { http: { method: request.method, path, protocol: "HTTP/1.1" } },
    body: Buffer.concat(parts).toString("base64"),
    isBase64Encoded: true,
  };
}

function answerWith(response, { statusCode, headers, cookies, body, isBase64Encoded }) {
  response.writeHead(statusCode, cookies && cookies.length > 0 ? { ...headers, "set-cookie": cookies } : headers);
  response.end(Buffer.from(body ?? "", isBase64Encoded ? "base64" : "utf8"));
}

module.exports = { servedBy, handOnEvent, handOn };
