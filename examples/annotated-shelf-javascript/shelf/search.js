// @klotho::execution_unit { id = "search" }
const books = require("./books");
const notes = require("./notes");

exports.everything = async function (word) {
  const found = [...(await books.since(0)).map((book) => book.title), ...(await notes.all()).map((note) => note.text)];
  return found.filter((text) => text.toLowerCase().includes(word.toLowerCase()));
};
