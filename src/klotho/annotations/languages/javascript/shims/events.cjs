"use strict";
// An EventEmitter whose events reach the listeners of other units when the unit is deployed, and a plain one when it is not.
// Listeners of this unit are called as they always were. Those of other units get copies of the arguments, a little later.
const emitters = new Map();
const publishing = new Set();
const OWN = ["newListener", "removeListener"]; // Node's own events, with a function among their arguments
let failure;

// `told`: the events that other units listen to; null for all.
module.exports = function emitter(name, told, local) {
  if (!process.env.KLOTHO_UNIT) return local;
  emitters.set(name, local);
  const { emit } = local;
  const value = function (event, ...args) {
    const isTold = typeof event !== "symbol" && !OWN.includes(event) && (told === null || told.includes(String(event)));
    if (!isTold) return emit.call(this, event, ...args);
    const copies = require("./encoding.cjs").encode(args); // as they are now: listeners may change them
    // That nobody here listens to `error` is no reason to throw it: others do.
    if (event !== "error" || this.listenerCount(event) > 0) emit.call(this, event, ...args);
    publish(name, String(event), copies);
    return true;
  };
  return Object.defineProperty(local, "emit", { value, configurable: true, writable: true });
};

function publish(name, event, args) {
  const told = { emitter: name, event, arguments: args, from: process.env.KLOTHO_UNIT };
  const sent = (async () => require("@klotho/runtime").config.topics.get(name).publish(told))()
    .catch((error) => {
      console.error(`event ${event} of ${name} did not reach the other units:`, error);
      failure = error;
    })
    .finally(() => publishing.delete(sent));
  publishing.add(sent);
}

// What was emitted is on its way; rejects if some of it is not. A process may stand still once its answer is given.
module.exports.settled = async function settled() {
  while (publishing.size > 0) await Promise.all(publishing);
  const told = failure;
  failure = undefined;
  if (told !== undefined) throw told;
};

// What Lambda is called with.
module.exports.received = async function received({ Records }) {
  for (const { Sns } of Records) await hear(JSON.parse(Sns.Message));
};

// Calls this unit's listeners as `emit` does, and waits for those that are async.
async function hear({ from, emitter: name, event, arguments: args, keywords = "{}" }) {
  const local = emitters.get(name); // undefined where its module is not loaded, so that nobody listens
  if (from === process.env.KLOTHO_UNIT || local === undefined) return;
  const { decode } = require("./encoding.cjs");
  // What Python gives by name comes last, as one object.
  const given = keywords === "{}" ? decode(args) : [...decode(args), decode(keywords)];
  const listeners = local.rawListeners(event); // those of `once` take themselves away
  await Promise.all(listeners.map((listener) => listener.apply(local, given)));
}

// A container receives what other units emit from a queue, for as long as it runs.
module.exports.listen = async function listen(name) {
  const topic = require("@klotho/runtime").config.topics.get(name);
  for (;;) {
    try {
      const messages = await topic.receive();
      await Promise.all(messages.map(handle));
    } catch (error) {
      console.error(`the events of ${name} can't be received:`, error);
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
};

async function handle(message) {
  try {
    await hear(message.payload);
    await module.exports.settled();
    await message.delete();
  } catch (error) {
    console.error("a listener failed; it is called again, five times in all:", error);
  }
}
