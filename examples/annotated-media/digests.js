// @klotho::execution_unit { id = "digests" }
import { createHash } from "node:crypto";
import { load } from "./storage.js";

export async function digest(name) {
  return createHash("sha256").update(await load(name)).digest("hex");
}
