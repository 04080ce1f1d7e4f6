// @klotho::persist { id = "pets" }
const pets = new Map();

module.exports = { pets };
