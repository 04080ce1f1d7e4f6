"use strict";
// A small client for one DynamoDB table: plain values in and out; see key_value.py for what is not carried.
const { AwsError } = require("./errors.js");
const { call, configuredEndpoint, regionOf } = require("./aws.js");
const { decodeItem, encodeItem } = require("./attribute-value.js");
const { Expression } = require("./expressions.js");
const { field, thisService } = require("./grants.js");

const READS = ["GetItem", "Query", "Scan"];

class KeyValue {
  constructor(grant) {
    this.name = grant.name;
    this.kind = grant.kind;
    this.access = grant.fields.access || "";
    this.table = field(grant, "table");
  }

  get region() {
    return regionOf();
  }

  get endpointUrl() {
    return configuredEndpoint("dynamodb");
  }

  async get(key, { consistent = false } = {}) {
    const answer = await this.#call("GetItem", { Key: encodeItem(key), ConsistentRead: consistent });
    return answer.Item ? decodeItem(answer.Item) : null;
  }

  async put(item, { ifAbsent = false, condition, values, names } = {}) {
    const expression = new Expression({ names, values });
    const conditions = ifAbsent ? [expression.absent(item), condition] : [condition];
    await this.#write("PutItem", { Item: encodeItem(item) }, expression, conditions);
  }

  async update(key, { set, add, remove, condition, values, names }) {
    const expression = new Expression({ names, values });
    const text = expression.update({ set, add, remove });
    const fields = { Key: encodeItem(key), UpdateExpression: text, ReturnValues: "ALL_NEW" };
    // Adding twice is not adding once, so a lost answer to `add` is reported rather than repeated.
    const answer = await this.#write("UpdateItem", fields, expression, [condition], add === undefined);
    return decodeItem(answer.Attributes);
  }

  async delete(key, { condition, values, names } = {}) {
    const fields = { Key: encodeItem(key), ReturnValues: "ALL_OLD" };
    const answer = await this.#write("DeleteItem", fields, new Expression({ names, values }), [condition]);
    return answer.Attributes && Object.keys(answer.Attributes).length > 0 ? decodeItem(answer.Attributes) : null;
  }

  query(key, { sort, descending = false, ...reading } = {}) {
    const expression = new Expression(reading);
    const fields = { KeyConditionExpression: expression.keyCondition(key, sort), ScanIndexForward: !descending };
    return this.#pages("Query", fields, expression, reading);
  }

  scan(reading = {}) {
    return this.#pages("Scan", {}, new Expression(reading), reading);
  }

  #pages(action, fields, expression, { index, limit, filter, consistent = false }) {
    if (limit !== undefined && !(limit >= 1)) throw new RangeError(`limit must be 1 or more, not ${limit}`);
    const asked = { ...fields, ...expression.fields(), ConsistentRead: consistent };
    if (index) asked.IndexName = index;
    if (filter) asked.FilterExpression = filter;
    return this.#iterate(action, asked, limit ?? Infinity);
  }

  async *#iterate(action, fields, limit) {
    let left = limit;
    for (;;) {
      // A filter is applied after DynamoDB's own limit, so with one the limit cannot be handed over.
      if (left !== Infinity && !fields.FilterExpression) fields.Limit = left;
      const answer = await this.#call(action, fields);
      for (const item of answer.Items || []) {
        yield decodeItem(item);
        left -= 1;
        if (left === 0) return;
      }
      if (!answer.LastEvaluatedKey) return;
      fields.ExclusiveStartKey = answer.LastEvaluatedKey;
    }
  }

  #write(action, fields, expression, conditions, repeatable = true) {
    const given = conditions.filter(Boolean).map((condition) => `(${condition})`);
    if (given.length > 0) fields.ConditionExpression = given.join(" AND ");
    // A condition repeated after a lost answer could fail on what it wrote itself.
    return this.#call(action, { ...fields, ...expression.fields() }, repeatable && given.length === 0);
  }

  async #call(action, fields, repeatable = true) {
    try {
      return await call("dynamodb", action, { TableName: this.table, ...fields }, { repeatable });
    } catch (error) {
      if (!(error instanceof AwsError) || error.code !== "AccessDeniedException" || !this.access) throw error;
      const verb = READS.includes(action) ? "reads_from" : "writes_to";
      const text =
        `${error.detail} (datastore '${this.name}' was granted to this service as '${this.access}'; for ${action} ` +
        `write ${thisService() || "this_service"}.${verb}(${this.name}) in infra.py and run \`klotho up\`)`;
      throw new AwsError(error.service, error.code, text, error.status, error.requestId);
    }
  }
}

module.exports = { KeyValue };
