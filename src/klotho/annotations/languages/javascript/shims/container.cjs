"use strict";
// What a container runs. The unit's own server listens on $PORT, whatever port its code names, and takes calls of other
// units at a path of its own; a unit that serves nothing gets a server for them.
const http = require("node:http");
const net = require("node:net");
const unit = require("./unit.cjs");

const CALL = "/_klotho/call";
const port = Number(process.env.PORT || 8080);
const called = Object.keys(unit.calls).length > 0;

if (unit.listens) captureServer();
else toBeStopped(http.createServer(unknown)).listen(port, "0.0.0.0");
const begun = begin();
begun.catch((error) => {
  console.error(error);
  process.exit(1);
});

async function begin() {
  await unit.ready?.();
  await Promise.all(unit.entries.map((entry) => entry()));
  for (const name of unit.topics) unit.events().listen(name);
}

function captureServer() {
  const { listen } = net.Server.prototype;
  net.Server.prototype.listen = function (...args) {
    if (!(this instanceof http.Server)) return listen.apply(this, args);
    net.Server.prototype.listen = listen;
    return listen.call(toBeStopped(this), port, "0.0.0.0", ...args.filter((item) => typeof item === "function"));
  };
}

// A container is asked to end by SIGTERM, which the first process of one ignores unless it listens to it.
function toBeStopped(server) {
  if (called) takeCalls(server);
  if (unit.served.length > 0) handOnRequests(server);
  if (process.listenerCount("SIGTERM") === 0) {
    const told = async () => unit.events?.().settled().catch(() => {}); // a failure is in the log
    process.once("SIGTERM", () => server.close(() => told().then(() => process.exit(0))));
  }
  return server;
}

function takeCalls(server) {
  const { emit } = server;
  server.emit = function (event, request, response) {
    if (event !== "request" || request.url !== CALL || !isInside(request)) return emit.apply(this, arguments);
    reply(request, response).catch((error) => response.writeHead(400).end(String(error)));
    return true;
  };
}

// What belongs to a router of another unit: `klotho/routers.cjs`.
function handOnRequests(server) {
  const { servedBy, handOn } = require("./routers.cjs");
  const { emit } = server;
  server.emit = function (event, request, response) {
    const other = event === "request" ? servedBy(pathOf(request)) : undefined;
    if (other === undefined) return emit.apply(this, arguments);
    handOn(request, response, other).catch((error) => {
      console.error(error);
      if (!response.headersSent) response.writeHead(502);
      response.end();
    });
    return true;
  };
}

function pathOf({ url }) {
  const path = url.split("?")[0];
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

// An API overwrites the one header in every request, a load balancer adds the other: nobody from outside is without both.
function isInside({ method, headers }) {
  return method === "POST" && headers["x-klotho-caller"] === undefined && headers["x-forwarded-port"] === undefined;
}

async function reply(request, response) {
  const parts = [];
  for await (const part of request) parts.push(part);
  await begun;
  const event = JSON.parse(Buffer.concat(parts).toString());
  const body = JSON.stringify(await require("./answer.cjs")(event));
  response.writeHead(200, { "content-type": "application/json" }).end(body);
}

function unknown(request, response) {
  response.writeHead(request.url === "/" ? 200 : 404).end();
}
