// Receipts: asks `orders` what was ordered and prints it. Not always on.
import http from "node:http";
import { config } from "@klotho/runtime";

async function receipt(id) {
  const orders = await config.services.get("orders");
  const answer = await fetch(`${await orders.url}/orders/${encodeURIComponent(id)}`);
  if (answer.status !== 200) return [answer.status, `no receipt: ${(await answer.json()).message}\n`];
  const order = await answer.json();
  const euros = (order.cents / 100).toFixed(2);
  return [200, `${order.quantity} x ${order.item}`.padEnd(30) + euros.padStart(8) + " EUR\n"];
}

const server = http.createServer(async (request, response) => {
  const id = request.url.match(/^\/receipts\/(\d+)$/)?.[1];
  try {
    const [status, text] = id ? await receipt(id) : [404, "no such page\n"];
    response.writeHead(status, { "content-type": "text/plain" }).end(text);
  } catch (error) {
    console.error(error);
    response.writeHead(502, { "content-type": "text/plain" }).end("the orders service did not answer\n");
  }
});

server.listen(Number(process.env.PORT), process.env.HOST ?? "0.0.0.0", () => console.log("receipts are ready"));
