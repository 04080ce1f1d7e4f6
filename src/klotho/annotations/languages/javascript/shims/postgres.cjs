"use strict";
// Clients of SQL on the unit's Postgres when it is deployed, and those they were when it is not. Options stay; address,
// database and login are the database's, the login that of now for each connection.
const CONNECTS = ["connectionString", "host", "port", "user", "username", "password", "database", "ssl", "url", "storage"];

const database = () => require("@klotho/runtime").config.datastores;

function where(name) {
  const { host, port, database: named, ca } = database().address(name);
  return { host, port, database: named, ssl: { ca } };
}

function without(options) {
  return Object.fromEntries(Object.entries(options ?? {}).filter(([key]) => !CONNECTS.includes(key)));
}

// new Pool(…), new Client(…) of pg
function pg(name, Made) {
  return function made(options) {
    const given = typeof options === "string" ? {} : without(options);
    if (Made.prototype.query && Made.prototype.getStartupConf) return new (withLogin(Made, name))({ ...given, ...where(name) });
    const Client = withLogin(given.Client ?? new Made({ max: 1 }).Client, name);
    return new Made({ ...given, ...where(name), Client });
  };
}

function withLogin(Client, name) {
  return class extends Client {
    connect(done) {
      const begun = database()
        .get(name)
        .then(({ user, password }) => {
          this.user = this.connectionParameters.user = user;
          this.password = this.connectionParameters.password = password;
          return new Promise((resolve, reject) => super.connect((error) => (error ? reject(error) : resolve(this))));
        });
      if (!done) return begun;
      begun.then((client) => done(null, client), done);
    }
  };
}

// knex({ client: "pg", connection: … })
function knex(name, make) {
  return (options) => {
    const { useNullAsDefault, ...given } = typeof options === "string" ? {} : options;
    const connection = async () => {
      const { user, password } = await database().get(name);
      return { ...where(name), user, password, expirationChecker: () => true };
    };
    return make({ ...given, client: "pg", connection });
  };
}

// new Sequelize(url, options), (database, user, password, options) or (options)
function sequelize(name, Made) {
  return function made(...args) {
    const { dialectOptions, ...given } = without(args.find((item) => item !== null && typeof item === "object"));
    const { ssl, ...place } = where(name);
    const kept = given.dialect === undefined || given.dialect === "postgres" ? dialectOptions : {};
    const dialect = { dialect: "postgres", dialectModule: require("pg"), dialectOptions: { ...kept, ssl } };
    const found = new Made({ ...given, ...place, ...dialect });
    found.addHook("beforeConnect", async (config) => {
      const { user, password } = await database().get(name);
      Object.assign(config, { username: user, password });
    });
    return found;
  };
}

// new DataSource({ … }) of TypeORM
function typeorm(name, Made) {
  return function made(options) {
    const found = new Made({ ...without(options), ...where(name), type: "postgres", driver: require("pg") });
    const { initialize } = found;
    found.initialize = async () => {
      const { user } = await database().get(name);
      found.setOptions({ username: user, password: async () => (await database().get(name)).password });
      return initialize.call(found);
    };
    return found;
  };
}

// new PrismaPg(config or pool, options), the adapter of Prisma
function prisma(name, Made) {
  return function made(given, options) {
    const { Client, Pool } = require("pg");
    const plain = given instanceof Pool ? given.options : typeof given === "string" ? {} : (given ?? {});
    return new Made({ ...without(plain), ...where(name), Client: withLogin(plain.Client ?? Client, name) }, options);
  };
}

const KINDS = { pg, knex, sequelize, typeorm, prisma };

module.exports = function client(name, library, made) {
  return process.env.KLOTHO_UNIT ? KINDS[library](name, made) : made;
};
