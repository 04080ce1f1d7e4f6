import { Router, type NextFunction, type Request, type Response } from "express";
import { Status, type Item, type Order } from "@domain/order.js";
import { open, orders as stored } from "@store";
import { Price, price } from "../pricing.js";

export const orders: Router = Router();

const shown = (order: Order) => ({ ...order, total: order.total.toString() });

orders.get("/", async (request: Request, response: Response) => {
  const found = request.query.open ? await open() : [...(await stored.values())];
  response.json(found.map(shown));
});

orders.put("/:id", async (request: Request<{ id: string }>, response: Response, next: NextFunction) => {
  try {
    const items = (request.body as { items: Item[] }).items;
    const { total, priced }: Price = await price(items, new Date(Date.UTC(2026, 0, 1)));
    const order: Order = { id: request.params.id, items, total, placed: priced, status: Status.Open };
    await stored.set(order.id, order);
    response.status(201).json({ ...shown(order), year: order.placed.getUTCFullYear() });
  } catch (error) {
    next(error);
  }
});

orders
  .route("/:id/payment")
  .post(async (request: Request<{ id: string }>, response: Response) => {
    const order = (await stored.get(request.params.id))!;
    if (!order) return void response.sendStatus(404);
    await stored.set(order.id, { ...order, status: Status.Paid });
    response.sendStatus(204);
  });

orders.get("/:id", async (request: Request<{ id: string }>, response: Response) => {
  const order = await stored.get(request.params.id);
  order ? response.json(shown(order)) : response.sendStatus(404);
});
