"""The permission check of one call, by itself and as a share of a call through the endpoint's store.

Input: none (`python benchmarks/permissions.py`). Output: microseconds a call of allowed and denied checks for a role
with the policy a service over five tables gets, and of the same for the deployer. Leaves nothing behind.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from klotho.catalogue.tables import iam_actions
from klotho.localcloud.database import Database
from klotho.localcloud.handler import Record
from klotho.localcloud.logs import Logs
from klotho.localcloud.permissions import Authorizer, Denials
from klotho.localcloud.service import ApiCall, Caller
from klotho.localcloud.world import World

REGION, ACCOUNT = "eu-west-1", "000000000000"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/orders"
CALLS = 5000
LIMIT_US = 300


def authorizer(folder: Path) -> tuple[Authorizer, Callable[[], None]]:
    database, logs = Database(folder / "state.sqlite3"), Logs(folder)
    world = World(database)

    def put(kind: str, name: str, properties: object, attributes: object) -> None:
        world.put(Record(f"AWS::{kind}", name, properties, attributes, "t", "s", "s", name, {}))  # type: ignore[arg-type]

    put("IAM::Role", "orders", {}, {"Arn": ROLE})
    statements = []
    for number in range(5):
        arn = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/table{number}"
        put("DynamoDB::Table", f"table{number}", {}, {"Arn": arn})
        for meaning in ("read", "write"):
            actions = iam_actions("dynamodb", meaning)
            statements.append({"Effect": "Allow", "Action": actions, "Resource": [arn, f"{arn}/index/*"]})
    document = {"Version": "2012-10-17", "Statement": statements}
    put("IAM::RolePolicy", "code|orders", {"RoleName": "orders", "PolicyName": "c", "PolicyDocument": document}, {})

    def close() -> None:
        logs.close()
        database.close()

    return Authorizer(world, REGION, ACCOUNT, lambda name: None, Denials(logs, lambda name: "/orders")), close


def call(table: str, role: str | None) -> ApiCall:
    headers = {"x-amz-target": "DynamoDB_20120810.PutItem", "content-type": "application/x-amz-json-1.0"}
    body = {"TableName": table, "Item": {"pk": {"S": "key"}, "name": {"S": "x" * 100}, "price": {"N": "1"}}}
    caller = Caller("AKIA", "orders", role)
    return ApiCall("dynamodb", "PutItem", "POST", "/", {}, headers, json.dumps(body).encode(), caller)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        check, close = authorizer(Path(folder))
        lines = {
            "allowed (the last of ten statements)": call("table4", ROLE),
            "denied (with its explanation)": call("elsewhere", ROLE),
            "deployer": call("table4", None),
        }
        slowest = 0.0
        for name, asked in lines.items():
            check(asked)
            start = time.perf_counter()
            for _ in range(CALLS):
                check(asked)
            each = (time.perf_counter() - start) / CALLS * 1e6
            slowest = max(slowest, each)
            print(f"{name:40} {each:8.1f} µs a call")
        close()
    print(f"{'limit':40} {LIMIT_US:8.1f} µs a call")
    return 0 if slowest < LIMIT_US else 1


if __name__ == "__main__":
    raise SystemExit(main())
