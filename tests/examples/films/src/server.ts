import express from "express";
import { migrate, prisma } from "./db.js";
import { add, rename } from "./films.js";

const app = express();
app.use(express.json());
let ready: Promise<void> | undefined;
app.use(async (req, res, next) => {
  await (ready ??= migrate());
  next();
});

app.post("/films", async (req, res) => {
  res.status(201).json(await add(req.body.director, req.body.title, req.body.budget));
});
app.patch("/films/:id", async (req, res) => {
  const film = await rename(Number(req.params.id), req.body.title);
  if (film) res.json(film);
  else res.sendStatus(404);
});
app.get("/directors", async (req, res) => {
  const found = await prisma.director.findMany({
    where: { films: { some: { title: { contains: String(req.query.title ?? ""), mode: "insensitive" } } } },
    include: { films: { orderBy: { title: "asc" } } },
    orderBy: { name: "asc" },
  });
  res.json(found);
});
app.get("/genres", async (req, res) => {
  res.json(await prisma.film.groupBy({ by: ["genre"], _count: true, _sum: { budget: true }, orderBy: { genre: "asc" } }));
});
app.post("/directors", async (req, res) => {
  const made = await prisma.$transaction(async (tx) => {
    const one = await tx.director.create({ data: { name: req.body.name } });
    await tx.film.create({ data: { title: "First", directorId: one.id } });
    return one;
  });
  res.status(201).json(made);
});
app.use((error: { code?: string; name: string }, req: express.Request, res: express.Response, next: express.NextFunction) => {
  res.status(error.code === "P2002" ? 409 : 500).json({ error: error.name, code: error.code });
});

// @klotho::expose { id = "films-api" }
app.listen(process.env.PORT ?? 3000);
