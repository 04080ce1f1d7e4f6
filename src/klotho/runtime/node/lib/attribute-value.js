"use strict";
// Plain values to DynamoDB's JSON and back. string S, boolean BOOL, null NULL, Uint8Array B, number, bigint and
// NumberText N, array L, plain object M, non-empty Set of strings, numbers or bytes SS, NS, BS; attributes that are
// undefined are left out.
// Back: a number when a double holds exactly the digits, else a bigint when whole, else a NumberText.

/** A number that neither a double nor a bigint holds exactly; kept as text, and written back as a number. */
class NumberText {
  constructor(text) {
    if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) throw new RangeError(`not a number: '${text}'`);
    this.text = text;
  }
  toString() {
    return this.text;
  }
}

function encodeItem(item, path = "") {
  const encoded = {};
  for (const [name, value] of Object.entries(item)) {
    if (value !== undefined) encoded[name] = encode(value, path ? `${path}.${name}` : name);
  }
  return encoded;
}

function encode(value, path = "value") {
  if (value === null) return { NULL: true };
  if (typeof value === "boolean") return { BOOL: value };
  if (typeof value === "string") return { S: value };
  if (typeof value === "number" || typeof value === "bigint" || value instanceof NumberText) {
    return { N: numberText(value, path) };
  }
  if (value instanceof Uint8Array) return { B: Buffer.from(value).toString("base64") };
  if (Array.isArray(value)) return { L: value.map((part, index) => encode(part, `${path}[${index}]`)) };
  if (value instanceof Set) return encodeSet(value, path);
  const prototype = typeof value === "object" ? Object.getPrototypeOf(value) : undefined;
  // Dates, Maps and class instances are refused rather than stored as something else than they were.
  if (prototype === Object.prototype || prototype === null) return { M: encodeItem(value, path) };
  const type = typeof value === "object" ? value.constructor?.name : typeof value;
  throw new TypeError(`${path}: DynamoDB cannot hold a ${type}`);
}

function encodeSet(value, path) {
  const encoded = [...value].map((part) => encode(part, path));
  const kinds = new Set(encoded.flatMap((part) => Object.keys(part)));
  const [kind] = kinds;
  if (kinds.size !== 1 || !["S", "N", "B"].includes(kind)) {
    throw new TypeError(`${path}: a set must be all strings, all numbers or all bytes, and not empty`);
  }
  return { [`${kind}S`]: encoded.map((part) => part[kind]).sort() };
}

/** A number's text as `{ negative, digits, exponent }` with value digits × 10^exponent, digits without outer zeros. */
function normal(text) {
  const [, sign, whole, fraction = "", power = "0"] = /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(text);
  const all = (whole + fraction).replace(/^0+/, "");
  const digits = all.replace(/0+$/, "");
  const exponent = digits === "" ? 0 : Number(power) - fraction.length + all.length - digits.length;
  return { negative: sign === "-" && digits !== "", digits, exponent };
}

function numberText(value, path) {
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new RangeError(`${path}: DynamoDB cannot hold ${value}`);
  }
  // Beyond 2**53 String() gives the shortest digits, which as a whole number are another number.
  const whole = Number.isInteger(value) && Math.abs(value) < 1e38;
  const text = String(whole ? BigInt(value) : value);
  const { digits, exponent } = normal(text);
  const magnitude = digits.length + exponent - 1;
  if (digits.length > 38 || (digits !== "" && (magnitude > 125 || magnitude < -130))) {
    throw new RangeError(`${path}: DynamoDB holds 38 digits between 1E-130 and 9.99E+125, this number has more`);
  }
  return digits === "" ? "0" : text;
}

function plainNumber(text) {
  const near = Number(text);
  const exact = normal(text);
  if (!Number.isInteger(near) || Number.isSafeInteger(near)) {
    const back = normal(String(near));
    if (back.digits === exact.digits && back.exponent === exact.exponent) return near;
  }
  if (exact.exponent < 0) return new NumberText(text);
  const whole = BigInt(exact.digits + "0".repeat(exact.exponent));
  return exact.negative ? -whole : whole;
}

function decodeItem(item) {
  return Object.fromEntries(Object.entries(item).map(([name, value]) => [name, decode(value)]));
}

function decode(value) {
  const [[kind, inner]] = Object.entries(value);
  switch (kind) {
    case "S":
    case "BOOL":
      return inner;
    case "N":
      return plainNumber(inner);
    case "NULL":
      return null;
    case "B":
      return new Uint8Array(Buffer.from(inner, "base64"));
    case "M":
      return decodeItem(inner);
    case "L":
      return inner.map(decode);
    case "SS":
    case "NS":
    case "BS":
      return new Set(inner.map((part) => decode({ [kind[0]]: part })));
    default:
      throw new TypeError(`DynamoDB sent a value of type '${kind}', which this runtime does not know`);
  }
}

module.exports = { NumberText, encode, decode, encodeItem, decodeItem };
