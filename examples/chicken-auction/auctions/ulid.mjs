// ULIDs (github.com/ulid/spec): 48 bits of time in milliseconds and 80 random bits, in Crockford's base 32.
import { randomBytes } from "node:crypto";

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

export function newUlid() {
  let number = (BigInt(Date.now()) << 80n) | BigInt(`0x${randomBytes(10).toString("hex")}`);
  let text = "";
  for (let digit = 0; digit < 26; digit++, number >>= 5n) text = ALPHABET[Number(number & 31n)] + text;
  return text;
}

export const isUlid = (text) => /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(text);

/** When it was made, in milliseconds since 1970. */
export const timeOf = (ulid) => [...ulid.slice(0, 10)].reduce((time, digit) => time * 32 + ALPHABET.indexOf(digit), 0);
