import express from "express";
import type { ErrorRequestHandler } from "express";
import { orders } from "./routes/orders.js";
import { banner } from "./banner.js";

const app = express();
app.use(express.json());
app.use("/api/orders", orders);

app.get("/", (_request, response) => {
  response.type("text/plain").send(banner);
});

const failed: ErrorRequestHandler = (error: Error, _request, response, _next) => {
  response.status(400).json({ error: error.name, message: error.message });
};
app.use(failed);

// @klotho::expose { id = "orders-api" }
app.listen(Number(process.env.PORT ?? 3000));
