const Redis = require("ioredis");

// @klotho::persist { id = "sessions" }
const redis = new Redis(process.env.REDIS_URL, { keyPrefix: "session:", maxRetriesPerRequest: 3 });

exports.open = (name, user) => redis.set(name, user, "EX", 60);
exports.user = (name) => redis.get(name);
