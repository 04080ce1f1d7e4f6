"use strict";
// A Map whose entries are in a table when the unit is deployed, and the Map itself when it is not.
// Every operation is asynchronous; the order is that of insertion, as a Map's.
const SEEDED = "seeded"; // no encoded key looks like this: they are JSON

module.exports = function persisted(name, local) {
  return process.env.KLOTHO_UNIT ? new StoredMap(name, [...local]) : local;
};

let turn = 0;

// Sortable; entries made by one process keep their order also within a millisecond.
function now() {
  turn = (turn + 1) % 1_000_000;
  return `${String(Date.now()).padStart(15, "0")}-${String(turn).padStart(6, "0")}`;
}

class StoredMap {
  #name;
  #initial;
  #seeding;
  #found;

  constructor(name, initial) {
    this.#name = name;
    this.#initial = initial;
  }

  async get(key) {
    const found = await (await this.#table()).get({ key: encode(key) }, { consistent: true });
    return found === null ? undefined : decode(found.value);
  }

  async has(key) {
    return (await (await this.#table()).get({ key: encode(key) }, { consistent: true })) !== null;
  }

  async set(key, value) {
    await put(await this.#table(), encode(key), encode(value));
    return this;
  }

  async delete(key) {
    return (await (await this.#table()).delete({ key: encode(key) })) !== null;
  }

  async clear() {
    const table = await this.#table();
    for (const { key } of await this.#items()) await table.delete({ key });
  }

  async entries() {
    return (await this.#items()).map(({ key, value }) => [decode(key), decode(value)]).values();
  }

  async keys() {
    return (await this.#items()).map(({ key }) => decode(key)).values();
  }

  async values() {
    return (await this.#items()).map(({ value }) => decode(value)).values();
  }

  async forEach(visit, self) {
    for (const [key, value] of await this.entries()) visit.call(self, value, key, this);
  }

  get size() {
    return this.#items().then((items) => items.length);
  }

  async *[Symbol.asyncIterator]() {
    yield* await this.entries();
  }

  get [Symbol.toStringTag]() {
    return "Map";
  }

  async #items() {
    const items = [];
    for await (const item of (await this.#table()).scan({ consistent: true })) if (item.key !== SEEDED) items.push(item);
    return items.sort((one, other) => (one.order < other.order ? -1 : one.order > other.order ? 1 : 0));
  }

  async #table() {
    this.#found ??= await require("@klotho/runtime").config.datastores.get(this.#name);
    if (this.#initial.length > 0) await (this.#seeding ??= this.#seed(this.#found));
    return this.#found;
  }

  // What the Map began with is put in once, by whichever process comes first; not again after it was deleted.
  async #seed(table) {
    if (!(await first(table, { key: SEEDED }))) return;
    for (const [key, value] of this.#initial) await first(table, { key: encode(key), value: encode(value), order: now() });
  }
}

function encode(value) {
  return require("./encoding.cjs").encode(value);
}

function decode(text) {
  return require("./encoding.cjs").decode(text);
}

// A new entry gets its place in the order, one that is there keeps it.
async function put(table, key, value) {
  for (;;) {
    if (await first(table, { key, value, order: now() })) return;
    const there = { condition: "attribute_exists(#k)", names: { "#k": "key" } };
    if (await unlessRefused(table.update({ key }, { set: { value }, ...there }))) return;
  }
}

function first(table, item) {
  return unlessRefused(table.put(item, { ifAbsent: true }));
}

async function unlessRefused(write) {
  try {
    await write;
    return true;
  } catch (error) {
    if (error instanceof require("@klotho/runtime").ConditionFailedError) return false;
    throw error;
  }
}
