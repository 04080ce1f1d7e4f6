const { DataTypes, Sequelize } = require("sequelize");

// @klotho::persist { id = "books" }
const sequelize = new Sequelize(process.env.DATABASE_URL, { dialect: "postgres", logging: false });

const Book = sequelize.define("book", { title: { type: DataTypes.STRING, unique: true }, year: DataTypes.INTEGER }, { timestamps: false });

let ready;

exports.add = async (title, year) => {
  await (ready ??= sequelize.sync());
  return Book.create({ title, year });
};

exports.since = async (year) => {
  await (ready ??= sequelize.sync());
  const { Op } = require("sequelize");
  return Book.findAll({ where: { year: { [Op.gte]: year } }, order: ["title"] });
};
