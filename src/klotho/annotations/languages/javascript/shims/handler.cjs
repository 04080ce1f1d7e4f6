"use strict";
// What Lambda calls. A request goes to the server that the unit's own code starts, a call of another unit to its module,
// an event to the listeners.
const http = require("node:http");
const net = require("node:net");
const unit = require("./unit.cjs");
const answer = require("./answer.cjs");
const { servedBy, handOnEvent } = require("./routers.cjs");

const listening = captureServer();
let loaded;
load().catch(() => {}); // the first event tells

exports.handler = async function handler(event) {
  if (event && event.requestContext && event.requestContext.elb) return require("./balancer.cjs")(event, handler);
  await load();
  const answered = await handle(event);
  await unit.events?.().settled();
  return answered;
};

// Once; again with the next event where it failed, because a secret had no value yet.
function load() {
  loaded ??= begin().catch((error) => {
    loaded = undefined;
    throw error;
  });
  return loaded;
}

async function begin() {
  await unit.ready?.();
  await Promise.all(unit.entries.map((entry) => entry()));
}

async function handle(event) {
  if (event && event.klotho === "call") return answer(event);
  if (event && event.requestContext) {
    const other = servedBy(event.rawPath);
    return other === undefined ? forward(event, await listening) : handOnEvent(event, other, collect);
  }
  if (event && event.Records && unit.events) return unit.events().received(event);
  if (event && event.schedule) return null; // called to stay: it is loaded
  throw new Error(`unit ${unit.name} was sent something that is no request, no call and no event`);
}

// The first HTTP server that listens does so on a port of this machine that nobody else can have; its code is unchanged.
function captureServer() {
  return new Promise((resolve) => {
    const { listen } = net.Server.prototype;
    net.Server.prototype.listen = function (...args) {
      if (!(this instanceof http.Server)) return listen.apply(this, args);
      net.Server.prototype.listen = listen;
      this.once("listening", () => resolve(this.address().port));
      const told = args.filter((item) => typeof item === "function");
      return listen.call(this, 0, "127.0.0.1", ...told);
    };
  });
}

function forward(event, port) {
  const query = event.rawQueryString ? `?${event.rawQueryString}` : "";
  const { method } = event.requestContext.http;
  const headers = {};
  for (const name in event.headers) if (!OF_THE_WAY.has(name)) headers[name] = event.headers[name];
  if (event.cookies && event.cookies.length > 0) headers.cookie = event.cookies.join("; ");
  const body = event.body ? Buffer.from(event.body, event.isBase64Encoded ? "base64" : "utf8") : undefined;
  if (body) headers["content-length"] = body.length;
  // API Gateway hands the path over decoded, so that an encoded slash can't be told from a plain one.
  const path = encodeURI(event.rawPath).replace(/[?#]/g, encodeURIComponent) + query;
  return new Promise((resolve, reject) => {
    const request = { host: "127.0.0.1", port, method, path, headers };
    http.request(request, (response) => collect(response, resolve, reject)).on("error", reject).end(body);
  });
}

// Headers of one connection, which is another one here.
const OF_THE_WAY = new Set(["connection", "keep-alive", "transfer-encoding"]);

const TEXT = /^(text\/|application\/(json|javascript|xml|x-www-form-urlencoded)|[^;]+\+(json|xml))/i;

// By events: iterating over the response takes longer than the rest of this file.
function collect(response, resolve, reject) {
  const parts = [];
  response.on("data", (part) => parts.push(part));
  response.on("error", reject);
  response.on("end", () => resolve(answered(response, parts.length === 1 ? parts[0] : Buffer.concat(parts))));
}

function answered({ statusCode, headers: given }, body) {
  const headers = {};
  for (const name in given) {
    if (name === "set-cookie" || OF_THE_WAY.has(name)) continue;
    headers[name] = Array.isArray(given[name]) ? given[name].join(", ") : given[name];
  }
  const isText = TEXT.test(headers["content-type"] ?? "") && !headers["content-encoding"];
  const text = body.toString(isText ? "utf8" : "base64");
  return { statusCode, headers, cookies: given["set-cookie"] ?? [], body: text, isBase64Encoded: !isText };
}
