// What both functions do with the table of auctions.
import { ConditionFailedError } from "@klotho/runtime";

export const IN_PROGRESS = "in progress";

/** Whether a conditional write took place. */
export async function written(write) {
  try {
    await write;
    return true;
  } catch (error) {
    if (error instanceof ConditionFailedError) return false;
    throw error;
  }
}
