const { Pool } = require("pg");

// @klotho::persist { id = "notes" }
const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 4 });

const ready = pool.query("CREATE TABLE IF NOT EXISTS notes (id serial PRIMARY KEY, text text NOT NULL UNIQUE)");

exports.add = async (text) => {
  await ready;
  const { rows } = await pool.query("INSERT INTO notes (text) VALUES ($1) RETURNING id, text", [text]);
  return rows[0];
};

exports.all = async () => {
  await ready;
  return (await pool.query("SELECT id, text FROM notes ORDER BY id")).rows;
};
