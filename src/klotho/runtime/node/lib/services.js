"use strict";
// A service that this one may call: containers have addresses, functions are invoked; see services.py.
const { AwsError, ServiceError, WrongKindError } = require("./errors.js");
const { field, thisService } = require("./grants.js");

const LONGEST_INVOCATION_SECONDS = 900;
const DISCOVERY_TTL_MS = 10_000;
const discovered = new Map(); // "namespace service" -> { at, addresses }
let turn = 0;

class Service {
  #grant;

  constructor(grant) {
    this.name = grant.name;
    this.kind = grant.kind;
    this.#grant = grant;
  }

  get protocols() {
    const { fields } = this.#grant;
    if (this.kind === "Compute.Function") return ["invoke"];
    const found = new Set(["http", "grpc"].filter((protocol) => fields[protocol] !== undefined));
    if (fields.discover) found.add(fields.discover.protocol || "http");
    if (fields.function) found.add("invoke");
    if (fields.web) found.add("http");
    return [...found].sort();
  }

  get url() {
    const direct = this.#grant.fields.http;
    if (direct) return Promise.resolve(direct.replace(/\/+$/, ""));
    return this.address("http").then((address) => `http://${address}`);
  }

  get grpc() {
    return this.address("grpc");
  }

  async address(protocol) {
    if (!this.protocols.includes(protocol) || protocol === "invoke") throw this.#notGranted(protocol);
    if (this.#grant.fields.web) return require("./web-calls.js").gatewayTo(this.#grant.fields.web);
    const direct = this.#grant.fields[protocol];
    return direct ? hostAndPort(direct) : discoverOne(this.#grant.fields.discover);
  }

  get arn() {
    if (this.kind === "Compute.Function" && !this.#grant.fields.function) {
      throw new WrongKindError(`service '${this.name}' runs on Fargate and has no ARN to invoke it by: use .invoke`);
    }
    if (!this.#grant.fields.function) throw this.#notGranted("invoke");
    return field(this.#grant, "function");
  }

  async invoke(payload = null, { wait = true, timeout = LONGEST_INVOCATION_SECONDS } = {}) {
    const { regionOfArn, request } = require("./aws.js");
    const { encodePart } = require("./sigv4.js");
    const text = JSON.stringify(payload);
    if (text === undefined) throw new TypeError(`the payload for '${this.name}' is not JSON: ${typeof payload}`);
    if (this.kind === "Compute.Function" && !this.#grant.fields.function) {
      return this.#invokeAtItsServer(Buffer.from(text), wait, timeout);
    }
    const response = await request("lambda", {
      method: "POST",
      path: `/2015-03-31/functions/${encodePart(this.arn)}/invocations`,
      headers: { "Content-Type": "application/json", "X-Amz-Invocation-Type": wait ? "RequestResponse" : "Event" },
      body: Buffer.from(text),
      region: regionOfArn(this.arn),
      // A call whose answer is lost is not repeated, since the function may have run.
      repeatable: false,
      readTimeout: timeout * 1000,
    });
    if (!wait) return null;
    const result = response.body.length > 0 ? JSON.parse(response.body.toString()) : null;
    if (response.headers["x-amz-function-error"] !== undefined) throw failure(this.name, result);
    return result;
  }

  /** A function on Fargate takes the same call without a signature: its port lets in who was granted it. */
  async #invokeAtItsServer(payload, wait, timeout) {
    const { send, TransportError } = require("./transport.js");
    const { fields } = this.#grant;
    const server = fields.http ? hostAndPort(fields.http) : await discoverOne(fields.discover);
    const url = new URL(`http://${server}/2015-03-31/functions/${encodeURIComponent(this.name)}/invocations`);
    const headers = { "Content-Type": "application/json", "X-Amz-Invocation-Type": wait ? "RequestResponse" : "Event" };
    let response;
    try {
      const sent = { ...headers, Host: url.host, "Content-Length": payload.length };
      response = await send({ method: "POST", url, headers: sent, body: payload, readTimeout: timeout * 1000 });
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      throw new AwsError("lambda", "ConnectionError", error.message);
    }
    if (response.status >= 300) throw new AwsError("lambda", "ServiceException", response.body.toString(), response.status);
    if (!wait) return null;
    const result = response.body.length > 0 ? JSON.parse(response.body.toString()) : null;
    if (response.headers["x-amz-function-error"] !== undefined) throw failure(this.name, result);
    return result;
  }

  #notGranted(protocol) {
    const has = this.protocols.join(", ") || "nothing";
    const text = `service '${this.name}' (${this.kind}) may be called by ${has}, not by ${protocol}.`;
    if (this.kind === "Compute.Function") {
      return new WrongKindError(`${text} Functions have no address: use .invoke(payload).`);
    }
    if (protocol === "invoke") return new WrongKindError(`${text} Containers are called at .url, not invoked.`);
    const me = thisService() || "this_service";
    return new WrongKindError(
      `${text} To grant it, write ${me}.calls(${this.name}, "${protocol}") in infra.py and run \`klotho up\`.`,
    );
  }
}

function hostAndPort(address) {
  if (!address.includes("//")) return address;
  const url = new URL(address);
  return `${url.hostname}:${url.port || (url.protocol === "https:" ? 443 : 80)}`;
}

function failure(service, result) {
  const fields = result !== null && typeof result === "object" ? result : { errorMessage: String(result) };
  const trace = fields.stackTrace || fields.trace || [];
  const lines = Array.isArray(trace) ? trace.map(String) : [String(trace)];
  return new ServiceError(service, fields.errorType || "Error", fields.errorMessage || "", lines);
}

async function discoverOne({ namespace, service }) {
  const key = `${namespace} ${service}`;
  const kept = discovered.get(key);
  let addresses = kept && Date.now() - kept.at < DISCOVERY_TTL_MS && Date.now() >= kept.at ? kept.addresses : undefined;
  if (!addresses) addresses = await discoverAll(key, namespace, service, kept);
  if (addresses.length === 0) {
    const text = `${service}.${namespace} has no healthy instance: is the service running?`;
    throw new AwsError("servicediscovery", "NoInstances", text);
  }
  turn += 1;
  return addresses[turn % addresses.length];
}

async function discoverAll(key, namespace, service, kept) {
  const { call } = require("./aws.js");
  const asked = { NamespaceName: namespace, ServiceName: service, HealthStatus: "HEALTHY_OR_ELSE_ALL" };
  let addresses;
  try {
    const answer = await call("servicediscovery", "DiscoverInstances", asked);
    const all = (answer.Instances || []).map(({ Attributes = {} }) => Attributes);
    const usable = all.filter((found) => found.AWS_INSTANCE_IPV4 && found.AWS_INSTANCE_PORT);
    addresses = usable.map((found) => `${found.AWS_INSTANCE_IPV4}:${found.AWS_INSTANCE_PORT}`).sort();
  } catch (error) {
    if (!kept || !(error instanceof AwsError) || (error.status >= 400 && error.status < 500)) throw error;
    addresses = kept.addresses;
  }
  // None is not kept: a service that is just starting should be seen at once.
  if (addresses.length > 0) discovered.set(key, { at: Date.now(), addresses });
  return addresses;
}

/** Forget the addresses kept in memory. */
function forgetAddresses() {
  discovered.clear();
}

module.exports = { Service, forgetAddresses };
