"use strict";
// Environment variables with values of the unit's databases and caches, set before its code is loaded. They are in this
// process only: an address holds a password, which is in no template and in no configuration.
module.exports = async function variables(wanted) {
  if (!process.env.KLOTHO_UNIT) return;
  const { get } = require("@klotho/runtime").config.datastores;
  const set = async ([name, [store, value]]) => {
    process.env[name] = String((await get(store))[value]);
  };
  await Promise.all(Object.entries(wanted).map(set));
};
