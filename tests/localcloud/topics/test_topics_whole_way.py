"""A program with a topic and a followed table; its supervisor is killed and loses nothing that was answered."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from klotho.localcloud import connect
from tests.localcloud.pairs.harness import Deployed

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(300)]
PROGRAM = """
news = Messaging.Topic("news")
inbox = Messaging.Queue("inbox")
things, seen = Databases.KeyValue("things"), Databases.KeyValue("seen")
publisher = function("publisher")
publisher.publishes_to(news)
publisher.read_writes_to(things)
publisher.reads_from(seen)
inbox.subscribes_to(news)
follower = Compute.Function("follower", handler="follower.handler")
follower.triggered_by(things, batch=3)
follower.read_writes_to(seen)
listener = Compute.Function("listener", handler="follower.listen")
listener.subscribes_to(news)
listener.read_writes_to(seen)
"""
FOLLOWER = """
import json, time
from klotho import config

def handler(event, context):
    seen = config.datastores.get("seen")
    for record in event["Records"]:
        time.sleep(0.05)
        seen.update({"id": "change-" + record["dynamodb"]["NewImage"]["n"]["N"]}, add={"times": 1})

def listen(event, context):
    seen = config.datastores.get("seen")
    for record in event["Records"]:
        seen.update({"id": "news-" + str(json.loads(record["Sns"]["Message"])["n"])}, add={"times": 1})
"""


@pytest.fixture
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    made = Deployed(tmp_path_factory.mktemp("topics"), PROGRAM, {"follower.py": FOLLOWER})
    try:
        made.deployment.up()
        yield made
    finally:
        made.deployment.end()


def test_what_was_answered_arrives_after_a_kill(deployed: Deployed) -> None:
    sns, sqs = deployed.client("sns"), deployed.client("sqs")
    (topic,) = [item["TopicArn"] for item in sns.list_topics()["Topics"]]
    deployed.run(
        "publisher",
        'for n in range(20): config.datastores.get("things").put({"id": str(n), "n": n})\n'
        'for n in range(20): config.topics.get("news").publish({"n": n})',
    )
    os.kill(deployed.deployment.supervisor["pid"], signal.SIGKILL)
    deadline = time.monotonic() + 20
    while connect.running(deployed.deployment.state) is not None and time.monotonic() < deadline:
        time.sleep(0.05)
    deployed.deployment.up()
    (url,) = [url for url in sqs.list_queues()["QueueUrls"] if "InboxQueue" in url]
    wanted = {f"change-{n}" for n in range(20)} | {f"news-{n}" for n in range(20)}
    deadline = time.monotonic() + 60
    found: set[str] = set()
    while not wanted <= found and time.monotonic() < deadline:
        time.sleep(0.2)
        found = set(deployed.run("publisher", 'return [item["id"] for item in config.datastores.get("seen").scan()]'))
    assert wanted <= found
    counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
    assert int(counts["ApproximateNumberOfMessages"]) >= 20
    assert topic
