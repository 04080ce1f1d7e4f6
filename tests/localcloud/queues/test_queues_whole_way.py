"""A program with queues, brought up by the real command; its supervisor is killed and loses nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from klotho.localcloud import connect

pytestmark = pytest.mark.localcloud

PROGRAM = """
import klotho
from klotho import API, Compute, Databases, Messaging

klotho.Application("queues", project=PROJECT)
seen = Databases.KeyValue("seen")
failed = Messaging.Queue("failed")
jobs = Messaging.Queue("jobs", dead_letter=failed, max_receives=3, visibility=3)
bids = Messaging.Queue("bids", fifo=True)
sender = Compute.Function("sender", handler="sender.handler")
worker = Compute.Function("worker", handler="worker.handler", timeout=3)
bidder = Compute.Function("bidder", handler="bidder.handler")
sender.sends_to(jobs)
sender.sends_to(bids)
sender.reads_from(seen)
worker.consumes(jobs)
worker.read_writes_to(seen)
bidder.consumes(bids, batch=5)
bidder.read_writes_to(seen)
api = API("api")
api.attach_service(sender, route="/jobs")
"""
SENDER = """
import json
from klotho import config

def handler(event, context):
    if event["requestContext"]["http"]["method"] == "GET":
        return list(config.datastores.get("seen").scan())
    given = json.loads(event["body"])
    for message in given["messages"]:
        if given["queue"] == "bids":
            config.queues.get("bids").send(message, group=message["group"])
        else:
            config.queues.get("jobs").send(message)
    return len(given["messages"])
"""
WORKER = """
import json, time
from klotho import config

def handler(event, context):
    seen, failed = config.datastores.get("seen"), []
    for record in event["Records"]:
        message = json.loads(record["body"])
        if message.get("slow"):
            time.sleep(message["slow"])
        if message.get("poison"):
            failed.append({"itemIdentifier": record["messageId"]})
        else:
            seen.update({"id": f"job-{message['n']}"}, add={"times": 1})
    return {"batchItemFailures": failed}
"""
BIDDER = """
import { config } from "@klotho/runtime";

export async function handler(event) {
  const seen = await config.datastores.get("seen");
  for (const record of event.Records) {
    const { group, n } = JSON.parse(record.body);
    const before = (await seen.get({ id: `group-${group}` }, { consistent: true }))?.order ?? [];
    await seen.put({ id: `group-${group}`, order: [...before, n] });
  }
}
"""


class Shop:
    """The program in a folder of its own, and the commands one gives it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder / "app"
        self.folder.mkdir()
        # Ports follow from the project's name: tests side by side must not want the same.
        self.project = f"queues-{abs(hash(str(folder))) % 10**8}"
        files = {"infra.py": f"PROJECT = {self.project!r}\n{PROGRAM}", "sender.py": SENDER, "worker.py": WORKER}
        for name, text in {**files, "bidder.mjs": BIDDER}.items():
            (self.folder / name).write_text(text)
        monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
        monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        monkeypatch.delenv("CI", raising=False)
        self.state = connect.state_folder(self.project, "local")

    def klotho(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "klotho.cli", *arguments],
            cwd=self.folder, capture_output=True, text=True, timeout=90, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def up(self) -> dict[str, Any]:
        return dict(json.loads(self.klotho("up", "--yes", "--json")))

    def call(self, document: Any = None) -> Any:
        body = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(f"{self.url}/jobs", body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    @property
    def url(self) -> str:
        return self.klotho("outputs", "api.url").strip()

    def seen(self) -> dict[str, Any]:
        """What the consumers wrote, by id."""
        return {item.pop("id"): item for item in self.call()}

    def waiting(self, name: str) -> int:
        """Messages in a queue, in flight or not."""
        import boto3

        connection = connect.running(self.state)
        assert connection is not None
        make: Any = boto3.client
        client = make(
            "sqs", endpoint_url=connection.endpoint_url, region_name=connection.region,
            aws_access_key_id=connection.access_key, aws_secret_access_key=connection.secret_key,
        )  # fmt: skip
        (url,) = [found for found in client.list_queues()["QueueUrls"] if f"--{name}" in found]
        counts = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return sum(int(value) for key, value in counts.items() if key.startswith("ApproximateNumber"))


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    made = Shop(tmp_path, monkeypatch)
    yield made
    connect.stop_any(made.state)


def until(holds: Callable[[], bool], seconds: float = 25) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def test_messages_are_handled_retried_buried_and_survive_a_kill(shop: Shop) -> None:
    shop.up()
    jobs = [{"n": n} for n in range(20)]
    shop.call({"queue": "jobs", "messages": [*jobs, {"n": 99, "poison": True}]})
    bids = [{"n": n, "group": "ab"[n % 2]} for n in range(20)]
    shop.call({"queue": "bids", "messages": bids})
    until(lambda: shop.waiting("jobs") == 0 and shop.waiting("failed") == 1 and shop.waiting("bids") == 0)
    seen = shop.seen()
    assert {key: item["times"] for key, item in seen.items() if key.startswith("job")} == {
        f"job-{n}": 1 for n in range(20)
    }
    assert seen["group-a"]["order"] == list(range(0, 20, 2))
    assert seen["group-b"]["order"] == list(range(1, 20, 2))

    # Killed with batches under way and more waiting.
    shop.call({"queue": "jobs", "messages": [{"n": n, "slow": 0.1} for n in range(100, 130)]})
    os.kill(json.loads((shop.state / "supervisor.json").read_text())["pid"], signal.SIGKILL)
    until(lambda: connect.running(shop.state) is None)
    again = shop.up()
    assert {stack["result"] for stack in again["stacks"]} == {"unchanged"}
    until(lambda: shop.waiting("jobs") == 0)
    assert {f"job-{n}" for n in range(100, 130)} <= set(shop.seen())
    assert shop.waiting("failed") == 1
