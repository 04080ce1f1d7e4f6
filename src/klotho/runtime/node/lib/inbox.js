"use strict";
// What a container is told of, by a queue of its own; see inbox.py, of which this is the twin.
const { WrongKindError } = require("./errors.js");
const { field, thisService } = require("./grants.js");

/** The queue behind `what` (`topic`, `schedule`, `bucket`) of this name. */
function inbox(name, what, verb, url, fifo = false) {
  if (url === undefined) {
    const called = verb === "subscribes_to" ? "subscribed" : "is triggered";
    throw new RangeError(
      `this service does not receive from ${what} '${name}': write ` +
        `${thisService() || "this_service"}.${verb}(${name}) in infra.py; a function that ${called} ` +
        `is called with the ${what === "topic" ? "messages" : "events"} instead`,
    );
  }
  const { Queue } = require("./queue.js");
  return new Queue({ name, kind: "Messaging.Queue", fields: { url, fifo } });
}

class Schedule {
  #queue;

  constructor(grant) {
    if (grant.kind !== "Schedule") {
      throw new WrongKindError(
        `schedule '${grant.name}' is a ${grant.kind || "thing without a kind"}, which this version of the runtime ` +
          "does not know; it knows Schedule",
      );
    }
    this.name = grant.name;
    this.kind = grant.kind;
    this.#queue = field(grant, "queue");
  }

  async receive(limit = 10, options = {}) {
    return inbox(this.name, "schedule", "triggered_by", this.#queue).receive(limit, options);
  }
}

module.exports = { inbox, Schedule };
