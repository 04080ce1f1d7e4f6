"use strict";
// Where a file of this unit stands. In a bundle `__dirname` is the bundle's folder, whichever file it is written in.
const path = require("node:path");
const { pathToFileURL } = require("node:url");

const here = typeof __dirname === "string" ? path.dirname(__dirname) : process.env.LAMBDA_TASK_ROOT || process.cwd();

module.exports = {
  file: (name) => path.join(here, name),
  url: (name) => pathToFileURL(path.join(here, name)).href,
};
