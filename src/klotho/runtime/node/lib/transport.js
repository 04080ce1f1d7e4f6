"use strict";
// One HTTP exchange over a kept-alive connection. Proxies are not supported: services reach AWS directly.
const http = require("node:http");
const https = require("node:https");

// Idle connections are dropped long before AWS drops them, so that a request hardly ever meets a dying one.
const options = { keepAlive: true, timeout: 15_000 };
const agents = { "http:": new http.Agent(options), "https:": undefined };

/** No answer came. `sent` tells whether the other side may have seen (and acted on) the request. */
class TransportError extends Error {
  constructor(message, sent) {
    super(message);
    this.sent = sent;
  }
}

function agentFor(protocol) {
  if (!agents["https:"] && protocol === "https:") {
    const bundle = process.env.AWS_CA_BUNDLE;
    agents["https:"] = new https.Agent(bundle ? { ...options, ca: require("node:fs").readFileSync(bundle) } : options);
  }
  return agents[protocol];
}

/**
 * Resolves with `{ status, headers, body }`; timeouts in milliseconds. Rejects with TransportError. `target`: path and
 * query exactly as they go over the wire (a URL would take `..` out of S3's keys). `keep`: the body of a good answer is
 * left in `stream`.
 */
function send({
  method, url, target = url.pathname + url.search, headers, body, connectTimeout = 3_000, readTimeout = 10_000,
  keep = false,
}) {
  const client = url.protocol === "https:" ? https : http;
  return new Promise((resolve, reject) => {
    let connected = false;
    const length = body.length > 0 || method !== "GET" ? { "Content-Length": body.length } : {};
    const sent = { ...headers, ...length };
    const request = client.request(url, { method, path: target, headers: sent, agent: agentFor(url.protocol) });
    let timer = setTimeout(() => request.destroy(new Error("timed out connecting")), connectTimeout);
    const fail = (error) => {
      clearTimeout(timer);
      reject(new TransportError(`${url.host}: ${error.message || error.code}`, connected));
    };
    const ready = () => {
      connected = true;
      clearTimeout(timer);
      timer = setTimeout(() => request.destroy(new Error("timed out")), readTimeout);
    };
    request.on("socket", (socket) => {
      // Without these probes a NAT gateway drops a connection after 350 silent seconds, and a long invocation with it.
      socket.setKeepAlive(true, 60_000);
      if (!socket.connecting) ready();
      else socket.once(url.protocol === "https:" ? "secureConnect" : "connect", ready);
    });
    request.on("error", fail);
    request.on("response", (response) => {
      if (keep && response.statusCode < 300) {
        clearTimeout(timer);
        resolve({ status: response.statusCode, headers: response.headers, body: Buffer.alloc(0), stream: response });
        return;
      }
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("error", fail);
      response.on("aborted", () => fail(new Error("the connection was closed in the middle of the answer")));
      response.on("end", () => {
        clearTimeout(timer);
        resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts) });
      });
    });
    request.end(body);
  });
}

module.exports = { send, TransportError };
