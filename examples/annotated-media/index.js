import express from "express";
import * as storage from "./storage.js";
import { digest } from "./digests.js";
import { isOwner } from "./owner.js";

const app = express();
app.use(express.raw({ type: "*/*", limit: "5mb" }));

const answering = (work) => (req, res, next) => work(req, res, next).catch(next);

app.get("/media", answering(async (req, res) => res.json(await storage.list(req.query.folder))));

app.get("/media/:folder/:name/digest", answering(async (req, res) => {
  res.json({ digest: await digest(`${req.params.folder}/${req.params.name}`) });
}));

app.get("/media/:folder/:name", answering(async (req, res) => {
  res.type(req.params.name).send(await storage.load(`${req.params.folder}/${req.params.name}`));
}));

app.use(answering(async (req, res, next) => {
  if (!(await isOwner(req))) return res.status(401).json({ error: "who are you?" });
  return editing(req, res, next);
}));

const editing = express.Router();
editing.put("/media/:folder/:name", answering(async (req, res) => {
  await storage.save(`${req.params.folder}/${req.params.name}`, req.body);
  res.sendStatus(204);
}));
editing.post("/media/:folder/:name/name", answering(async (req, res) => {
  await storage.move(`${req.params.folder}/${req.params.name}`, `${req.params.folder}/${req.body}`);
  res.sendStatus(204);
}));
editing.delete("/media/:folder/:name", answering(async (req, res) => {
  await storage.remove(`${req.params.folder}/${req.params.name}`);
  res.sendStatus(204);
}));

app.use((error, req, res, next) => {
  res.status(error.code === "ENOENT" ? 404 : 500).json({ code: error.code, message: error.message });
});

// @klotho::expose { id = "media-api" }
app.listen(process.env.PORT || 3000);
