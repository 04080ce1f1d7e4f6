"use strict";
// Whose word on a database server's certificate counts; see authority.py.
const fs = require("node:fs");
const path = require("node:path");

const VARIABLE = "KLOTHO_DATABASE_CA";
const HOST_OF_RDS = /\.([a-z0-9-]+)\.rds\.amazonaws\.com$/;

/** The file that a SQL database's certificate is verified with. */
function databaseAuthorities() {
  return process.env[VARIABLE] || path.join(__dirname, "..", "rds-ca.pem");
}

/** The file for a cache's certificate; empty on AWS, where the authorities that Node trusts vouch for it. */
function cacheAuthorities() {
  return process.env[VARIABLE] || "";
}

/** The certificates that vouch for this host, as PEM: of RDS's authorities only those of its region. */
function vouching(host) {
  const all = fs.readFileSync(databaseAuthorities(), "utf8");
  const region = HOST_OF_RDS.exec(host)?.[1];
  const own = region ? all.split(/^# /m).filter((part) => part.startsWith(`${region} `)) : [];
  return own.length ? own.map((part) => part.slice(part.indexOf("\n") + 1)).join("") : all;
}

module.exports = { cacheAuthorities, databaseAuthorities, vouching };
