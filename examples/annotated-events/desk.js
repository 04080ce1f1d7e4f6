// Stays with who emits, and listens to the mailer.
const events = require("./events");
const { sent } = require("./letters");

const adopted = [];
events.on("adopted", ({ pet }) => adopted.push(pet));
events.on("mailed", async (pet, owners) => {
  await sent.set(pet, [...owners]);
});

module.exports = { adopted };
