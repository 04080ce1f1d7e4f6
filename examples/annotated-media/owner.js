/* @klotho::persist {
 *   id = "owner-key"
 *   secret = true
 * }
 */
import { readFile } from "node:fs/promises";

export async function isOwner(request) {
  const key = await readFile("owner-key.txt", "utf8");
  return request.get("authorization") === `Bearer ${key.trim()}`;
}
