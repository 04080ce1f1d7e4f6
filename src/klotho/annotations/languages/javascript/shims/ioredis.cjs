"use strict";
// Clients of `ioredis` on the unit's cache when it is deployed, and those they were when it is not. Options stay; address
// and login are the cache's. The login is fetched before the first connection; commands wait for it in the client's queue.
module.exports = function client(name, Client) {
  if (!process.env.KLOTHO_UNIT) return Client;
  return function Made(...args) {
    const where = require("@klotho/runtime").config.datastores.address(name);
    const tls = where.tls ? { tls: where.ca ? { ca: where.ca } : {} } : {};
    const options = args.find((item) => item !== null && typeof item === "object" && !Array.isArray(item)) ?? {};
    const found = where.cluster ? ofCluster(Client, options, where, tls) : ofNode(Client, options, where, tls);
    return connected(found, name, where.cluster ? found.options.redisOptions : found.options, options.lazyConnect);
  };
};

function ofNode(Client, { host, port, path, username, password, ...kept }, where, tls) {
  return new Client({ ...kept, ...tls, host: where.host, port: where.port, lazyConnect: true });
}

function ofCluster(Client, { redisOptions, ...kept }, where, tls) {
  // The servers' certificates are for their names, which are not looked up here.
  const dnsLookup = (host, callback) => callback(null, host);
  const settings = { ...kept, dnsLookup, lazyConnect: true, redisOptions: { ...redisOptions, ...tls } };
  return new Client([{ host: where.host, port: where.port }], settings);
}

function connected(client, name, settings, isLazy) {
  const { connect } = client;
  let begun;
  client.connect = (...args) => {
    begun ??= require("@klotho/runtime")
      .config.datastores.get(name)
      .then(({ user, password }) => Object.assign(settings, { username: user, password }))
      .then(() => connect.apply(client, args))
      .finally(() => (begun = undefined));
    return begun;
  };
  if (!isLazy) client.connect().catch(() => {}); // as ioredis does: failures are events of the client
  return client;
}
