"use strict";
// DynamoDB expressions from plain values; see expressions.py. Own placeholders are #k0, :k0, …
const { encode } = require("./attribute-value.js");

const COMPARISONS = ["=", "<", "<=", ">", ">="];

function marked(mark, name) {
  const full = name.startsWith(mark) ? name : mark + name;
  if (/^[#:]k\d+$/.test(full)) throw new RangeError(`${full} is a placeholder Klotho uses itself: choose another name`);
  return full;
}

class Expression {
  constructor({ names = {}, values = {} } = {}) {
    this.names = Object.fromEntries(Object.entries(names).map(([name, attribute]) => [marked("#", name), attribute]));
    this.values = Object.fromEntries(
      Object.entries(values).map(([name, value]) => [marked(":", name), encode(value, name)]),
    );
  }

  name(attribute) {
    const placeholder = `#k${Object.keys(this.names).length}`;
    this.names[placeholder] = attribute;
    return placeholder;
  }

  value(value, attribute) {
    const placeholder = `:k${Object.keys(this.values).length}`;
    this.values[placeholder] = encode(value, attribute);
    return placeholder;
  }

  /** The placeholders as fields of a call; DynamoDB refuses empty ones. */
  fields() {
    return {
      ...(Object.keys(this.names).length > 0 && { ExpressionAttributeNames: this.names }),
      ...(Object.keys(this.values).length > 0 && { ExpressionAttributeValues: this.values }),
    };
  }

  /** The condition that no item has this item's key: none of its possible key attributes may be there. */
  absent(item) {
    const possible = Object.entries(item).filter(([name, value]) => {
      return value !== undefined && ["S", "N", "B"].includes(Object.keys(encode(value, name))[0]);
    });
    if (possible.length === 0) throw new RangeError("the item has no attribute that can be a key");
    return possible.map(([name]) => `attribute_not_exists(${this.name(name)})`).join(" AND ");
  }

  update({ set = {}, add = {}, remove = [] }) {
    const given = (item) => Object.entries(item).filter(([, value]) => value !== undefined);
    const sets = given(set).map(([a, v]) => `${this.name(a)} = ${this.value(v, a)}`);
    const adds = given(add).map(([a, v]) => `${this.name(a)} ${this.value(v, a)}`);
    const removes = remove.map((attribute) => this.name(attribute));
    const parts = [["SET", sets], ["ADD", adds], ["REMOVE", removes]].filter(([, list]) => list.length > 0);
    if (parts.length === 0) throw new RangeError("nothing to update: give set, add or remove");
    return parts.map(([verb, list]) => `${verb} ${list.join(", ")}`).join(" ");
  }

  keyCondition(key, sort) {
    const parts = Object.entries(key).map(([a, v]) => `${this.name(a)} = ${this.value(v, a)}`);
    if (sort !== undefined) parts.push(this.sort(sort));
    if (Object.keys(key).length === 0 || parts.length > 2) {
      throw new RangeError("a query needs the partition key, and at most one condition on the sort key");
    }
    return parts.join(" AND ");
  }

  sort(sort) {
    const [attribute, operator, value, high] = Array.isArray(sort) ? sort : [];
    const parts = Array.isArray(sort) && typeof attribute === "string" ? sort.length : 0;
    if (parts === 4 && operator === "between") {
      return `${this.name(attribute)} BETWEEN ${this.value(value, attribute)} AND ${this.value(high, attribute)}`;
    }
    if (parts === 3 && operator === "begins_with") {
      return `begins_with(${this.name(attribute)}, ${this.value(value, attribute)})`;
    }
    if (parts === 3 && COMPARISONS.includes(operator)) {
      return `${this.name(attribute)} ${operator} ${this.value(value, attribute)}`;
    }
    throw new RangeError(
      `sort must be [attribute, operator, value] with one of ${COMPARISONS.join(", ")}, begins_with, ` +
        'or [attribute, "between", low, high]',
    );
  }
}

module.exports = { Expression };
