"use strict";
// A small client for one bucket; see bucket.py, of which this is the twin, for what is not carried.
const { AwsError, ConditionFailedError, WrongKindError } = require("./errors.js");
const { configuredEndpoint, endpointOf, regionOf, request, textIn } = require("./aws.js");
const credentials = require("./credentials.js");
const { field, thisService } = require("./grants.js");
const { encodePart, presign } = require("./sigv4.js");

const MAX_EXPIRY_S = 604800;
const READ_TIMEOUT_MS = 60_000;

function pathOf(key) {
  if (typeof key !== "string") throw new TypeError(`a key is a string, not ${typeof key}`);
  if (key === "") throw new RangeError("a key can't be empty");
  return `/${key.split("/").map(encodePart).join("/")}`;
}

class Bucket {
  #queue;

  constructor(grant) {
    if (grant.kind !== "Storage.Bucket") {
      throw new WrongKindError(
        `bucket '${grant.name}' is a ${grant.kind || "thing without a kind"}, which this version of the runtime ` +
          "does not know; it knows Storage.Bucket",
      );
    }
    this.name = grant.name;
    this.kind = grant.kind;
    this.bucket = field(grant, "bucket");
    this.arn = field(grant, "arn");
    this.access = grant.fields.access || "";
    this.#queue = grant.fields.queue;
  }

  get region() {
    return regionOf();
  }

  get endpointUrl() {
    return configuredEndpoint("s3");
  }

  async receive(limit = 10, options = {}) {
    const { inbox } = require("./inbox.js");
    return inbox(this.name, "bucket", "triggered_by", this.#queue).receive(limit, options);
  }

  async put(key, content, { contentType, metadata = {}, ifAbsent = false } = {}) {
    const headers = {};
    for (const [name, value] of Object.entries(metadata)) headers[`x-amz-meta-${name}`] = value;
    if (contentType !== undefined) headers["Content-Type"] = contentType;
    if (ifAbsent) headers["If-None-Match"] = "*";
    const body = typeof content === "string" ? Buffer.from(content) : Buffer.from(content.buffer || content,
      content.byteOffset, content.byteLength);
    const response = await this.ask("PUT", { path: pathOf(key), headers, body });
    return response.headers.etag.replaceAll('"', "");
  }

  async get(key) {
    const response = await this.find("GET", key);
    return response ? response.body : null;
  }

  /** A Readable of the content, null when there is no such object. */
  async open(key) {
    const response = await this.find("GET", key, true);
    return response ? response.stream : null;
  }

  async head(key) {
    const response = await this.find("HEAD", key);
    if (!response) return null;
    const { headers } = response;
    const own = Object.entries(headers).filter(([name]) => name.startsWith("x-amz-meta-"));
    return {
      key,
      size: Number(headers["content-length"]),
      etag: headers.etag.replaceAll('"', ""),
      modified: new Date(headers["last-modified"]),
      contentType: headers["content-type"],
      metadata: Object.fromEntries(own.map(([name, value]) => [name.slice("x-amz-meta-".length), value])),
    };
  }

  async exists(key) {
    return (await this.find("HEAD", key)) !== null;
  }

  async delete(key) {
    await this.ask("DELETE", { path: pathOf(key) });
  }

  async *list(prefix = "", { limit = Infinity } = {}) {
    const query = { "list-type": "2", "encoding-type": "url" };
    if (prefix) query.prefix = prefix;
    let left = limit;
    while (left > 0) {
      const text = Object.entries(query).map(([name, value]) => `${name}=${encodePart(value)}`).join("&");
      const document = (await this.ask("GET", { path: "/", query: text })).body.toString();
      for (const [, item] of document.matchAll(/<Contents>([\s\S]*?)<\/Contents>/g)) {
        if (left <= 0) return;
        left -= 1;
        yield {
          key: decodeURIComponent(textIn(item, "Key")),
          size: Number(textIn(item, "Size")),
          etag: textIn(item, "ETag").replaceAll('"', ""),
          modified: new Date(textIn(item, "LastModified")),
        };
      }
      const token = textIn(document, "NextContinuationToken");
      if (!token) return;
      query["continuation-token"] = token;
    }
  }

  async presignedUrl(key, { method = "GET", expires = 3600, contentType } = {}) {
    if (!Number.isInteger(expires) || expires < 1 || expires > MAX_EXPIRY_S) {
      throw new RangeError(`expires must be from 1 to ${MAX_EXPIRY_S} seconds, not ${expires}`);
    }
    if (!["GET", "HEAD", "PUT", "DELETE"].includes(method)) {
      throw new RangeError(`method must be GET, HEAD, PUT or DELETE, not ${method}`);
    }
    const base = this.base();
    const path = base.path + pathOf(key);
    const headers = contentType === undefined ? {} : { "content-type": contentType };
    const used = await credentials.current();
    const { host } = new URL(base.origin);
    const query = presign({ method, host, path, headers, region: this.region, credentials: used, expires });
    return `${base.origin}${path}?${query}`;
  }

  /** By host name on AWS (`images.s3.eu-west-1.amazonaws.com`), by path at any other endpoint. */
  base() {
    const url = new URL(endpointOf("s3", this.region));
    // A certificate of AWS's does not cover names with dots.
    if (this.endpointUrl || this.bucket.includes(".")) {
      return { origin: url.origin, path: `${url.pathname.replace(/\/$/, "")}/${this.bucket}` };
    }
    return { origin: `${url.protocol}//${this.bucket}.${url.host}`, path: "" };
  }

  async find(method, key, keep = false) {
    try {
      return await this.ask(method, { path: pathOf(key), keep });
    } catch (error) {
      if (error instanceof AwsError && error.status === 404 && error.code !== "NoSuchBucket") return null;
      throw error;
    }
  }

  async ask(method, { path, query = "", headers = {}, body = Buffer.alloc(0), keep = false }) {
    const readTimeout = READ_TIMEOUT_MS;
    try {
      return await request("s3", { method, path, query, headers, body, readTimeout, base: this.base(), keep });
    } catch (error) {
      throw error instanceof AwsError ? this.explained(method, error) : error;
    }
  }

  explained(method, error) {
    if (error.status === 412 || error.code === "ConditionalRequestConflict") {
      return new ConditionFailedError(error.service, error.code, error.detail, error.status, error.requestId);
    }
    if (error.status !== 403 || !["AccessDenied", "HTTP403"].includes(error.code) || !this.access) return error;
    const verb = method === "GET" || method === "HEAD" ? "reads_from" : "writes_to";
    const text =
      `${error.detail} (bucket '${this.name}' was granted to this service as '${this.access}'; for ${method} ` +
      `write ${thisService() || "this_service"}.${verb}(${this.name}) in infra.py and run \`klotho up\`)`;
    return new AwsError(error.service, "AccessDenied", text, error.status, error.requestId);
  }
}

const KINDS = { "Object Created": "created", "Object Deleted": "removed" };

/** What a function is told that is `triggered_by` a bucket. */
function objectEvent(event) {
  const kind = KINDS[event?.["detail-type"]];
  const { bucket, object, reason } = event?.detail || {};
  if (!kind || typeof bucket?.name !== "string" || typeof object?.key !== "string") {
    throw new TypeError("this is no event of a bucket's objects, as EventBridge sends them");
  }
  const { key, size, etag, sequencer } = object;
  return Object.freeze({ kind, bucket: bucket.name, key, size, etag, version: object["version-id"], sequencer, reason });
}

module.exports = { Bucket, objectEvent };
