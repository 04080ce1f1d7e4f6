const { EventEmitter } = require("node:events");

// @klotho::pubsub { id = "pet-events" }
const events = new EventEmitter();

module.exports = events;
