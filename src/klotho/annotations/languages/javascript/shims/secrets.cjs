"use strict";
// fs/promises whose named files are secrets when the unit is deployed, and fs/promises itself when it is not.
const { Buffer } = require("node:buffer");

module.exports = function secrets(names, local) {
  if (!process.env.KLOTHO_UNIT) return local;
  const readFile = async (file, options) => {
    if (!Object.hasOwn(names, file)) throw new TypeError(`${file} is none of the unit's secrets`);
    const { value } = await require("@klotho/runtime").config.secrets.get(names[file]);
    const encoding = typeof options === "string" ? options : options?.encoding;
    const content = Buffer.from(value);
    return encoding ? content.toString(encoding) : content;
  };
  const held = { readFile };
  held.promises = held.default = held;
  return held;
};
