"use strict";
// Puts secrets and values of databases where the unit's code looks for them, before it is loaded: into the environment of
// this process, so that no password is in a template or a configuration.

module.exports = async function given(wanted) {
  const { config } = require("@klotho/runtime");
  const fetched = Object.entries(wanted).map(async ([variable, [group, name, value]]) => [
    variable,
    (await config[group].get(name))[value],
  ]);
  for (const [variable, value] of await Promise.all(fetched)) process.env[variable] = String(value);
};
