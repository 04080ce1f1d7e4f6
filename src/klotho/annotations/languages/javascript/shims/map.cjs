"use strict";
// A Map whose entries are in a table when the unit is deployed, and the Map itself when it is not.
// Every operation is asynchronous; the order is that of insertion, as a Map's. With a number of seconds an entry is
// gone so long after it was set, also before the table has removed it.
const SEEDED = "seeded"; // no encoded key looks like this: they are JSON

module.exports = function persisted(name, local, seconds) {
  return process.env.KLOTHO_UNIT ? new StoredMap(name, [...local], seconds) : local;
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
  #seconds;
  #seeding;
  #found;

  constructor(name, initial, seconds) {
    this.#name = name;
    this.#initial = initial;
    this.#seconds = seconds;
  }

  async get(key) {
    const found = await this.#item(key);
    return isThere(found) ? decode(found.value) : undefined;
  }

  async has(key) {
    return isThere(await this.#item(key));
  }

  async set(key, value) {
    await put(await this.#table(), encode(key), encode(value), this.#until());
    return this;
  }

  async delete(key) {
    return isThere(await (await this.#table()).delete({ key: encode(key) }));
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

  async #item(key) {
    return (await this.#table()).get({ key: encode(key) }, { consistent: true });
  }

  async #items() {
    const items = [];
    for await (const item of (await this.#table()).scan({ consistent: true })) {
      if (item.key !== SEEDED && isThere(item)) items.push(item);
    }
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
    for (const [key, value] of this.#initial) {
      await first(table, { key: encode(key), value: encode(value), order: now(), ...this.#until() });
    }
  }

  // Whole seconds: it is what the table's own removal reads.
  #until() {
    return this.#seconds === undefined ? {} : { until: Math.ceil(Date.now() / 1000) + this.#seconds };
  }
}

function encode(value) {
  return require("./encoding.cjs").encode(value);
}

function decode(text) {
  return require("./encoding.cjs").decode(text);
}

// A new entry gets its place in the order, one that is there keeps it.
async function put(table, key, value, until) {
  const remove = until.until === undefined ? ["until"] : [];
  for (;;) {
    if (await first(table, { key, value, order: now(), ...until })) return;
    const condition = "attribute_exists(#key) AND (attribute_not_exists(#until) OR #until > :now)";
    if (await unlessRefused(table.update({ key }, { set: { value, ...until }, remove, ...asOfNow(condition) }))) return;
  }
}

function first(table, item) {
  return unlessRefused(table.put(item, asOfNow("attribute_not_exists(#key) OR #until <= :now")));
}

function asOfNow(condition) {
  return { condition, names: { "#key": "key", "#until": "until" }, values: { ":now": Date.now() / 1000 } };
}

function isThere(item) {
  return item !== null && (item.until === undefined || item.until > Date.now() / 1000);
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
