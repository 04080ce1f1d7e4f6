/* @klotho::execution_unit {
 *   id = "pricing"
 * }
 */
import { EmptyOrder, type Item } from "@domain/order.js";

export interface Price {
  total: bigint;
  priced: Date;
}

/** In whole cents; from ten of a kind on, one is free. */
export async function price<T extends Item>(items: readonly T[], at: Date): Promise<Price> {
  if (items.length === 0) throw new EmptyOrder("an order needs an item");
  const cents = items.map(({ cents, count }) => cents * (count - Math.floor(count / 10)));
  return { total: BigInt(cents.reduce((sum, each) => sum + each, 0)), priced: at };
}
