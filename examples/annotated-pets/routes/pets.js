const { Router } = require("express");
const { pets } = require("../store");
const { adopt } = require("../adoptions");

const router = Router();

router
  .route("/")
  .get(async (req, res) => {
    res.json([...(await pets.values())]);
  })
  .post(async (req, res) => {
    const { name, kind } = req.body;
    if (!name || !kind) return res.status(400).json({ error: "a pet has a name and a kind" });
    const pet = { name, kind };
    await pets.set(name, pet);
    res.status(201).location(`/api/pets/${encodeURIComponent(name)}`).json(pet);
  });

router.get("/:name", async (req, res) => {
  const pet = await pets.get(req.params.name);
  if (!pet) return res.status(404).json({ error: "no such pet" });
  res.json(pet);
});

router.delete("/:name", async (req, res) => {
  res.sendStatus((await pets.delete(req.params.name)) ? 204 : 404);
});

router.post("/:name/adoption", async (req, res, next) => {
  try {
    const pet = await pets.get(req.params.name);
    if (!pet) return res.status(404).json({ error: "no such pet" });
    res.json(await adopt(pet, req.body.owner));
  } catch (error) {
    next(error);
  }
});

module.exports = { router };
