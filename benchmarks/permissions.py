"""The permission check of one call, on the policies of an application with 50 roles.

Input: none (`python benchmarks/permissions.py`). Output: a line for each kind of call (`figures.line`): milliseconds of
processor time a check, the calls of all roles in turn. The application below is deployed by `klotho up` into a local
cloud of its own, so the policies are what Klotho writes: of each role (identity), of each bucket and queue (resource).
Then the supervisor is stopped, and its state is what the checks are made against, in this process. Leaves nothing
behind.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from figures import line

from klotho.localcloud import connect
from klotho.localcloud.database import Database
from klotho.localcloud.identity import ACCOUNT
from klotho.localcloud.logs import Logs
from klotho.localcloud.permissions import Authorizer, Denials
from klotho.localcloud.service import ApiCall, Caller
from klotho.localcloud.world import World

REGION = "us-east-1"
ROLES = 50
ROUNDS = 40
AIM_MS = 0.3
PROGRAM = f"""
import klotho
from klotho import Compute, Databases, Messaging, Storage

klotho.Application("shop", project="bench")
for i in range({ROLES}):
    orders = Databases.KeyValue(name=f"orders{{i}}", key="id")
    stock = Databases.KeyValue(name=f"stock{{i}}", key="id")
    jobs = Messaging.Queue(name=f"jobs{{i}}")
    images = Storage.Bucket(name=f"images{{i}}")
    news = Messaging.Topic(name=f"news{{i}}")
    jobs.subscribes_to(news)
    work = Compute.Function(name=f"work{{i}}", handler="work.handler")
    work.read_writes_to(orders)
    work.reads_from(stock)
    work.read_writes_to(images)
    work.sends_to(jobs)
    work.publishes_to(news)
"""


def deploy(folder: Path) -> Path:
    """The state folder of the stopped local cloud that the application was deployed into."""
    (folder / "infra.py").write_text(PROGRAM)
    (folder / "work.py").write_text("def handler(event, context):\n    return event\n")
    os.environ["XDG_STATE_HOME"] = f"{folder}/state"
    state = connect.state_folder("bench", "local")
    command = [str(Path(sys.executable).with_name("klotho")), "up", "--yes"]
    try:
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    finally:
        connect.stop_any(state)
    if result.returncode:
        raise SystemExit(f"klotho up failed:\n{result.stdout[-1000:]}{result.stderr[-2000:]}")
    return state


@dataclass(frozen=True, slots=True)
class Application:
    """Names of what is deployed, by number."""

    callers: Sequence[Caller]
    tables: Sequence[str]
    queues: Sequence[str]
    buckets: Sequence[str]

    def put_item(self, number: int, table: int) -> ApiCall:
        item = {"id": {"S": "key"}, "name": {"S": "x" * 100}, "price": {"N": "1"}}
        return self._json(
            number, "dynamodb", "DynamoDB_20120810.PutItem", {"TableName": self.tables[table], "Item": item}
        )

    def send_message(self, number: int) -> ApiCall:
        body = {"QueueUrl": self.queues[number], "MessageBody": "x" * 100}
        return self._json(number, "sqs", "AmazonSQS.SendMessage", body)

    def get_object(self, number: int) -> ApiCall:
        path = f"/{self.buckets[number]}/images/seven.png"
        return ApiCall("s3", "", "GET", path, {}, {}, b"", self.callers[number])

    def _json(self, number: int, service: str, target: str, body: Any) -> ApiCall:
        headers = {"x-amz-target": target, "content-type": "application/x-amz-json-1.0"}
        action = target.rpartition(".")[2]
        return ApiCall(service, action, "POST", "/", {}, headers, json.dumps(body).encode(), self.callers[number])


def application(world: World) -> Application:
    def named(type_name: str, prefix: str) -> list[Any]:
        """Records by the number in their logical id, such as Orders7Table."""
        found = {record.logical_id: record for record in world.list(type_name)}
        return [next(found[name] for name in found if name.startswith(f"{prefix}{n}") and
                     not name[len(f"{prefix}{n}")].isdigit()) for n in range(ROLES)]  # fmt: skip

    roles = named("AWS::IAM::Role", "Work")
    return Application(
        callers=[Caller("AKIA", f"Compute.Function/work{n}", str(r.attributes["Arn"])) for n, r in enumerate(roles)],
        tables=[record.identifier for record in named("AWS::DynamoDB::Table", "Orders")],
        queues=[record.identifier for record in named("AWS::SQS::Queue", "Jobs")],
        buckets=[record.identifier for record in named("AWS::S3::Bucket", "Images")],
    )


def milliseconds(check: Authorizer, calls: Sequence[ApiCall], allowed: bool) -> float:
    """Of one check on average, the policies of all roles read before. SystemExit for a wrong decision."""
    for asked in calls:
        answer = check(asked)
        if (answer is None) is not allowed:
            raise SystemExit(f"{asked.service}:{asked.action} was decided wrongly: {answer and answer.message}")
    start = time.process_time()
    for _ in range(ROUNDS):
        for asked in calls:
            check(asked)
    return (time.process_time() - start) * 1000 / (ROUNDS * len(calls))


def measure(world: World, logs: Logs) -> None:
    check = Authorizer(world, REGION, ACCOUNT, lambda name: None, Denials(logs, lambda name: None))
    found, numbers = application(world), range(ROLES)

    def calls(make: Callable[[int], ApiCall]) -> list[ApiCall]:
        return [make(number) for number in numbers]

    kinds = {
        "dynamodb:PutItem, allowed": (calls(lambda n: found.put_item(n, n)), True),
        "sqs:SendMessage, allowed": (calls(found.send_message), True),
        "s3:GetObject, allowed, with a bucket policy": (calls(found.get_object), True),
        "dynamodb:PutItem, denied and explained": (calls(lambda n: found.put_item(n, (n + 1) % ROLES)), False),
    }
    for name, (asked, allowed) in kinds.items():
        line(f"permission check, {ROLES} roles: {name}", milliseconds(check, asked, allowed), " ms", less_than=AIM_MS)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="klotho-bench-") as folder:
        state = deploy(Path(folder))
        database, logs = Database(state / "state.sqlite3"), Logs(state)
        try:
            measure(World(database), logs)
        finally:
            logs.close()
            database.close()


if __name__ == "__main__":
    main()
