/* @klotho::execution_unit {
 *   id = "adoptions"
 * }
 */
const policies = require("./policies.json");

// @klotho::persist { id = "adopted" }
const adopted = new Map();

async function adopt(pet, owner) {
  if (await adopted.has(pet.name)) {
    throw Object.assign(new RangeError(`${pet.name} has a home already`), { pet });
  }
  const adoption = { pet, owner, at: new Date(), welcome: policies[pet.kind] ?? policies.other };
  await adopted.set(pet.name, adoption);
  return { owner, pet: pet.name, welcome: adoption.welcome };
}

async function adoptedSince(day) {
  const owners = new Map();
  for (const { pet, owner, at } of await adopted.values()) {
    if (at >= day) owners.set(owner, pet.name);
  }
  return owners;
}

module.exports = { adopt, adoptedSince };
