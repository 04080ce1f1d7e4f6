"use strict";
// Answers a call of another unit: the function's result, or what it threw.
const unit = require("./unit.cjs");

module.exports = async function answer({ file, name, arguments: args }) {
  const { encode, decode } = require("./encoding.cjs");
  if (!Object.hasOwn(unit.calls, file) || !unit.calls[file].names.includes(name)) {
    throw new Error(`unit ${unit.name} has no function ${name} in ${file} that others may call`);
  }
  const module = await unit.calls[file].load();
  try {
    return { result: encode(await (module[name] ?? module.default[name])(...decode(args))) };
  } catch (error) {
    return { error: encode(error) };
  }
};
