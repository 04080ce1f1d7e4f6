export enum Status {
  Open = "open",
  Paid = "paid",
}

export interface Item {
  readonly name: string;
  readonly cents: number;
  readonly count: number;
}

export type Order = { id: string; items: Item[]; total: bigint; placed: Date; status: Status };

export class EmptyOrder extends Error {
  override name = "EmptyOrder";
}
