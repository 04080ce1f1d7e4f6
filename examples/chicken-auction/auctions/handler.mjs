// Auctions: open one, list, look at one, change its status, bid.
import { ConditionFailedError, config } from "@klotho/runtime";
import { Problem, answer, bodyOf } from "./messages.mjs";
import { isUlid, newUlid, timeOf } from "./ulid.mjs";
import { checkedAuction, checkedBid, checkedStatus } from "./validation.mjs";

const CLOSED = "closed";
const IN_PROGRESS = "in progress";

async function createAuction(event) {
  const auction = { id: newUlid(), ...checkedAuction(bodyOf(event)) };
  const chickens = await config.datastores.get("chickens_db");
  const known = isUlid(auction.chickenId) && (await chickens.get({ id: auction.chickenId }, { consistent: true }));
  if (!known) throw new Problem(404, "no such chicken");
  const auctions = await config.datastores.get("auctions_db");
  // All auctions share one value of `list`, so that one query of the index finds them in order.
  await auctions.put({ ...auction, list: "auctions" }, { ifAbsent: true });
  return answer(201, { id: auction.id });
}

async function listAuctions() {
  const auctions = await config.datastores.get("auctions_db");
  const items = [];
  for await (const auction of auctions.query({ list: "auctions" }, { index: "by_time" })) items.push(shown(auction));
  return answer(200, { items });
}

async function getAuction(event, id) {
  return answer(200, shown(await existingAuction(id)));
}

async function changeStatus(event, id) {
  const status = checkedStatus(bodyOf(event));
  const auctions = await config.datastores.get("auctions_db");
  for (;;) {
    const auction = await existingAuction(id);
    if (auction.status === status) return answer(204);
    if (auction.status === CLOSED) throw new Problem(409, "the auction is closed and stays so");
    // Written only if nobody changed it since it was read; else it is looked at anew.
    const change = { set: { status }, names: { status: "status" }, values: { seen: auction.status } };
    if (await written(auctions.update({ id }, { ...change, condition: "#status = :seen" }))) return answer(204);
  }
}

async function placeBid(event, id) {
  const currentBid = checkedBid(bodyOf(event), event.headers);
  const auctions = await config.datastores.get("auctions_db");
  // Compared and written in one step, so that of bids at the same time none lowers the price.
  const change = {
    set: { currentBid },
    condition:
      "#status = :open AND " +
      "((attribute_not_exists(currentBid) AND startingPrice <= :bid) OR currentBid.price < :bid)",
    names: { status: "status" },
    values: { open: IN_PROGRESS, bid: currentBid.price },
  };
  if (isUlid(id) && (await written(auctions.update({ id }, change)))) return answer(204);
  const auction = await existingAuction(id);
  if (auction.status !== IN_PROGRESS) throw new Problem(409, `the auction is ${auction.status}: no bids now`);
  const least = auction.currentBid ? `more than ${auction.currentBid.price}` : `at least ${auction.startingPrice}`;
  throw new Problem(400, `the bid must be ${least}`);
}

async function existingAuction(id) {
  const auctions = await config.datastores.get("auctions_db");
  const auction = isUlid(id) ? await auctions.get({ id }, { consistent: true }) : null;
  if (auction === null) throw new Problem(404, "no such auction");
  return auction;
}

/** Whether a conditional write took place. */
async function written(write) {
  try {
    await write;
    return true;
  } catch (error) {
    if (error instanceof ConditionFailedError) return false;
    throw error;
  }
}

function shown({ id, chickenId, status, startingPrice, currentBid }) {
  return { id, chickenId, status, startingPrice, createdDate: new Date(timeOf(id)).toISOString(), currentBid };
}

const ROUTES = [
  ["POST", /^\/auctions$/, createAuction],
  ["GET", /^\/auctions$/, listAuctions],
  ["GET", /^\/auctions\/([^/]+)$/, getAuction],
  ["POST", /^\/auctions\/([^/]+)\/statuses$/, changeStatus],
  ["POST", /^\/auctions\/([^/]+)\/bids$/, placeBid],
];

export async function handler(event) {
  try {
    for (const [method, path, serve] of ROUTES) {
      const match = event.rawPath.match(path);
      if (match && event.requestContext.http.method === method) return await serve(event, ...match.slice(1));
    }
    throw new Problem(404, "no such page");
  } catch (error) {
    if (error instanceof Problem) return answer(error.status, { message: error.message });
    console.error(error); // what went wrong is for the log, not for the caller
    return answer(500, { message: "something went wrong here" });
  }
}
