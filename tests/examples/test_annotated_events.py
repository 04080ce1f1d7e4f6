"""Events of an EventEmitter reach the listeners of other units, and answers are the original's: CommonJS in two units
and in one, TypeScript of ES modules in three."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.examples.conftest import Deploy
from tests.examples.deployment import Client, Deployment
from tests.examples.test_annotated_pets import verified

pytestmark = [pytest.mark.examples, pytest.mark.timeout(300)]

UNIT = '/* @klotho::execution_unit {\n *   id = "mailer"\n * }\n */\n'
TYPESCRIPT = {
    "package.json": '{"name": "stock", "type": "module",'
    '"dependencies": {"hono": "4.6.14", "@hono/node-server": "1.13.7"}, "devDependencies": {"tsx": "4.23.15"}}',
    "main.ts": """import { serve } from "@hono/node-server";
import { Hono } from "hono";
import "./alarms.js";
import "./counting.js";
import { Stock, orders, state } from "./stock.js";

const app = new Hono();
app.post("/orders/:thing", async (c) => {
  const told = orders.order(c.req.param("thing"), 5n);
  return c.json({ told, unheard: orders.emit("unheard") }, 201);
});
app.get("/state", async (c) => c.json([...(await state.entries())].sort()));
// @klotho::expose { id = "stock-api" }
serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000) });
""",
    "stock.ts": """import { EventEmitter } from "node:events";

export enum Stock {
  Ordered = "ordered",
  Low = "low",
}
type Events = { ordered: [string, bigint]; low: [Map<string, Date>]; unheard: [] };
class Orders extends EventEmitter<Events> {
  order(thing: string, count: bigint): boolean {
    return this.emit(Stock.Ordered, thing, count);
  }
}
// @klotho::pubsub { id = "orders" }
export const orders = new Orders();
// @klotho::persist { id = "state" }
export const state = new Map<string, string>();
""",
    "everything.ts": 'export * from "./stock.js";\n',
    "counting.ts": """// @klotho::execution_unit { id = "counting" }
import { Stock, orders, state } from "./everything.js";

orders.on(Stock.Ordered, async (thing, count) => {
  await state.set(`left of ${thing}`, String(10n - count));
  orders.emit(Stock.Low, new Map([[thing, new Date(0)]]));
});
""",
    "alarms.ts": """// @klotho::execution_unit { id = "alarms" }
import { orders, state } from "./everything.js";

orders.on("low", async (things) => {
  for (const [thing, since] of things) await state.set(`alarm of ${thing}`, since.toISOString());
});
""",
    "requests.json": json.dumps(
        [{"path": "/state"}, {"method": "POST", "path": "/orders/tea"}, {"path": "/orders"}, {"path": "/nowhere"}]
    ),
}


def becomes(client: Client, path: str, wanted: Any) -> None:
    """What is told to other units arrives a little later."""
    deadline = time.monotonic() + 30
    while client.get(path).json != wanted and time.monotonic() < deadline:
        time.sleep(0.1)
    assert client.get(path).json == wanted


def letters_are_written(deployment: Deployment) -> None:
    client, year = deployment.client("adoptions-api"), time.gmtime().tm_year
    letters = {"Rex": f"{year}: Dear Ada, Rex is yours.", "Tom": f"{year}: Dear Bo, Tom is yours."}
    becomes(client, "/letters", letters)
    becomes(client, "/sent", {"Rex": ["Ada"], "Tom": ["Bo"]})
    assert client.call("DELETE", "/adoptions/Rex").json == {"told": True, "heard": False}
    becomes(client, "/letters", {"Tom": letters["Tom"]})


def test_two_units_hear_each_other_on_lambda_and_in_a_container_and_answer_as_the_original_on_every_route(
    deploy: Deploy,
) -> None:
    deployment = deploy("annotated-events")
    assert {"main-unit", "mailer-unit"} <= set(deployment.up())
    verified(deployment)
    letters_are_written(deployment)
    with (deployment.folder / "klotho.yaml").open("a", encoding="utf-8") as settings:
        settings.write("execution_units: {mailer: {type: fargate}}\n")
    deployment.up()
    client = deployment.client("adoptions-api")
    assert client.call("DELETE", "/adoptions/Tom").json["told"] is True
    becomes(client, "/letters", {})


def test_events_in_one_unit_stay_in_it_and_answer_as_the_original(deploy: Deploy) -> None:
    deployment = deploy("annotated-events")
    code = deployment.folder / "mailer.js"
    code.write_text(code.read_text(encoding="utf-8").replace(UNIT, ""), encoding="utf-8")
    assert "mailer-unit" not in deployment.up()
    verified(deployment)
    letters_are_written(deployment)


def test_typescript_in_three_units_passes_events_on_from_one_to_the_next(deploy: Deploy) -> None:
    deployment = deploy("annotated-events")
    for path in deployment.folder.glob("*.js*"):
        path.unlink()
    for name, content in TYPESCRIPT.items():
        Path(deployment.folder, name).write_text(content, encoding="utf-8")
    assert {"main-unit", "counting-unit", "alarms-unit"} <= set(deployment.up())
    verified(deployment)
    wanted = [["alarm of tea", "1970-01-01T00:00:00.000Z"], ["left of tea", "5"]]
    becomes(deployment.client("stock-api"), "/state", wanted)
