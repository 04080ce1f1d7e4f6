"use strict";
// Clients of `redis` on the unit's cache when it is deployed, and those they were when it is not. Options stay; address
// and login are the cache's. The login is fetched when the client connects.
module.exports = function client(name, make) {
  if (!process.env.KLOTHO_UNIT) return make;
  const { address, get } = require("@klotho/runtime").config.datastores;
  const login = async () => {
    const { user, password } = await get(name);
    return { username: user, password };
  };
  return (options = {}) => {
    const where = address(name);
    const made = where.cluster ? ofCluster(options, where) : ofNode(options, where);
    const settings = where.cluster ? made.defaults : made;
    settings.credentialsProvider = { type: "async-credentials-provider", credentials: login };
    const found = make(made);
    // `redis` 4 knows no provider: it takes what its own copy of the options says when it connects.
    const { connect } = found;
    found.connect = async function (...args) {
      Object.assign((!where.cluster && found.options) || settings, await login());
      return connect.apply(this, args);
    };
    return found;
  };
};

function secured(socket, where) {
  const { path, ...kept } = socket ?? {};
  return { ...kept, tls: where.tls, ...(where.ca ? { ca: where.ca } : {}) };
}

function ofNode({ url, username, password, socket, ...kept }, where) {
  return { ...kept, socket: { ...secured(socket, where), host: where.host, port: where.port } };
}

function ofCluster({ rootNodes, defaults, nodeAddressMap, ...kept }, where) {
  const { url, username, password, socket, ...own } = defaults ?? {};
  const { host, port } = where;
  return { ...kept, rootNodes: [{ socket: { host, port } }], defaults: { ...own, socket: secured(socket, where) } };
}
