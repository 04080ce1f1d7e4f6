"use strict";
// Puts secrets and values of databases where the unit's code looks for them, before it is loaded: into the environment of
// this process, so that no password is in a template or a configuration.
//
// A function fails while a secret has no value, and tries again when it is called. A container that failed would be
// replaced until its deployment is given up, and the first deployment is what makes the secret: it starts without the
// variable, and ends when there is a value, so that the next one begins with it.
const LOOKS_AGAIN_AFTER = 10_000; // milliseconds

module.exports = async function given(wanted, end = () => process.kill(process.pid, "SIGTERM"), wait = LOOKS_AGAIN_AFTER) {
  const { SecretNotSetError } = require("@klotho/runtime");
  const missing = [];
  const found = Object.entries(wanted).map(async ([variable, place]) => {
    try {
      process.env[variable] = await fetched(place);
    } catch (error) {
      if (process.env.AWS_LAMBDA_RUNTIME_API || !(error instanceof SecretNotSetError)) throw error;
      console.error(`${variable} is not set, and the program starts without it: ${error.message}`);
      missing.push(place);
    }
  });
  await Promise.all(found);
  if (missing.length > 0) endWhenSet(missing, end, wait);
};

async function fetched([group, name, value]) {
  const { config } = require("@klotho/runtime");
  return String((await config[group].get(name))[value]);
}

function endWhenSet(missing, end, wait) {
  const again = async () => {
    try {
      await Promise.all(missing.map(fetched));
    } catch {
      setTimeout(again, wait).unref(); // not yet, or not to be asked now: the next time tells
      return;
    }
    console.error("the secrets have values now: ending, to begin again with them");
    end();
  };
  setTimeout(again, wait).unref();
}
