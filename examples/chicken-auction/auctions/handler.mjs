// Auctions: open one, list, look at one, change its status, bid.
import { config } from "@klotho/runtime";
import { Problem, answer, bodyOf } from "./messages.mjs";
import { IN_PROGRESS, written } from "./store.mjs";
import { isUlid, newUlid, timeOf } from "./ulid.mjs";
import { checkedAuction, checkedBid, checkedStatus } from "./validation.mjs";

const CLOSED = "closed";

async function createAuction(event) {
  const auction = { id: newUlid(), ...checkedAuction(bodyOf(event)) };
  const chickens = await config.datastores.get("chickens_db");
  const known = isUlid(auction.chickenId) && (await chickens.get({ id: auction.chickenId }, { consistent: true }));
  if (!known) throw new Problem(404, "no such chicken");
  const auctions = await config.datastores.get("auctions_db");
  // All auctions share one value of `list`, so that one query of the index finds them in order.
  await auctions.put({ ...auction, list: "auctions" }, { ifAbsent: true });
  if (auction.status === IN_PROGRESS) await announce(auction);
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
    if (await written(auctions.update({ id }, { ...change, condition: "#status = :seen" }))) {
      if (status === IN_PROGRESS) await announce(auction);
      return answer(204);
    }
  }
}

/** Whoever asked to be told learns that the auction has begun. */
async function announce({ id, chickenId }) {
  const begun = await config.topics.get("begun");
  await begun.publish({ event: "begun", auctionId: id, chickenId });
}

async function placeBid(event, id) {
  const bid = checkedBid(bodyOf(event), event.headers);
  const auction = await existingAuction(id);
  if (auction.status !== IN_PROGRESS) throw new Problem(409, `the auction is ${auction.status}: no bids now`);
  const bids = await config.queues.get("bids");
  // In the order of arrival for each auction; a request that is sent again by the network counts once.
  await bids.send({ auctionId: id, bid }, { group: id, dedup: event.requestContext.requestId });
  return answer(202, { status: `/auctions/${id}` });
}

async function existingAuction(id) {
  const auctions = await config.datastores.get("auctions_db");
  const auction = isUlid(id) ? await auctions.get({ id }, { consistent: true }) : null;
  if (auction === null) throw new Problem(404, "no such auction");
  return auction;
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
