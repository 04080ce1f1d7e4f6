"use strict";
// Run by test_node.py inside an asset's folder, with the environment of a deployed service and a stand-in for AWS.
const assert = require("node:assert/strict");
const crypto = require("node:crypto");
const fs = require("node:fs");
const http = require("node:http");
const { createRequire } = require("node:module");
const path = require("node:path");
const { test } = require("node:test");
const { pathToFileURL } = require("node:url");
const util = require("node:util");

const fromAsset = createRequire(path.join(process.env.TEST_ASSET, "index.js"));
const runtime = fromAsset("@klotho/runtime");
const { config, NumberText } = runtime;
const { encodeItem, decodeItem } = fromAsset("./node_modules/@klotho/runtime/lib/attribute-value.js");
const PASSWORD = process.env.TEST_PASSWORD;

async function withEnvironment(changes, action) {
  const before = { ...process.env };
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  try {
    return await action();
  } finally {
    for (const name of Object.keys(changes)) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  }
}

/** Calls a control path of the stand-in. */
function control(what, value) {
  return new Promise((resolve, reject) => {
    const request = http.request(`${process.env.AWS_ENDPOINT_URL}/control/${what}`, { method: "PUT" }, (response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("end", () => resolve(JSON.parse(Buffer.concat(parts).toString())));
    });
    request.on("error", reject);
    request.end(JSON.stringify(value));
  });
}

test("import and require give the same objects", async () => {
  const entry = path.join(process.env.TEST_ASSET, "node_modules/@klotho/runtime/index.mjs");
  const imported = await import(pathToFileURL(entry));
  const names = Object.keys(imported).filter((name) => name !== "default");
  assert.deepEqual(names.sort(), Object.keys(runtime).sort());
  for (const name of names) assert.equal(imported[name], runtime[name]);
});

test("a secret is shown by nothing, and json() of no JSON does not repeat it", async () => {
  const secret = await config.secrets.get("stripe_key");
  assert.equal(secret.json().password, PASSWORD);
  assert.ok(secret.value.includes("username") && secret.arn.startsWith("arn:"));
  assert.ok(!util.inspect(secret, { showHidden: true, depth: 9 }).includes("username"));
  assert.ok(!JSON.stringify(secret).includes("username"));
  assert.deepEqual(config.secrets.names(), ["stripe_key"]);
  await assert.rejects(config.secrets.get("other"), (error) => error.message.includes("api.uses(other)"));
});

test("loading the package loads neither http nor crypto", () => {
  const program = `const before = new Set(process.moduleLoadList);
    const { config } = require("@klotho/runtime");
    config.services.get("pdf");
    const loaded = process.moduleLoadList.filter((name) => !before.has(name));
    console.log(loaded.some((name) => /NativeModule (http|https|crypto)$/.test(name)));`;
  const { execFileSync } = require("node:child_process");
  const answer = execFileSync(process.execPath, ["-e", program], { cwd: process.env.TEST_ASSET, encoding: "utf8" });
  assert.equal(answer.trim(), "false");
});

test("a database resolves with its login loaded", async () => {
  const db = await config.datastores.get("users_db");
  assert.deepEqual(
    [db.name, db.host, db.port, db.database, db.dbname, db.user, db.password],
    ["users_db", "db.internal", 5432, "users_db", "users_db", "app user", PASSWORD],
  );
  const url = new URL(db.url);
  assert.equal(decodeURIComponent(url.password), PASSWORD);
  assert.equal(url.host, "db.internal:5432");
});

test("a database is verified by RDS's authorities, of its region where the driver wants them in the address", async () => {
  const known = JSON.parse(process.env.KLOTHO_DATASTORE_USERS_DB);
  const given = (more) => ({ KLOTHO_DATASTORE_USERS_DB: JSON.stringify({ ...known, ...more }) });
  const get = () => config.datastores.get("users_db");
  const db = await withEnvironment(given({ sslmode: "verify-full" }), get);
  const query = new URL(db.url).searchParams;
  assert.deepEqual([query.get("sslmode"), query.get("sslrootcert")], ["verify-full", db.sslrootcert]);
  assert.equal(fs.readFileSync(db.sslrootcert, "utf8").split("BEGIN CERTIFICATE").length, 82);
  const host = "shop.abc.eu-central-1.rds.amazonaws.com";
  const mysql = await withEnvironment(given({ kind: "Databases.MySQL", host }), get);
  const told = JSON.parse(new URL(mysql.url).searchParams.get("ssl"));
  assert.deepEqual([told.rejectUnauthorized, told.verifyIdentity], [true, true]);
  assert.equal(told.ca.split("BEGIN CERTIFICATE").length, 4);
  assert.ok(new crypto.X509Certificate(told.ca).subject.includes("Amazon RDS eu-central-1 Root CA"));
  const mine = await withEnvironment({ ...given({ sslmode: "verify-full" }), KLOTHO_DATABASE_CA: "/etc/mine.pem" }, async () => {
    return (await get()).sslrootcert;
  });
  assert.equal(mine, "/etc/mine.pem");
});

