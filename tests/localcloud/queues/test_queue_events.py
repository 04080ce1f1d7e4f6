"""Functions called with the messages of queues, by real workers in Python and Node."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from functions.testbed import REGION, functions_cloud, make, node, python

from klotho.localcloud.cloud import Cloud
from klotho.localcloud.handler import HandlerError
from klotho.localcloud.handlers.event_source_mapping import EventSourceMapping
from klotho.localcloud.handlers.sqs_queue import SqsQueue
from klotho.localcloud.planes.queue_events import QueueEvents
from klotho.localcloud.planes.queue_events.mapping import failed_ids
from klotho.localcloud.services.sqs import Sqs
from klotho.localcloud.services.sqs.drafts import Draft
from klotho.localcloud.services.sqs.queue import Queue

PYTHON = """
import json
def handler(event, context):
    failed = []
    for record in event["Records"]:
        message = json.loads(record["body"])
        fails = message.get("fails", 0) >= int(record["attributes"]["ApproximateReceiveCount"])
        print("MARK", json.dumps(["failed" if fails else "done", message["n"]]))
        if fails:
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}
"""
NODE = """
exports.handler = async (event) => {
  const batchItemFailures = [];
  for (const record of event.Records) {
    const message = JSON.parse(record.body);
    const fails = (message.fails || 0) >= Number(record.attributes.ApproximateReceiveCount);
    console.log("MARK", JSON.stringify([fails ? "failed" : "done", message.n]));
    if (fails) batchItemFailures.push({ itemIdentifier: record.messageId });
  }
  return { batchItemFailures };
};
"""
PARTIAL = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}
localcloud = pytest.mark.localcloud


@asynccontextmanager
async def queues_cloud(state: Path) -> AsyncIterator[Cloud]:
    async with functions_cloud(state) as cloud:
        cloud.queues = Sqs(state, REGION, cloud.account, cloud.endpoint_url)
        cloud.queue_events = QueueEvents(cloud)
        await cloud.queues.start()
        try:
            yield cloud
        finally:
            await cloud.queue_events.stop()
            await cloud.queues.stop()


async def make_queue(cloud: Cloud, name: str, **properties: Any) -> Queue:
    record = await make(cloud, SqsQueue(cloud), name, {"QueueName": name, **properties})
    return cloud.queues.catalog.queue(record.identifier)


async def consume(cloud: Cloud, queue: Queue, **properties: Any) -> Any:
    given = {"EventSourceArn": queue.arn, "FunctionName": "work", **PARTIAL, **properties}
    return await make(cloud, EventSourceMapping(cloud), f"Consumes{queue.name.partition('.')[0]}", given)


def send(queue: Queue, *messages: Mapping[str, Any]) -> None:
    """`group` in a message is its group; `fails` is how often it fails."""
    drafts = [
        Draft(json.dumps(item), {}, item.get("group"), str(item["n"]) if queue.definition.fifo else None, None, 10)
        for item in messages
    ]
    queue.send(drafts, "test")


def marks(cloud: Cloud) -> list[list[Any]]:
    """What the function said it did, in order."""
    lines = [event.message for event in cloud.logs.read("/aws/lambda/work")]
    return [json.loads(line[line.index("MARK") + 5 :]) for line in lines if "MARK" in line]


async def until(holds: Callable[[], bool], seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.02)


def left(queue: Queue) -> int:
    return sum(map(int, queue.counts().values()))


@localcloud
@pytest.mark.parametrize(("deploy", "source"), [(python, PYTHON), (node, NODE)], ids=["python", "node"])
def test_every_message_is_handled_once_and_deleted(tmp_path: Path, deploy: Any, source: str) -> None:
    async def story() -> None:
        async with queues_cloud(tmp_path) as cloud:
            await deploy(cloud, source)
            queue = await make_queue(cloud, "jobs")
            await consume(cloud, queue)
            for start in range(0, 100, 10):
                send(queue, *({"n": start + n} for n in range(10)))
            await until(lambda: left(queue) == 0)
            assert sorted(n for _, n in marks(cloud)) == list(range(100))

    asyncio.run(story())


@localcloud
@pytest.mark.parametrize(("deploy", "source"), [(python, PYTHON), (node, NODE)], ids=["python", "node"])
def test_only_what_failed_is_tried_again_and_poison_ends_in_the_dead_letter_queue(
    tmp_path: Path, deploy: Any, source: str
) -> None:
    async def story() -> None:
        async with queues_cloud(tmp_path) as cloud:
            await deploy(cloud, source, Timeout=1)
            dead = await make_queue(cloud, "dead")
            policy = {"deadLetterTargetArn": dead.arn, "maxReceiveCount": 3}
            queue = await make_queue(cloud, "jobs", VisibilityTimeout=1, RedrivePolicy=policy)
            await consume(cloud, queue)
            send(queue, {"n": 1}, {"n": 2, "fails": 1}, {"n": 3, "fails": 99})
            await until(lambda: left(queue) == 0 and left(dead) == 1)
            said = marks(cloud)
            assert said.count(["done", 1]) == 1
            assert (said.count(["failed", 2]), said.count(["done", 2])) == (1, 1)
            assert (said.count(["failed", 3]), said.count(["done", 3])) == (3, 0)
            (message,) = cloud.queues.catalog.receive(dead, 10)
            assert json.loads(message.body) == {"n": 3, "fails": 99}

    asyncio.run(story())


@localcloud
def test_a_fifo_queue_is_handled_in_the_order_of_each_group(tmp_path: Path) -> None:
    async def story() -> None:
        async with queues_cloud(tmp_path) as cloud:
            await python(cloud, PYTHON, Timeout=1)
            queue = await make_queue(cloud, "bids.fifo", FifoQueue=True, VisibilityTimeout=1)
            await consume(cloud, queue)
            for n in range(30):
                # The first of group b fails once: everything behind it has to wait for it.
                send(queue, {"n": n, "group": "abc"[n % 3], "fails": 1 if n == 1 else 0})
            await until(lambda: left(queue) == 0)
            done = [n for what, n in marks(cloud) if what == "done"]
            for group in range(3):
                own = [n for n in done if n % 3 == group and n != 1]
                assert own == sorted(own), group
            assert set(done) == set(range(30))

    asyncio.run(story())


@localcloud
def test_a_batch_waits_for_its_window(tmp_path: Path) -> None:
    async def story() -> None:
        source = 'def handler(event, context):\n    print("MARK", len(event["Records"]))\n'
        async with queues_cloud(tmp_path) as cloud:
            await python(cloud, source)
            queue = await make_queue(cloud, "jobs")
            await consume(cloud, queue, BatchSize=25, MaximumBatchingWindowInSeconds=5)
            for n in range(25):
                send(queue, {"n": n})
                await asyncio.sleep(0.01)
            await until(lambda: left(queue) == 0, 4)
            assert marks(cloud) == [25]

    asyncio.run(story())


@localcloud
def test_a_function_that_fails_or_answers_nonsense_keeps_the_whole_batch(tmp_path: Path) -> None:
    async def story() -> None:
        async with queues_cloud(tmp_path) as cloud:
            await python(cloud, "def handler(event, context):\n    return 'fine'\n")
            queue = await make_queue(cloud, "jobs")
            await consume(cloud, queue)
            send(queue, {"n": 1})
            await until(lambda: any("count as failed" in e.message for e in cloud.logs.read("/aws/lambda/work")))
            assert queue.counts()["ApproximateNumberOfMessagesNotVisible"] == "1"

    asyncio.run(story())


@localcloud
def test_a_deleted_mapping_takes_no_more_messages(tmp_path: Path) -> None:
    async def story() -> None:
        async with queues_cloud(tmp_path) as cloud:
            await python(cloud, PYTHON)
            queue = await make_queue(cloud, "jobs")
            record = await consume(cloud, queue)
            send(queue, {"n": 1})
            await until(lambda: left(queue) == 0)
            cloud.queue_events.remove(record.identifier)
            send(queue, {"n": 2})
            await asyncio.sleep(0.3)
            assert (marks(cloud), left(queue)) == ([["done", 1]], 1)
            await EventSourceMapping(cloud).resume(record)
            await until(lambda: left(queue) == 0)
            assert marks(cloud) == [["done", 1], ["done", 2]]

    asyncio.run(story())


@localcloud
def test_a_mapping_aws_refuses_is_refused(tmp_path: Path) -> None:
    async def story() -> None:
        async with queues_cloud(tmp_path) as cloud:
            await python(cloud, PYTHON, Timeout=60)
            slow = await make_queue(cloud, "slow")
            wide = await make_queue(cloud, "wide", VisibilityTimeout=60)
            with pytest.raises(HandlerError, match="30 seconds is less than Function timeout: 60"):
                await consume(cloud, slow)
            with pytest.raises(HandlerError, match="NonExistentQueue"):
                await consume(cloud, wide, EventSourceArn=f"{wide.arn}-other")
            with pytest.raises(HandlerError, match="Function not found"):
                await consume(cloud, wide, FunctionName="nobody")
            with pytest.raises(HandlerError, match="Maximum batch window"):
                await consume(cloud, wide, BatchSize=11)
            await consume(cloud, wide)
            with pytest.raises(HandlerError, match="already exists"):
                await make(
                    cloud, EventSourceMapping(cloud), "Second", {"EventSourceArn": wide.arn, "FunctionName": "work"}
                )

    asyncio.run(story())


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        (b"", set()),
        (b"null", set()),
        (b"{}", set()),
        (b'{"batchItemFailures": null}', set()),
        (b'{"batchItemFailures": []}', set()),
        (b'{"batchItemFailures": [{"itemIdentifier": "a"}]}', {"a"}),
        (b'{"batchItemFailures": [{"itemIdentifier": ""}]}', {"a", "b"}),
        (b'{"batchItemFailures": [{"itemIdentifier": null}]}', {"a", "b"}),
        (b'{"batchItemFailures": [{"id": "a"}]}', {"a", "b"}),
        (b'{"batchItemFailures": [{"itemIdentifier": "c"}]}', {"a", "b"}),
        (b'{"batchItemFailures": "a"}', {"a", "b"}),
        (b'"done"', {"a", "b"}),
        (b"nonsense", {"a", "b"}),
    ],
)
def test_answers_mean_what_aws_says_they_mean(answer: bytes, failed: set[str]) -> None:
    found, problem = failed_ids(answer, ["a", "b"])
    assert found == failed
    assert (problem is None) == (failed != {"a", "b"})
