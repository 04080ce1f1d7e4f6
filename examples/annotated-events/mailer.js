// Writes letters, in an execution unit of its own.
/* @klotho::execution_unit {
 *   id = "mailer"
 * }
 */
const events = require("./events");
const { letters } = require("./letters");

events
  .on("adopted", async ({ pet, owner, at }) => {
    await letters.set(pet, `${at.getUTCFullYear()}: Dear ${owner}, ${pet} is yours.`);
    events.emit("mailed", pet, new Set([owner]));
  })
  .on("returned", (pet) => letters.delete(pet));