test("a cache resolves with its login loaded, with TLS everywhere", async () => {
  const { secret } = JSON.parse(process.env.KLOTHO_DATASTORE_USERS_DB);
  const known = { name: "cache", kind: "Databases.Redis", port: "6379", secret, tls: true, access: "read" };
  const at = async (host, cluster) => {
    const value = JSON.stringify({ ...known, host, cluster });
    return withEnvironment({ KLOTHO_DATASTORE_CACHE: value }, () => config.datastores.get("cache"));
  };
  const far = await at("cache.internal", true);
  assert.deepEqual([far.port, far.cluster, far.tls, far.user, far.password], [6379, true, true, "app user", PASSWORD]);
  const url = new URL(far.url);
  assert.deepEqual([url.protocol, url.host, decodeURIComponent(url.password)], ["rediss:", "cache.internal:6379", PASSWORD]);
  const near = await at("127.0.0.1", false);
  assert.deepEqual([near.tls, near.cluster, new URL(near.url).protocol, near.caFile], [true, false, "rediss:", ""]);
  assert.ok(!util.inspect(far, { showHidden: true, depth: 9 }).includes(PASSWORD));
});

test("no rendering of a database shows the password", async () => {
  const db = await config.datastores.get("users_db");
  const texts = [util.inspect(db, { showHidden: true, depth: 9 }), JSON.stringify(db), String(db)];
  for (const text of texts) assert.ok(!text.includes(PASSWORD) && !text.includes("p@ss"));
});

test("many callers cause one request, and refresh another", async () => {
  config.refresh();
  await control("reset");
  await Promise.all(Array.from({ length: 20 }, () => config.datastores.get("users_db")));
  assert.deepEqual(await control("calls"), ["GetSecretValue"]);
  (await config.datastores.get("users_db")).refresh();
  await config.datastores.get("users_db");
  assert.deepEqual(await control("calls"), ["GetSecretValue", "GetSecretValue"]);
});

test("an outage is bridged with the old value", async () => {
  await withEnvironment({ KLOTHO_SECRET_TTL_SECONDS: "0" }, async () => {
    config.refresh();
    await config.datastores.get("users_db");
    await control("faults", Array.from({ length: 5 }, () => [500, "InternalServiceError"]));
    assert.equal((await config.datastores.get("users_db")).password, PASSWORD);
  });
  config.refresh();
});

test("a slip is answered with the nearest name, what there is, and how to get more", async () => {
  await assert.rejects(config.datastores.get("user_db"), (error) => {
    assert.ok(error instanceof runtime.UnknownNameError);
    assert.match(error.message, /^this service \('api'\) was granted no datastore named 'user_db'\. Did you mean 'users_db'\?/);
    assert.match(error.message, /Granted datastores: .*carts \(Databases\.KeyValue, read_write\)/);
    assert.match(error.message, /write api\.reads_from\(user_db\), .* in infra\.py/);
    return true;
  });
  assert.throws(() => config.services.get("invoice_service"), /Did you mean 'create_invoice_lambda'/);
  await assert.rejects(config.datastores.get("pdf"), /'pdf' is granted as a service/);
  await assert.rejects(config.datastores.get("legacy"), /'legacy' is a Databases\.Oracle/);
  assert.throws(() => config.queues.get(7), /takes a name, a string, not number/);
  assert.throws(() => config.buckets.get("files"), /no .bucket./);
});

test("outside of Klotho the way in is told", async () => {
  const none = Object.keys(process.env).filter((name) => name.startsWith("KLOTHO_")).map((name) => [name, undefined]);
  await withEnvironment(Object.fromEntries(none), () => {
    assert.throws(() => config.services.get("pdf"), (error) => error instanceof runtime.NotUnderKlothoError);
  });
});

test("a container has the addresses of the protocols granted", async () => {
  const pdf = config.services.get("pdf");
  assert.deepEqual([await pdf.url, await pdf.grpc, pdf.protocols], ["http://pdf:8080", "pdf:50051", ["grpc", "http"]]);
  assert.equal(await config.services.get("web").url, "http://web:8080");
  await assert.rejects(config.services.get("web").grpc, /api\.calls\(web, "grpc"\)/);
  await assert.rejects(config.services.get("web").invoke({}), /Containers are called at \.url/);
});

