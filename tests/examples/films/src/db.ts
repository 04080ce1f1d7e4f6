import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaClient } from "./generated/prisma/client.js";

const adapter = new PrismaPg({ connectionString: process.env.DATABASE_URL, max: 4 });
// @klotho::persist { id = "films" }
export const prisma = new PrismaClient({ adapter, log: ["error"] });

const TABLES = [
  `CREATE TYPE "Genre" AS ENUM ('DRAMA', 'COMEDY')`,
  `CREATE TABLE directors (id SERIAL PRIMARY KEY, name TEXT NOT NULL UNIQUE)`,
  `CREATE TABLE films (id SERIAL PRIMARY KEY, title TEXT NOT NULL, genre "Genre" NOT NULL DEFAULT 'DRAMA', budget DECIMAL(65,30),
    tags TEXT[], director_id INTEGER NOT NULL REFERENCES directors (id))`,
];

export async function migrate(): Promise<void> {
  const [{ found }] = await prisma.$queryRaw<{ found: string | null }[]>`SELECT to_regclass('films')::text AS found`;
  if (found === null) await prisma.$transaction(TABLES.map((statement) => prisma.$executeRawUnsafe(statement)));
}
