"use strict";
// Puts secrets where the unit's code looks for them, before it is loaded: into the environment of this process.

module.exports = async function given(names) {
  const { config } = require("@klotho/runtime");
  const fetched = Object.entries(names).map(async ([variable, name]) => [variable, (await config.secrets.get(name)).value]);
  for (const [variable, value] of await Promise.all(fetched)) process.env[variable] = value;
};
