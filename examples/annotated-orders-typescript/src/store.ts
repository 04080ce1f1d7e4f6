import { Status, type Order } from "@domain/order.js";

// @klotho::persist { id = "orders" }
export const orders: Map<string, Order> = new Map<string, Order>();

export async function open(): Promise<Order[]> {
  const all = [...(await orders.values())] satisfies Order[];
  return all.filter((order) => order.status === Status.Open);
}
