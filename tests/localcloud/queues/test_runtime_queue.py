"""`klotho.config.queues` of the runtime SDK against the local SQS, in Python and in Node."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import klotho.runtime
from klotho.runtime import config, credentials
from klotho.runtime.errors import AwsError, UnknownNameError, WrongKindError

from .served import REGION, ServedQueues

pytestmark = pytest.mark.localcloud
RUNTIME = Path(klotho.runtime.__file__).parent / "node" / "index.js"
NODE = """
const { config } = require(process.env.RUNTIME);
const assert = require("node:assert");
(async () => {
  const jobs = config.queues.get("jobs");
  await jobs.send({ n: 1, text: "é" });
  const [first] = await jobs.receive(10, { wait: 1 });
  assert.deepEqual([first.payload, first.receives], [{ n: 1, text: "é" }, 1]);
  await first.hide(0);
  const [again] = await jobs.receive(1, { wait: 1, visibility: 60 });
  assert.equal(again.receives, 2);
  await again.delete();
  assert.deepEqual(await jobs.receive(1, { wait: 0 }), []);
  const bids = config.queues.get("bids");
  await assert.rejects(bids.send(1), /is FIFO: say which messages keep their order/);
  await assert.rejects(jobs.send(1, { group: "a" }), /is not FIFO/);
  await bids.send({ bid: 1 }, { group: "a", dedup: "one" });
  await bids.send({ bid: 1 }, { group: "a", dedup: "one" });
  await bids.send({ bid: 2 }, { group: "a" });
  const got = await bids.receive();
  assert.deepEqual(got.map((item) => [item.group, item.payload.bid]), [["a", 1], ["a", 2]]);
  for (const item of got) await item.delete();
})().catch((error) => { console.error(error); process.exit(1); });
"""


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServedQueues]:
    running = ServedQueues(tmp_path)
    fifo = {"FifoQueue": True, "ContentBasedDeduplication": True}
    jobs, bids = running.queue("jobs"), running.queue("bids.fifo", fifo)
    for name, value in {
        "KLOTHO_UNIT": "api",
        "KLOTHO_QUEUE_JOBS": json.dumps({"name": "jobs", "kind": "Messaging.Queue", "url": jobs, "fifo": False}),
        "KLOTHO_QUEUE_BIDS": json.dumps({"name": "bids", "kind": "Messaging.Queue", "url": bids, "fifo": True}),
        "KLOTHO_QUEUE_ODD": json.dumps({"name": "odd", "kind": "Messaging.Rabbit", "url": "x"}),
        "KLOTHO_QUEUE_GONE": json.dumps({"name": "gone", "kind": "Messaging.Queue", "url": f"{jobs}-gone"}),
        "AWS_ENDPOINT_URL": running.url,
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": running.key.id,
        "AWS_SECRET_ACCESS_KEY": running.key.secret,
        "RUNTIME": str(RUNTIME),
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    credentials.forget()
    yield running
    credentials.forget()
    running.close()


def test_python_sends_receives_gives_back_and_deletes(served: ServedQueues) -> None:
    jobs = config.queues.get("jobs")
    jobs.send({"n": 1, "text": "é"})
    (first,) = jobs.receive(wait=1)
    assert (first.payload, first.receives) == ({"n": 1, "text": "é"}, 1)
    first.hide(0)
    (again,) = jobs.receive(1, wait=1, visibility=60)
    assert again.receives == 2
    again.delete()
    assert jobs.receive(wait=0) == []


def test_python_keeps_order_and_drops_doubles_on_a_fifo_queue(served: ServedQueues) -> None:
    bids = config.queues.get("bids")
    bids.send({"bid": 1}, group="a", dedup="one")
    bids.send({"bid": 1}, group="a", dedup="one")
    bids.send({"bid": 2}, group="a")
    assert [(item.group, item.payload) for item in bids.receive()] == [("a", {"bid": 1}), ("a", {"bid": 2})]


def test_what_makes_no_sense_is_refused_before_anything_is_sent(served: ServedQueues) -> None:
    jobs, bids = config.queues.get("jobs"), config.queues.get("bids")
    with pytest.raises(ValueError, match="is FIFO: say which messages keep their order"):
        bids.send(1)
    with pytest.raises(ValueError, match="is not FIFO"):
        jobs.send(1, group="a")
    with pytest.raises(ValueError, match="can't be delayed"):
        bids.send(1, group="a", delay=5)
    with pytest.raises(ValueError, match="JSON"):
        jobs.send(float("nan"))
    with pytest.raises(WrongKindError, match=r"is a Messaging\.Rabbit"):
        config.queues.get("odd")
    with pytest.raises(UnknownNameError, match=r"api\.sends_to\(job\) or api\.consumes\(job\)"):
        config.queues.get("job")
    with pytest.raises(AwsError, match="The specified queue does not exist"):
        config.queues.get("gone").send(1)


def test_node_does_the_same(served: ServedQueues) -> None:
    node = shutil.which("node")
    assert node is not None
    done = subprocess.run([node, "-e", NODE], env=dict(os.environ), capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
