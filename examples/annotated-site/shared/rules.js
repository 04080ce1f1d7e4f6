// For the server and for browsers, which have no `module`.
function problemsOf(pet) {
  const problems = [];
  if (!pet.name) problems.push("a pet has a name");
  if (!["cat", "dog"].includes(pet.kind)) problems.push("a pet is a cat or a dog");
  return problems;
}

if (typeof module !== "undefined") module.exports = { problemsOf };
