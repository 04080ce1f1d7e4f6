// Pets are adopted; whoever listens is told.
const express = require("express");
const { adopted } = require("./desk");
const events = require("./events");
const { letters, sent } = require("./letters");
require("./mailer");

const app = express();
app.use(express.json());

app.post("/adoptions/:pet", (req, res) => {
  const told = events.emit("adopted", { pet: req.params.pet, owner: req.body.owner, at: new Date() });
  res.status(202).json({ told, adopted });
});

app.delete("/adoptions/:pet", (req, res) => {
  res.status(202).json({ told: events.emit("returned", req.params.pet), heard: events.emit("nobody listens") });
});

app.get("/letters", async (req, res) => {
  res.json(Object.fromEntries(await letters.entries()));
});

app.get("/sent", async (req, res) => {
  res.json(Object.fromEntries(await sent.entries()));
});

// @klotho::expose { id = "adoptions-api" }
app.listen(process.env.PORT || 3000);
