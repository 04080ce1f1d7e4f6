"""Containers that are told of times and of a bucket's objects, and queues that are."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.localcloud.pairs.harness import Deployed, pair

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(300)]

PROGRAM = """
tick = Schedule("tick", every="1 minute")
images = Storage.Bucket("images", protect=False)
told, stranger = container("told"), container("stranger")
told.triggered_by(tick)
told.triggered_by(images, prefix="in/")
told.triggered_by(images, prefix="old/", events="removed")
scribe = Compute.Container("scribe", context="./scribe")
scribe.triggered_by(tick)
scribe.triggered_by(images, prefix="in/")
arrivals = Messaging.Queue("arrivals")
arrivals.subscribes_to(images, prefix="queued/")
arrivals.subscribes_to(images, prefix="more/", suffix=".png")
sorter = function("sorter")
sorter.consumes(arrivals)
upload = function("upload")
upload.read_writes_to(images)
"""
SCRIBE = """
const http = require("node:http");
const { config } = require("@klotho/runtime");

async function follow(source) {
  for (;;) {
    for (const message of await source.receive(10, { wait: 5 })) {
      console.log("SEEN " + JSON.stringify(message.payload));
      await message.delete();
    }
  }
}

http.createServer((request, response) => response.end()).listen(process.env.PORT);
follow(config.schedules.get("tick"));
follow(config.buckets.get("images"));
"""
FILES = {
    "scribe/main.js": SCRIBE,
    "scribe/Dockerfile": 'FROM node:22-slim\nWORKDIR /app\nCOPY main.js .\nCMD ["node", "main.js"]\n',
}
RECEIVE = """
found = config.{0}.receive(wait=5)
for message in found:
    message.delete()
return [message.payload for message in found]
"""
TIMES, OBJECTS = RECEIVE.format('schedules.get("tick")'), RECEIVE.format('buckets.get("images")')


def until(deployed: Deployed, code: str, count: int, seconds: float = 30) -> list[Any]:
    """What the container receives until it is so many."""
    deadline, found = time.monotonic() + seconds, list[Any]()
    while len(found) < count:
        assert time.monotonic() < deadline, found
        found += deployed.run("told", code)
    return found


def names(deployed: Deployed, ending: str) -> list[str]:
    """URLs of the container's queues."""
    urls = deployed.client("sqs").list_queues()["QueueUrls"]
    return [url for url in urls if ending.lower() in url.lower()]


@pair("triggered_by", "Compute.Container", "Schedule")
def test_a_schedule_tells_its_container_and_nobody_else(deployed: Deployed) -> None:
    (event, *_) = until(deployed, TIMES, 1, seconds=90)
    assert (set(event), event["schedule"]) == ({"schedule", "scheduled_at", "run"}, "tick")
    url = next(url for url in names(deployed, "ToldScheduleTickQueue") if "failed" not in url.lower())
    for action in ("receive_message", "purge_queue"):
        with pytest.raises(Exception, match="not authorized to perform: sqs:"):
            getattr(deployed.client("sqs", "stranger"), action)(QueueUrl=url)
    with pytest.raises(Exception, match="not authorized to perform: sqs:SendMessage"):
        deployed.client("sqs", "told").send_message(QueueUrl=url, MessageBody="{}")
    deployed.denied("stranger", TIMES, "was granted no schedule named 'tick'", "stranger.triggered_by(tick)")


@pair("triggered_by", "Compute.Container", "Storage.Bucket")
def test_a_bucket_tells_its_container_of_what_it_asked_for(deployed: Deployed) -> None:
    put = 'config.buckets.get("images").put("%s", b"1")'
    for key in ("in/a.png", "out/b.png", "old/c.png"):
        deployed.run("upload", put % key)
    deployed.run("upload", 'config.buckets.get("images").delete("old/c.png")')
    events = until(deployed, OBJECTS, 2)
    kinds = sorted((event["detail-type"], event["detail"]["object"]["key"]) for event in events)
    assert kinds == [("Object Created", "in/a.png"), ("Object Deleted", "old/c.png")]
    read = f"return [config.buckets.event(event).key for event in {json.loads(json.dumps(events))!r}]"
    assert sorted(deployed.run("told", read)) == ["in/a.png", "old/c.png"]
    deployed.denied("told", 'return config.buckets.get("images").get("in/a.png")', "not authorized")
    for queue in names(deployed, "ToldBucketImagesQueue"):
        with pytest.raises(Exception, match="not authorized to perform: sqs:SendMessage"):
            deployed.client("sqs", "upload").send_message(QueueUrl=queue, MessageBody="{}")


def test_a_container_in_node_receives_the_same_by_a_queue_of_its_own(deployed: Deployed) -> None:
    deployed.run("upload", 'config.buckets.get("images").put("in/node.png", b"1")')
    deployed.seen("scribe", lambda event: event.get("detail", {}).get("object", {}).get("key") == "in/node.png")
    deployed.seen("scribe", lambda event: event.get("schedule") == "tick", seconds=90)
    assert [event for event in until(deployed, OBJECTS, 1) if event["detail"]["object"]["key"] == "in/node.png"]


@pair("subscribes_to", "Messaging.Queue", "Storage.Bucket")
def test_a_queue_takes_in_the_events_it_asked_for_from_the_bucket_only(deployed: Deployed) -> None:
    for key in ("more/a.txt", "queued/a.txt", "more/a.png"):
        deployed.run("upload", f'config.buckets.get("images").put("{key}", b"1")')

    def arrived(key: str) -> Any:
        bodies = [json.loads(item["body"]) for event in deployed.events("sorter") for item in event["Records"]]
        return [body["detail-type"] for body in bodies if body["detail"]["object"]["key"] == key]

    deployed.seen("sorter", lambda event: arrived("queued/a.txt") and arrived("more/a.png"))
    assert arrived("queued/a.txt") == ["Object Created"] and arrived("more/a.txt") == []
    (url,) = names(deployed, "ArrivalsQueue")
    for unit in ("upload", "stranger", "told"):
        with pytest.raises(Exception, match="not authorized to perform: sqs:SendMessage"):
            deployed.client("sqs", unit).send_message(QueueUrl=url, MessageBody="{}")


def test_what_the_container_fails_on_five_times_is_kept_beside_it(deployed: Deployed) -> None:
    deployed.run("upload", 'config.buckets.get("images").put("in/broken", b"1")')
    fail = 'return [m.payload["detail"]["object"]["key"] for m in config.buckets.get("images").receive(visibility=0)]'
    tries = list[str]()
    for _ in range(7):
        tries += deployed.run("told", fail.replace("visibility=0", "wait=2, visibility=0"))
    assert tries == ["in/broken"] * 5
    (failed,) = names(deployed, "ToldBucketImagesQueueFailed")
    (message,) = deployed.client("sqs").receive_message(QueueUrl=failed, WaitTimeSeconds=5)["Messages"]
    assert json.loads(message["Body"])["detail"]["object"]["key"] == "in/broken"