test("a container on Lambda has an address for any HTTP client", async () => {
  const shop = config.services.get("shop");
  assert.deepEqual(shop.protocols, ["http"]);
  const answer = await fetch(`${await shop.url}/a%20b?d=e%2Ff`, {
    method: "POST",
    body: '{"x": 1}',
    headers: { cookie: "p=1; q=2", "content-type": "application/json" },
  });
  assert.equal(answer.status, 201);
  assert.deepEqual(answer.headers.getSetCookie(), ["a=1", "b=2"]);
  assert.deepEqual(await answer.json(), {
    rawPath: "/a b", rawQueryString: "d=e%2Ff", cookies: ["p=1", "q=2"], body: '{"x": 1}', isBase64Encoded: false,
    method: "POST",
  });
  const failed = await fetch(await config.services.get("down").url);
  assert.equal(failed.status, 502);
  assert.match(await failed.text(), /no such order/);
});

test("a function is invoked, queued, and its failure thrown", async () => {
  const invoice = config.services.get("create_invoice_lambda");
  assert.deepEqual(await invoice.invoke({ order: 7, text: "é" }), { got: { order: 7, text: "é" } });
  assert.equal(await invoice.invoke([1], { wait: false }), null);
  await assert.rejects(config.services.get("broken").invoke({}), (error) => {
    assert.ok(error instanceof runtime.ServiceError);
    assert.deepEqual([error.type, error.trace], ["KeyError", ["line 1", "line 2"]]);
    return true;
  });
  await assert.rejects(config.services.get("missing").invoke({}), { code: "ResourceNotFoundException", status: 404 });
  await assert.rejects(invoice.invoke(() => 1), TypeError);
});

test("throttling passes with time, a lost answer of an invocation is not repeated", async () => {
  const invoice = config.services.get("create_invoice_lambda");
  await control("reset");
  await control("faults", [[429, "TooManyRequestsException"], [503, "ServiceUnavailable"]]);
  assert.deepEqual(await invoice.invoke(1), { got: 1 });
  assert.equal((await control("calls")).length, 3);
  await control("reset");
  await control("faults", ["drop"]);
  await assert.rejects(invoice.invoke(1), { code: "ConnectionError" });
  assert.equal((await control("calls")).length, 1);
  await control("faults", ["slow"]);
  await assert.rejects(invoice.invoke(1, { timeout: 0.05 }), { code: "ConnectionError" });
});

test("a container's credentials are asked for once and kept", async () => {
  const endpoint = process.env.AWS_ENDPOINT_URL;
  const container = {
    AWS_ACCESS_KEY_ID: undefined,
    AWS_SECRET_ACCESS_KEY: undefined,
    AWS_SESSION_TOKEN: undefined,
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `${endpoint}/creds`,
    AWS_CONTAINER_AUTHORIZATION_TOKEN: "Bearer container",
  };
  await withEnvironment(container, async () => {
    await control("reset");
    const invoice = config.services.get("create_invoice_lambda");
    await Promise.all([invoice.invoke(1), invoice.invoke(2), invoice.invoke(3)]);
    assert.equal((await control("calls")).filter((name) => name === "credentials").length, 1);
    process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI = "http://example.com/";
    await assert.rejects(invoice.invoke(1), /without https only loopback/);
    delete process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI;
    await assert.rejects(invoice.invoke(1), /no AWS credentials/);
  });
});

test("items go in and out, conditions guard", async () => {
  const carts = await config.datastores.get("carts");
  const item = { id: "n1", total: 19.99, items: [{ sku: "é", n: 2 }], tags: new Set(["a", "b"]), none: null };
  await carts.put({ ...item, left: undefined });
  assert.deepEqual(await carts.get({ id: "n1" }, { consistent: true }), item);
  await assert.rejects(carts.put({ id: "n1" }, { ifAbsent: true }), runtime.ConditionFailedError);
  await carts.put({ id: "n1", bid: 5 }, { condition: "attribute_exists(id)" });
  await assert.rejects(
    carts.put({ id: "n1", bid: 4 }, { condition: "bid < :new", values: { new: 4 } }),
    { code: "ConditionalCheckFailedException" },
  );
  const after = await carts.update({ id: "n1" }, { set: { status: "sold" }, add: { bid: 2 }, remove: ["none"] });
  assert.deepEqual(after, { id: "n1", bid: 7, status: "sold" });
  assert.deepEqual(await carts.delete({ id: "n1" }), after);
  assert.equal(await carts.get({ id: "n1" }), null);
  assert.equal(await carts.delete({ id: "n1" }), null);
});

