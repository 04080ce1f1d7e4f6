const { DataSource, EntitySchema } = require("typeorm");

const Author = new EntitySchema({
  name: "Author",
  tableName: "authors",
  columns: { id: { type: Number, primary: true, generated: true }, name: { type: String } },
});

// @klotho::persist { id = "authors" }
const source = new DataSource({ type: "postgres", url: process.env.DATABASE_URL, entities: [Author], synchronize: true });

let ready;

async function authors() {
  await (ready ??= source.initialize());
  return source.getRepository(Author);
}

exports.add = async (name) => (await authors()).save({ name });
exports.find = async (id) => (await authors()).findOneBy({ id });
