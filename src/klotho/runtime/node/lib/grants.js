"use strict";
// What this service was granted: the KLOTHO_ variables in, one grant per name out; see grants.py.
const { ConfigError, WrongKindError } = require("./errors.js");

const PREFIXES = {
  datastores: "KLOTHO_DATASTORE_",
  services: "KLOTHO_SERVICE_",
  buckets: "KLOTHO_BUCKET_",
  queues: "KLOTHO_QUEUE_",
  topics: "KLOTHO_TOPIC_",
  schedules: "KLOTHO_SCHEDULE_",
  secrets: "KLOTHO_SECRET_",
  settings: "KLOTHO_SETTING_",
  user_pools: "KLOTHO_USERPOOL_",
};
// Options of the runtime itself that happen to begin like a group.
const OPTIONS = new Set(["KLOTHO_SECRET_TTL_SECONDS"]);

function parsed(variable) {
  let fields;
  try {
    fields = JSON.parse(process.env[variable]);
  } catch {
    fields = undefined; // answered below, naming the variable but not showing its value
  }
  if (fields !== null && typeof fields === "object" && typeof fields.name === "string") return fields;
  throw new ConfigError(
    `the environment variable ${variable} is not JSON with a name: it is written by Klotho at deployment; ` +
      "was it changed by hand, or set by another version of Klotho?",
  );
}

/** Everything granted in one group, in the order of the variables' names. */
function granted(group) {
  const names = Object.keys(process.env).filter((name) => name.startsWith(PREFIXES[group]) && !OPTIONS.has(name));
  return names.sort().map((variable) => {
    const fields = parsed(variable);
    return { group, variable, name: fields.name, kind: fields.kind || "", fields };
  });
}

/** Whether any of Klotho's variables is set. */
function underKlotho() {
  const starts = ["KLOTHO_UNIT", ...Object.values(PREFIXES)];
  return Object.keys(process.env).some((name) => !OPTIONS.has(name) && starts.some((start) => name.startsWith(start)));
}

/** The name of this service in infra.py, empty if unknown. */
const thisService = () => process.env.KLOTHO_UNIT || "";

/** One field of a grant, as text. */
function field(grant, name) {
  if (grant.fields[name] === undefined) {
    const known = Object.keys(grant.fields).sort().join(", ");
    throw new WrongKindError(
      `${grant.group} '${grant.name}' (${grant.kind}) has no '${name}'; it has ${known} (${grant.variable})`,
    );
  }
  return String(grant.fields[name]);
}

module.exports = { PREFIXES, granted, underKlotho, thisService, field };