test("queries and scans follow pages and limits", async () => {
  const bids = await config.datastores.get("bids");
  for (let number = 1; number <= 5; number += 1) await bids.put({ auction: "a", number, text: "x".repeat(300_000) });
  const numbers = async (items) => {
    const found = [];
    for await (const item of items) found.push(item.number);
    return found;
  };
  assert.deepEqual(await numbers(bids.query({ auction: "a" })), [1, 2, 3, 4, 5]);
  assert.deepEqual(await numbers(bids.query({ auction: "a" }, { descending: true, limit: 2 })), [5, 4]);
  assert.deepEqual(await numbers(bids.query({ auction: "a" }, { sort: ["number", "between", 2, 3] })), [2, 3]);
  const filter = { filter: "#n > :n", names: { n: "number" }, values: { n: 3 } };
  assert.deepEqual((await numbers(bids.scan(filter))).sort(), [4, 5]);
  assert.throws(() => bids.query({ auction: "a" }, { sort: ["number", "!=", 2] }), /sort must be/);
  await control("faults", [[400, "AccessDeniedException"]]);
  await assert.rejects(bids.put({ auction: "a", number: 9 }), /api\.writes_to\(bids\)/);
});

test("numbers keep their digits", () => {
  const item = {
    whole: 7, negative: -0.1, tiny: 1.5e-9, big: 2n ** 70n, precise: new NumberText("0.12345678901234567890"),
    bytes: new Uint8Array([1, 2]), set: new Set([1, 2]), yes: true, nested: { list: [null, "x"] }, beyond: BigInt(2 ** 60),
  };
  const wire = JSON.parse(JSON.stringify(encodeItem(item)));
  assert.deepEqual(decodeItem(wire), item);
  assert.equal(encodeItem({ a: 2 ** 55 }).a.N, "36028797018963968");
  assert.deepEqual(decodeItem({ a: { N: "1E+2" }, b: { N: "-12E+20" } }), { a: 100, b: -1200000000000000000000n });
});

test("what DynamoDB cannot hold is refused with the path to it", () => {
  for (const [value, message] of [
    [NaN, /price: DynamoDB cannot hold NaN/], [1e300, /38 digits/], [10n ** 40n + 1n, /38 digits/],
    [new Set(), /a set must be/], [new Set([1, "a"]), /a set must be/], [new Date(), /cannot hold a Date/],
    [[() => 1], /price\[0\]: DynamoDB cannot hold a function/], [{ a: Symbol("x") }, /price\.a: .*symbol/],
  ]) {
    assert.throws(() => encodeItem({ price: value }), message);
  }
});

test("cloud map is asked once and its instances take turns", async () => {
  const far = config.services.get("far");
  await control("reset");
  const urls = [await far.url, await far.url, await far.url];
  assert.deepEqual(new Set(urls), new Set(["http://10.0.0.1:8080", "http://10.0.0.2:8080"]));
  assert.deepEqual(await control("calls"), ["DiscoverInstances"]);
});

test("who called is what the API says, not what a client says", () => {
  process.env.KLOTHO_CALLER = "api";
  const claims = { sub: "ada", email: "ada@example.com", scope: "a b", "cognito:groups": ["admin"] };
  const authorization = `Bearer e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.c2ln`;
  const told = config.caller({ "x-klotho-caller": "jwt", authorization });
  assert.deepEqual([told.by, told.subject, told.email, told.scopes, told.groups], ["jwt", "ada", "ada@example.com", ["a", "b"], ["admin"]]);
  assert.equal(config.caller(new Headers({ "X-Klotho-Caller": "jwt", authorization })).subject, "ada");
  const event = { requestContext: { authorizer: { jwt: { claims: { sub: "eve", "cognito:groups": "[a b]" } } } } };
  assert.deepEqual(config.caller(event).groups, ["a", "b"]);
  assert.deepEqual(config.caller({ requestContext: { authorizer: { lambda: { who: 1 } } } }).context, { who: 1 });
  for (const headers of [{}, { authorization }, { "x-klotho-caller": "nobody", authorization }, { "x-klotho-caller": "jwt" }]) {
    assert.equal(config.caller(headers), null);
  }
  assert.equal(config.caller({ requestContext: {} }), null);
  process.env.KLOTHO_CALLER = "also:mailer,pdf";
  assert.throws(() => config.caller(event), { name: "CallerNotVouchedError", message: /mailer, pdf can reach it/ });
  delete process.env.KLOTHO_CALLER;
  assert.equal(config.caller(event), null);
});

test("a user pool is known by its ids", () => {
  const fields = { name: "people", kind: "Auth.UserPool", pool: "eu-west-1_Abc", client: "c1", issuer: "https://i.example" };
  process.env.KLOTHO_USERPOOL_PEOPLE = JSON.stringify(fields);
  const pool = config.userPools.get("people");
  assert.deepEqual([pool.poolId, pool.clientId, pool.issuer, pool.region], ["eu-west-1_Abc", "c1", "https://i.example", "eu-west-1"]);
  assert.deepEqual(config.userPools.names(), ["people"]);
  assert.throws(() => config.userPools.get("peple"), /uses\(peple\)/);
  delete process.env.KLOTHO_USERPOOL_PEOPLE;
});
