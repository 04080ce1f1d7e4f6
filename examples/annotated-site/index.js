const fs = require("fs");
const path = require("path");
const cors = require("cors");
const express = require("express");
const { problemsOf } = require("./shared/rules");

// @klotho::persist { id = "pets" }
const pets = new Map();

/* The pages, for a CDN. The server has the rules, too: it trusts no browser.
 *
 * @klotho::static_unit {
 *   id = "site"
 *   index_document = "public/index.html"
 *   static_files = ["public/**"]
 *   shared_files = ["shared/*.js"]
 * }
 *
 * @klotho::embed_assets {
 *   include = ["views/*.html"]
 *   exclude = ["views/draft-*"]
 * }
 */
const card = fs.readFileSync(path.join(__dirname, "views", "card.html"), "utf8");

const app = express();
app.use(cors());
app.use(express.json());
app.use(express.static(path.join(__dirname, "public")));
app.use("/shared", express.static(path.join(__dirname, "shared")));

app.get("/api/pets", async (req, res) => {
  res.json([...(await pets.values())]);
});

app.post("/api/pets", async (req, res) => {
  const problems = problemsOf(req.body);
  if (problems.length > 0) return res.status(400).json({ problems });
  await pets.set(req.body.name, { name: req.body.name, kind: req.body.kind });
  res.status(201).json(req.body);
});

app.get("/api/pets/:name/card", async (req, res) => {
  const pet = await pets.get(req.params.name);
  if (pet === undefined) return res.sendStatus(404);
  res.type("html").send(card.replace(/{(\w+)}/g, (_, key) => pet[key]));
});

// @klotho::expose { id = "pets-api" }
app.listen(process.env.PORT || 3000);
