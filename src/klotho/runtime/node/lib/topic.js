"use strict";
// A small client for one topic: JSON values in and out; see topic.py for what is not carried.
const { AwsError, WrongKindError } = require("./errors.js");
const { query, textIn, configuredEndpoint, regionOf } = require("./aws.js");
const { field, thisService } = require("./grants.js");

// SNS discards messages with more on their way to a queue.
const MOST_ATTRIBUTES = 10;

class Topic {
  #queue;

  constructor(grant) {
    if (grant.kind !== "Messaging.Topic") {
      throw new WrongKindError(
        `topic '${grant.name}' is a ${grant.kind || "thing without a kind"}, which this version of the runtime ` +
          "does not know; it knows Messaging.Topic",
      );
    }
    this.name = grant.name;
    this.kind = grant.kind;
    this.arn = field(grant, "arn");
    this.fifo = grant.fields.fifo === true;
    this.access = grant.fields.access || "";
    this.#queue = grant.fields.queue;
  }

  get region() {
    return regionOf();
  }

  get endpointUrl() {
    return configuredEndpoint("sns");
  }

  async publish(payload, { attributes = {}, group, dedup, subject } = {}) {
    if (this.fifo && group === undefined) {
      throw new RangeError(`topic '${this.name}' is FIFO: say which messages keep their order, publish(…, { group })`);
    }
    if (!this.fifo && (group !== undefined || dedup !== undefined)) {
      throw new RangeError(`topic '${this.name}' is not FIFO: it takes no group and no dedup (fifo=True in infra.py)`);
    }
    const body = JSON.stringify(payload);
    if (body === undefined) throw new TypeError("the payload is no JSON value");
    const fields = { TopicArn: this.arn, Message: body, ...attributeFields(attributes) };
    const given = { Subject: subject, MessageGroupId: group, MessageDeduplicationId: dedup };
    for (const [name, value] of Object.entries(given)) if (value !== undefined) fields[name] = value;
    try {
      return textIn(await query("sns", "Publish", fields), "MessageId");
    } catch (error) {
      const denied = error instanceof AwsError && ["AuthorizationError", "AccessDenied"].includes(error.code);
      if (!denied || !this.access) throw error;
      const text =
        `${error.detail} (topic '${this.name}' was granted to this service as '${this.access}'; for Publish write ` +
        `${thisService() || "this_service"}.publishes_to(${this.name}) in infra.py and run \`klotho up\`)`;
      throw new AwsError(error.service, error.code, text, error.status, error.requestId);
    }
  }

  async receive(limit = 10, options = {}) {
    const { inbox } = require("./inbox.js");
    return inbox(this.name, "topic", "subscribes_to", this.#queue, this.fifo).receive(limit, options);
  }
}

function attributeFields(attributes) {
  const entries = Object.entries(attributes);
  if (entries.length > MOST_ATTRIBUTES) {
    throw new RangeError(`a message takes at most ${MOST_ATTRIBUTES} attributes, not ${entries.length}`);
  }
  const fields = {};
  entries.forEach(([name, value], index) => {
    const [kind, text] = typed(name, value);
    const entry = `MessageAttributes.entry.${index + 1}`;
    fields[`${entry}.Name`] = name;
    fields[`${entry}.Value.DataType`] = kind;
    fields[`${entry}.Value.${kind === "Binary" ? "BinaryValue" : "StringValue"}`] = text;
  });
  return fields;
}

function typed(name, value) {
  if (typeof value === "boolean" || typeof value === "string") return ["String", String(value)];
  if (typeof value === "number" && Number.isFinite(value)) return ["Number", String(value)];
  if (value instanceof Uint8Array) return ["Binary", Buffer.from(value).toString("base64")];
  if (Array.isArray(value)) return ["String.Array", JSON.stringify(value)];
  throw new TypeError(`attribute '${name}' must be text, a number, bytes or an array`);
}

module.exports = { Topic };
