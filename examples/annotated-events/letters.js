// @klotho::persist { id = "letters" }
exports.letters = new Map();

// @klotho::persist { id = "sent" }
exports.sent = new Map();
