// Pets are adopted. Who adopts most is for reports.py to say.
const { EventEmitter } = require("node:events");
// @klotho::persist { id = "notes" }
const { mkdir, readFile, writeFile } = require("node:fs/promises");
const express = require("express");

const app = express();
app.use(express.json());

// @klotho::persist { id = "pets" }
const pets = new Map();

// @klotho::persist { id = "owners" }
const owners = new Map();

/* Who asks for a pet has some seconds to take it.
 * @klotho::persist {
 *   id = "holds"
 *   ttl = 5
 * }
 */
const holds = new Map();

// @klotho::pubsub { id = "pet-events" }
const events = new EventEmitter();

app.put("/pets/:name", async (req, res) => {
  await pets.set(req.params.name, { ...req.body, since: new Date(0) });
  res.status(201).end();
});

app.post("/pets/:name/owner", (req, res) => {
  events.emit("adopted", req.params.name, new Set([req.body.owner]));
  res.status(202).end();
});

app.put("/pets/:name/hold", async (req, res) => {
  if (await holds.has(req.params.name)) return res.status(409).end();
  await holds.set(req.params.name, req.body.by);
  res.status(201).end();
});

app.put("/pets/:name/note", async (req, res) => {
  await mkdir("notes", { recursive: true });
  await writeFile(`notes/${req.params.name}.txt`, req.body.text);
  res.status(201).end();
});

app.get("/notes/:name", async (req, res) => {
  res.type("text/plain").send(await readFile(`notes/${req.params.name}.txt`, "utf8"));
});

app.get("/owners/:name", async (req, res) => {
  const found = await owners.get(req.params.name);
  res.status(found ? 200 : 404).json(found ?? null);
});

// @klotho::expose { id = "pets-api" }
app.listen(process.env.PORT || 3000);
