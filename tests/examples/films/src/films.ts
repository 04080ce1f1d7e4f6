// @klotho::execution_unit { id = "films" }
import { prisma } from "./db.js";
import { Prisma, type Film } from "./generated/prisma/client.js";

export async function add(director: string, title: string, budget?: string): Promise<Film> {
  return prisma.film.create({
    data: {
      title,
      budget: budget === undefined ? null : new Prisma.Decimal(budget),
      tags: title.toLowerCase().split(" "),
      director: { connectOrCreate: { where: { name: director }, create: { name: director } } },
    },
    include: { director: true },
  });
}

export async function rename(id: number, title: string): Promise<Film | null> {
  try {
    return await prisma.film.update({ where: { id }, data: { title, genre: "COMEDY" } });
  } catch (error) {
    if (error instanceof Prisma.PrismaClientKnownRequestError && error.code === "P2025") return null;
    throw error;
  }
}
