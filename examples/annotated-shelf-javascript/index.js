const express = require("express");
const authors = require("./shelf/authors");
const books = require("./shelf/books");
const notes = require("./shelf/notes");
const search = require("./shelf/search");
const sessions = require("./shelf/sessions");
const tags = require("./shelf/tags");
const visits = require("./shelf/visits");

const app = express();
app.use(express.json());

const answering = (work) => (req, res, next) => work(req, res).catch(next);

app.post("/notes", answering(async (req, res) => res.status(201).json(await notes.add(req.body.text))));
app.get("/notes", answering(async (req, res) => res.json(await notes.all())));
app.post("/tags/:name", answering(async (req, res) => res.json(await tags.use(req.params.name))));
app.post("/books", answering(async (req, res) => res.status(201).json(await books.add(req.body.title, req.body.year))));
app.get("/books", answering(async (req, res) => res.json(await books.since(Number(req.query.since ?? 0)))));
app.post("/authors", answering(async (req, res) => res.status(201).json(await authors.add(req.body.name))));
app.get("/authors/:id", answering(async (req, res) => res.json(await authors.find(Number(req.params.id)))));
app.get("/visits/:page", answering(async (req, res) => res.json({ visits: await visits.count(req.params.page) })));
app.put("/sessions/:name", answering(async (req, res) => res.json({ set: await sessions.open(req.params.name, req.body.user) })));
app.get("/sessions/:name", answering(async (req, res) => res.json({ user: await sessions.user(req.params.name) })));
app.get("/search/:word", answering(async (req, res) => res.json(await search.everything(req.params.word))));

app.use((error, req, res, next) => {
  res.status(error.name === "SequelizeUniqueConstraintError" || error.code === "23505" ? 409 : 500).json({ error: error.name });
});

// @klotho::expose { id = "shelf-api" }
app.listen(process.env.PORT || 3000);
