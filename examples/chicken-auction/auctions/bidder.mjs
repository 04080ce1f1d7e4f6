// Bids in the order they came: one that is high enough becomes the price, any other changes nothing.
import { config } from "@klotho/runtime";
import { IN_PROGRESS, written } from "./store.mjs";

async function apply({ auctionId, bid }) {
  const auctions = await config.datastores.get("auctions_db");
  // Compared and written in one step, so that no bid ever lowers the price, even if it should come twice.
  const change = {
    set: { currentBid: bid },
    condition:
      "#status = :open AND " +
      "((attribute_not_exists(currentBid) AND startingPrice <= :bid) OR currentBid.price < :bid)",
    names: { status: "status" },
    values: { open: IN_PROGRESS, bid: bid.price },
  };
  const counted = await written(auctions.update({ id: auctionId }, change));
  console.log(`${bid.userId} bids ${bid.price} for ${auctionId}: ${counted ? "the highest" : "does not count"}`);
}

export async function handler(event) {
  const failed = new Set(); // auctions: what follows a failed bid for the same one must wait as well, to keep the order
  const batchItemFailures = [];
  for (const record of event.Records) {
    const group = record.attributes.MessageGroupId;
    try {
      if (failed.has(group)) throw new Error("an earlier bid for this auction failed");
      await apply(JSON.parse(record.body));
    } catch (error) {
      console.error(`bid ${record.messageId}: ${error.message}`);
      failed.add(group);
      batchItemFailures.push({ itemIdentifier: record.messageId });
    }
  }
  return { batchItemFailures };
}
