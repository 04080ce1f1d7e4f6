"use strict";
// Stands in for a module of another unit: each function becomes a call to it and awaits the answer.
const path = require("node:path");

module.exports = function remote(unit, file, names) {
  const functions = {};
  for (const name of names) {
    functions[name] = (...args) => (process.env.KLOTHO_UNIT ? call(unit, file, name, args) : beside(unit, file, name, args));
    Object.defineProperty(functions[name], "name", { value: name });
  }
  return functions;
};

async function call(unit, file, name, args) {
  const { encode, decode } = require("./encoding.cjs");
  const service = await require("@klotho/runtime").config.services.get(unit);
  const asked = { klotho: "call", file, name, arguments: encode(args) };
  const answer = await (service.protocols.includes("invoke") ? service.invoke(asked) : post(service, asked));
  if (answer.error !== undefined) throw decode(answer.error);
  return decode(answer.result);
}

// A unit in a container takes calls at a path of its server.
async function post(service, asked) {
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${await service.url}/_klotho/call`, { method: "POST", headers, body: JSON.stringify(asked) });
  if (response.status !== 200) throw new Error(`unit ${service.name} answered a call with ${response.status}: ${await response.text()}`);
  return response.json();
}

// Not deployed: the other unit's folder is the one beside this one, and its module runs in this process.
async function beside(unit, file, name, args) {
  const module = await import(require("node:url").pathToFileURL(there(unit, file)).href);
  return (module[name] ?? module.default[name])(...args);
}

function there(unit, file) {
  return path.join(__dirname, "..", "..", unit, file);
}

// Not by `require` itself: a bundler would look for the file.
function load(unit, file) {
  return require("node:module").createRequire(__filename)(there(unit, file));
}

Object.assign(module.exports, { there, load });
