"use strict";
// A small client for one queue: JSON values in and out; see queue.py for what is not carried.
const { AwsError, WrongKindError } = require("./errors.js");
const { call, configuredEndpoint, regionOf } = require("./aws.js");
const { field, thisService } = require("./grants.js");

// A receive may be silent for as long as it waits; so much later an answer is lost.
const READ_MARGIN_MS = 10_000;

class Queue {
  constructor(grant) {
    if (grant.kind !== "Messaging.Queue") {
      throw new WrongKindError(
        `queue '${grant.name}' is a ${grant.kind || "thing without a kind"}, which this version of the runtime ` +
          "does not know; it knows Messaging.Queue",
      );
    }
    this.name = grant.name;
    this.kind = grant.kind;
    this.url = field(grant, "url");
    this.fifo = grant.fields.fifo === true;
    this.access = grant.fields.access || "";
  }

  get region() {
    return regionOf();
  }

  get endpointUrl() {
    return configuredEndpoint("sqs");
  }

  async send(payload, { group, dedup, delay } = {}) {
    if (this.fifo && group === undefined) {
      throw new RangeError(`queue '${this.name}' is FIFO: say which messages keep their order, send(…, { group })`);
    }
    if (!this.fifo && (group !== undefined || dedup !== undefined)) {
      throw new RangeError(`queue '${this.name}' is not FIFO: it takes no group and no dedup (fifo=True in infra.py)`);
    }
    if (this.fifo && delay !== undefined) {
      throw new RangeError(`queue '${this.name}' is FIFO: its messages can't be delayed one by one`);
    }
    const body = JSON.stringify(payload);
    if (body === undefined) throw new TypeError("the payload is no JSON value");
    // JSON.stringify leaves out what is undefined.
    const fields = { MessageBody: body, MessageGroupId: group, MessageDeduplicationId: dedup, DelaySeconds: delay };
    return (await this.ask("SendMessage", fields)).MessageId;
  }

  async receive(limit = 10, { wait = 20, visibility } = {}) {
    const fields = {
      MaxNumberOfMessages: limit,
      WaitTimeSeconds: wait,
      VisibilityTimeout: visibility,
      MessageSystemAttributeNames: ["All"],
      MessageAttributeNames: ["All"],
    };
    const answer = await this.ask("ReceiveMessage", fields, wait * 1000 + READ_MARGIN_MS);
    return (answer.Messages || []).map((item) => new Message(this, item));
  }

  async ask(action, fields, readTimeout = READ_MARGIN_MS) {
    try {
      return await call("sqs", action, { QueueUrl: this.url, ...fields }, { readTimeout });
    } catch (error) {
      const denied = error instanceof AwsError && ["AccessDenied", "AccessDeniedException"].includes(error.code);
      if (!denied || !this.access) throw error;
      const verb = action === "SendMessage" ? "sends_to" : "consumes";
      const text =
        `${error.detail} (queue '${this.name}' was granted to this service as '${this.access}'; for ${action} ` +
        `write ${thisService() || "this_service"}.${verb}(${this.name}) in infra.py and run \`klotho up\`)`;
      throw new AwsError(error.service, error.code, text, error.status, error.requestId);
    }
  }
}

class Message {
  #queue;

  constructor(queue, item) {
    const system = item.Attributes || {};
    this.#queue = queue;
    this.id = item.MessageId;
    this.body = item.Body;
    this.receipt = item.ReceiptHandle;
    this.receives = Number(system.ApproximateReceiveCount || 1);
    this.group = system.MessageGroupId;
    const given = Object.entries(item.MessageAttributes || {});
    this.attributes = Object.fromEntries(given.map(([name, value]) => [name, attribute(value)]));
  }

  get payload() {
    return JSON.parse(this.body);
  }

  async delete() {
    await this.#queue.ask("DeleteMessage", { ReceiptHandle: this.receipt });
  }

  async hide(seconds) {
    await this.#queue.ask("ChangeMessageVisibility", { ReceiptHandle: this.receipt, VisibilityTimeout: seconds });
  }
}

function attribute({ DataType: kind, StringValue: text, BinaryValue: binary }) {
  if (binary !== undefined) return Buffer.from(binary, "base64");
  if (kind === "String.Array") return JSON.parse(text);
  return kind.startsWith("Number") && !Number.isNaN(Number(text)) ? Number(text) : text;
}

module.exports = { Queue };
