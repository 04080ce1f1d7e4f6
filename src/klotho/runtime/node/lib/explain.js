"use strict";
// Why a name was not found: group, name and the environment in, an error out that says what to do.
const { NotUnderKlothoError, UnknownNameError } = require("./errors.js");
const { PREFIXES, granted, thisService, underKlotho } = require("./grants.js");

const VERBS = {
  datastores: ["reads_from", "writes_to", "read_writes_to"],
  services: ["calls"],
  buckets: ["reads_from", "writes_to", "read_writes_to"],
  queues: ["sends_to", "consumes"],
  topics: ["publishes_to", "subscribes_to"],
  schedules: ["triggered_by"],
  secrets: ["uses"],
  user_pools: ["uses", "reads_from", "writes_to", "read_writes_to"],
};
const COMMON_WORDS = new Set(["service", "lambda", "function", "table", "queue"]);

const singular = (group) => group.slice(0, -1);
const identifier = (name) => name.replace(/[^\p{L}\p{N}]/gu, "_");

/** How many single-character edits turn one text into the other. */
function distance(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length];
}

const words = (name) =>
  name.toLowerCase().split(/[^\p{L}\p{N}]+/u).filter((word) => word.length > 3 && !COMMON_WORDS.has(word));

/** The known name nearest to this one by spelling, else by a shared word; undefined if nothing is near. */
function closest(name, known) {
  const scored = known.map((candidate) => {
    const longest = Math.max(name.length, candidate.length, 1);
    return { candidate, likeness: 1 - distance(name.toLowerCase(), candidate.toLowerCase()) / longest };
  });
  const near = scored.filter(({ likeness }) => likeness >= 0.6).sort((a, b) => b.likeness - a.likeness);
  if (near.length > 0) return near[0].candidate;
  const mine = words(name);
  return known.find((candidate) => words(candidate).some((word) => mine.includes(word)));
}

function howToGrant(group, name, me) {
  if (group === "settings") {
    return "Settings come from infra.py: give this service environment={…} and read it with process.env.";
  }
  const ways = VERBS[group].map((verb) => `${identifier(me || "this_service")}.${verb}(${identifier(name)})`);
  const choice = ways.length === 1 ? ways[0] : `${ways.slice(0, -1).join(", ")} or ${ways.at(-1)}`;
  return `To grant it, write ${choice} in infra.py and run \`klotho up\`.`;
}

/** The error for a name that was not granted in this group. */
function unknownName(group, name) {
  if (!underKlotho()) {
    return new NotUnderKlothoError(
      `cannot look up ${singular(group)} '${name}': this program does not run under Klotho (no KLOTHO_ variable ` +
        "is set). Start the application with `klotho up`, or run one command with a service's environment: " +
        "`klotho exec SERVICE -- COMMAND`.",
    );
  }
  const grants = granted(group);
  const me = thisService();
  const nearest = closest(name, grants.map((grant) => grant.name));
  const listed = grants.map((grant) => {
    return `${grant.name} (${[grant.kind, grant.fields.access].filter(Boolean).join(", ")})`;
  });
  const lines = [
    `${me ? `this service ('${me}')` : "this service"} was granted no ${singular(group)} named '${name}'.` +
      (nearest ? ` Did you mean '${nearest}'?` : ""),
    `Granted ${group}: ${listed.join(", ") || "none"}.`,
  ];
  for (const other of Object.keys(PREFIXES)) {
    if (other !== group && granted(other).some((grant) => grant.name === name)) {
      lines.push(`'${name}' is granted as a ${singular(other)}: use config.${other}.get('${name}').`);
    }
  }
  return new UnknownNameError([...lines, howToGrant(group, name, me)].join("\n"));
}

module.exports = { unknownName, closest };
