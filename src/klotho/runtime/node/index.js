"use strict";
// The public surface for CommonJS. Modules that do network are loaded by their first use, for the sake of cold starts.
const { config } = require("./lib/config.js");
const errors = require("./lib/errors.js");
const { NumberText } = require("./lib/attribute-value.js");

module.exports = { config, NumberText, ...errors };
