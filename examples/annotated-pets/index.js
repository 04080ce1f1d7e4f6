const express = require("express");
const { router: pets } = require("./routes/pets");
const adoptions = require("./adoptions");

const app = express();
app.use(express.json());

const api = express.Router();
api.use("/pets", pets);
app.use("/api", api);

app.get("/", (req, res) => {
  res.type("text").send("Pets, looking for a home\n");
});

app.get("/api/adoptions", async (req, res, next) => {
  try {
    const since = req.query.since ? new Date(req.query.since) : new Date(0);
    const found = await adoptions.adoptedSince(since);
    res.json({ owners: [...found.keys()], count: found.size });
  } catch (error) {
    next(error);
  }
});

app.use((error, req, res, next) => {
  res.status(error instanceof RangeError ? 409 : 500).json({ error: error.name, message: error.message, pet: error.pet });
});

/* @klotho::expose {
 *   id = "pets-api"
 *   target = "public"
 * }
 */
app.listen(process.env.PORT || 3000, () => console.log("listening"));
