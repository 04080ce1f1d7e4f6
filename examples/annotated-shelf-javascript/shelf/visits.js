const { createClient } = require("redis");

// @klotho::persist { id = "visits" }
const client = createClient({ url: process.env.REDIS_URL });
client.on("error", (error) => console.error(error));

let ready;

exports.count = async (page) => {
  await (ready ??= client.connect());
  return client.incr(`visits:${page}`);
};
