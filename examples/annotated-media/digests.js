// @klotho::execution_unit { id = "digests" }
import { createHmac } from "node:crypto";
import { load } from "./storage.js";

/* @klotho::config {
 *   id = "digest-key"
 *   secret = true
 * }
 */
const key = process.env.DIGEST_KEY ?? "of this machine";

export async function digest(name) {
  return createHmac("sha256", key).update(await load(name)).digest("hex");
}
