const knex = require("knex");

// @klotho::persist { id = "tags" }
const db = knex({ client: "pg", connection: process.env.DATABASE_URL, pool: { min: 0, max: 4 } });

async function table() {
  if (!(await db.schema.hasTable("tags"))) {
    await db.schema.createTable("tags", (columns) => {
      columns.string("name").primary();
      columns.integer("used").notNullable().defaultTo(0);
    });
  }
}

let ready;

exports.use = async (name) => {
  await (ready ??= table());
  return db.transaction(async (change) => {
    await change("tags").insert({ name }).onConflict("name").ignore();
    await change("tags").where({ name }).increment("used", 1);
    return change("tags").where({ name }).first();
  });
};
