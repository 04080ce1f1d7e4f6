"use strict";
// What Lambda calls. A request goes to the server that the unit's own code starts, a call of another unit to its module.
const http = require("node:http");
const net = require("node:net");
const unit = require("./unit.cjs");
const answer = require("./answer.cjs");

const listening = captureServer();
const loaded = unit.prepare().then(() => Promise.all(unit.entries.map((load) => load())));
loaded.catch(() => {}); // the first event tells

exports.handler = async function handler(event) {
  await loaded;
  if (event && event.klotho === "call") return answer(event);
  if (event && event.requestContext) return forward(event, await listening);
  throw new Error(`unit ${unit.name} was sent something that is neither a request nor a call`);
};

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
  const headers = { ...event.headers };
  if (event.cookies && event.cookies.length > 0) headers.cookie = event.cookies.join("; ");
  const body = Buffer.from(event.body || "", event.isBase64Encoded ? "base64" : "utf8");
  delete headers["transfer-encoding"];
  delete headers.connection;
  if (body.length > 0) headers["content-length"] = body.length;
  // API Gateway hands the path over decoded, so that an encoded slash can't be told from a plain one.
  const path = encodeURI(event.rawPath).replace(/[?#]/g, encodeURIComponent) + query;
  return new Promise((resolve, reject) => {
    const request = { host: "127.0.0.1", port, method, path, headers };
    http.request(request, (response) => collect(response).then(resolve, reject)).on("error", reject).end(body);
  });
}

const TEXT = /^(text\/|application\/(json|javascript|xml|x-www-form-urlencoded)|[^;]+\+(json|xml))/i;

async function collect(response) {
  const parts = [];
  for await (const part of response) parts.push(part);
  const headers = { ...response.headers };
  const cookies = headers["set-cookie"] ?? [];
  for (const name of ["set-cookie", "connection", "keep-alive", "transfer-encoding"]) delete headers[name];
  for (const [name, value] of Object.entries(headers)) if (Array.isArray(value)) headers[name] = value.join(", ");
  const body = Buffer.concat(parts);
  const isText = TEXT.test(headers["content-type"] ?? "") && !headers["content-encoding"];
  return {
    statusCode: response.statusCode,
    headers,
    cookies,
    body: body.toString(isText ? "utf8" : "base64"),
    isBase64Encoded: !isText,
  };
}
