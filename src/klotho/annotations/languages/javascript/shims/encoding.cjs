"use strict";
// Values as text and back: JSON, with what JSON lacks as {"$klotho": kind, "value": …}. docs/annotations.md has the format.
const { Buffer } = require("node:buffer");

function encode(value) {
  return JSON.stringify(pack(value, []));
}

function decode(text) {
  return unpack(JSON.parse(text));
}

function tagged(kind, value) {
  return { $klotho: kind, value };
}

function pack(value, above) {
  switch (typeof value) {
    case "undefined":
      return tagged("undefined");
    case "bigint":
      return tagged("bigint", String(value));
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0) ? value : tagged("number", Object.is(value, -0) ? "-0" : String(value));
    case "function":
    case "symbol":
      throw new TypeError(`a ${typeof value} can't be sent or stored`);
    case "object":
      return value === null ? null : packObject(value, above);
    default:
      return value;
  }
}

function packObject(value, above) {
  if (above.includes(value)) throw new TypeError("a value that holds itself can't be sent or stored");
  const inside = [...above, value];
  const all = (items) => Array.from(items, (item) => pack(item, inside));
  if (Array.isArray(value)) return all(value);
  if (value instanceof Date) return tagged("date", Number.isNaN(value.getTime()) ? null : value.toISOString());
  if (value instanceof Map) return tagged("map", all(value));
  if (value instanceof Set) return tagged("set", all(value));
  if (Buffer.isBuffer(value)) return tagged("buffer", value.toString("base64"));
  if (value instanceof Uint8Array) return tagged("bytes", Buffer.from(value).toString("base64"));
  if (value instanceof Error) return packError(value, inside);
  if (typeof value.toJSON === "function") return pack(value.toJSON(), inside);
  const entries = Object.entries(value).map(([name, item]) => [name, pack(item, inside)]);
  return Object.hasOwn(value, "$klotho") ? tagged("object", entries) : Object.fromEntries(entries);
}

function packError(error, inside) {
  const own = Object.entries(error).map(([name, item]) => [name, pack(item, inside)]);
  const cause = Object.hasOwn(error, "cause") ? [["cause", pack(error.cause, inside)]] : [];
  return tagged("error", { name: error.name, message: error.message, stack: error.stack, own: [...own, ...cause] });
}

function unpack(value) {
  if (Array.isArray(value)) return value.map(unpack);
  if (value === null || typeof value !== "object") return value;
  if (!Object.hasOwn(value, "$klotho")) return fromEntries(Object.entries(value));
  const content = value.value;
  switch (value.$klotho) {
    case "undefined":
      return undefined;
    case "bigint":
      return BigInt(content);
    case "number":
      return Number(content);
    case "date":
      return new Date(content === null ? NaN : content);
    case "map":
      return new Map(content.map(unpack));
    case "set":
    case "frozenset":
      return new Set(content.map(unpack));
    case "tuple":
      return content.map(unpack);
    case "buffer":
      return Buffer.from(content, "base64");
    case "bytes":
      return new Uint8Array(Buffer.from(content, "base64"));
    case "error":
      return unpackError(content);
    case "object":
      return fromEntries(content);
    default:
      if (Object.hasOwn(OF_PYTHON, value.$klotho)) return OF_PYTHON[value.$klotho](content);
      throw new TypeError(`a value of the unknown kind ${value.$klotho} was received`);
  }
}

// What Python has and JavaScript has not.
const OF_PYTHON = {
  datetime: (text) => new Date(/([Zz]|[+-]\d\d:\d\d(:\d\d)?)$/.test(text) ? text : `${text}Z`),
  day: String,
  time: String,
  decimal: String,
  uuid: String,
  duration: ([days, seconds, microseconds]) => (days * 86_400 + seconds) * 1000 + microseconds / 1000, // milliseconds
  enum: (content) => unpack(content.value),
  instance: (content) => fromEntries(Object.entries(content.fields)),
};

function fromEntries(entries) {
  return Object.fromEntries(entries.map(([name, item]) => [name, unpack(item)]));
}

const ERRORS = { Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };

// Built-in errors keep their class. Classes of the application are errors with the name of theirs.
function unpackError({ name, message, stack, own }) {
  const error = Object.hasOwn(ERRORS, name) ? new ERRORS[name](message) : new Error(message);
  if (error.name !== name) Object.defineProperty(error, "name", { value: name, configurable: true, writable: true });
  Object.defineProperty(error, "stack", { value: stack, configurable: true, writable: true });
  for (const [key, item] of own) {
    Object.defineProperty(error, key, { value: unpack(item), configurable: true, writable: true, enumerable: key !== "cause" });
  }
  return error;
}

module.exports = { encode, decode };
