// What an auction, a status and a bid must look like.
import { Problem } from "./messages.mjs";

const STATUSES = ["pending", "in progress", "closed"];
const MOST = 1e12; // far below the 2^53 cents at which numbers stop being exact
const LONGEST_USER = 256; // characters

const isAmount = (value, least) => typeof value === "number" && value >= least && value <= MOST;
const statusProblem = (status) => (STATUSES.includes(status) ? [] : [`status must be one of ${STATUSES.join(", ")}`]);

/** Problem 400 with everything that is wrong. */
function refuse(problems) {
  if (problems.length > 0) throw new Problem(400, problems.join("; "));
}

export function checkedAuction({ chickenId, startingPrice, status }) {
  refuse([
    ...(typeof chickenId === "string" && chickenId !== "" ? [] : ["chickenId must be the id of a chicken"]),
    ...(isAmount(startingPrice, 1) ? [] : [`startingPrice must be a number from 1 to ${MOST}`]),
    ...statusProblem(status),
  ]);
  return { chickenId, startingPrice, status };
}

export function checkedStatus({ status }) {
  refuse(statusProblem(status));
  return status;
}

/** HTTP APIs hand over the names of headers in lower case, however the caller spelt them. */
export function checkedBid({ bid }, headers) {
  const userId = (headers?.userid ?? "").trim();
  refuse([
    ...(isAmount(bid, 0.01) && Number(bid.toFixed(2)) === bid ? [] : ["bid must be a number above 0, in steps of 0.01"]),
    ...(userId && userId.length <= LONGEST_USER ? [] : ["the header userId must say who bids"]),
  ]);
  return { price: bid, userId };
}
