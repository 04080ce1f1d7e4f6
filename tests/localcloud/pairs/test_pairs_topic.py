"""Code that publishes to a topic, and everyone who can subscribe to it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.localcloud.pairs.harness import Deployed, pair

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(300)]

PROGRAM = """
news, other = Messaging.Topic("news"), Messaging.Topic("other")
publisher, boxed_publisher = function("publisher"), container("boxed-publisher")
listener, clerk = function("listener"), container("clerk")
inbox = Messaging.Queue("inbox")
reader = container("reader")
for unit in (publisher, boxed_publisher):
    unit.publishes_to(news)
listener.subscribes_to(news, filter={"kind": ["loud"]})
clerk.subscribes_to(news)
inbox.subscribes_to(news, filter={"said": [{"prefix": "hello"}]}, filter_on="body")
reader.consumes(inbox)
listener.publishes_to(other)
"""
PUBLISH = 'return config.topics.get("news").publish({"said": "%s"}, attributes={"kind": "%s", "n": 7})'
RECEIVE = """
found = []
for message in config.topics.get("news").receive(wait=5):
    message.delete()
    found.append([message.payload["said"], message.attributes])
return found
"""
TOPIC = "Messaging.Topic"
UNITS = ("Compute.Function", "Compute.Container")


def received(deployed: Deployed, text: str) -> Any:
    """The attributes with which the container got a message of this text."""
    for _ in range(10):
        for said, attributes in deployed.run("clerk", RECEIVE):
            if said == text:
                return attributes
    raise AssertionError(f"{text} did not come")


@pair("publishes_to", UNITS, TOPIC)
@pair("subscribes_to", "Compute.Function", TOPIC)
@pytest.mark.parametrize("unit", ["publisher", "boxed-publisher"])
def test_a_function_gets_what_its_filter_lets_through(deployed: Deployed, unit: str) -> None:
    deployed.run(unit, PUBLISH % (f"quiet from {unit}", "quiet"))
    deployed.run(unit, PUBLISH % (f"loud from {unit}", "loud"))
    event = deployed.seen("listener", lambda event: f"loud from {unit}" in str(event))
    (record,) = event["Records"]
    assert record["EventSource"] == "aws:sns"
    assert record["Sns"]["MessageAttributes"]["kind"] == {"Type": "String", "Value": "loud"}
    assert not [seen for seen in deployed.events("listener") if "quiet" in str(seen)]
    arn = deployed.run(unit, 'return config.topics.get("news").arn')
    with pytest.raises(Exception, match="not authorized to perform: sns:Subscribe"):
        deployed.client("sns", unit).subscribe(TopicArn=arn, Protocol="email", Endpoint="a@example.com")
    with pytest.raises(Exception, match=r"`listener\.publishes_to\(news\)` in infra.py would allow it"):
        deployed.client("sns", "listener").publish(TopicArn=arn, Message="no")


@pair("subscribes_to", "Compute.Container", TOPIC)
def test_a_container_receives_from_a_queue_of_its_own_and_may_not_publish(deployed: Deployed) -> None:
    deployed.run("publisher", PUBLISH % ("for the clerk", "quiet"))
    assert received(deployed, "for the clerk") == {"kind": "quiet", "n": 7}
    deployed.denied("clerk", PUBLISH % ("no", "loud"), "sns:Publish", "clerk.publishes_to(news)")
    queues = deployed.client("sqs").list_queues()["QueueUrls"]
    (inbox,) = [url for url in queues if "InboxQueue" in url]
    with pytest.raises(Exception, match="not authorized to perform: sqs:ReceiveMessage"):
        deployed.client("sqs", "clerk").receive_message(QueueUrl=inbox)


@pair("subscribes_to", "Messaging.Queue", TOPIC)
def test_a_queue_takes_in_what_its_filter_lets_through_and_only_from_its_topic(deployed: Deployed) -> None:
    deployed.run("publisher", PUBLISH % ("good bye", "quiet"))
    deployed.run("publisher", PUBLISH % ("hello queue", "quiet"))
    read = 'return [[m.payload["said"], m.delete()][0] for m in config.queues.get("inbox").receive(wait=5)]'
    deadline, found = time.monotonic() + 20, []
    while "hello queue" not in found and time.monotonic() < deadline:
        found += deployed.run("reader", read)
    assert "hello queue" in found
    assert "good bye" not in found
    (policy,) = [
        item["PolicyDocument"] for item in deployed.resources("AWS::SQS::QueueInlinePolicy") if "Inbox" in str(item)
    ]
    (statement,) = policy["Statement"]
    assert statement["Principal"] == {"Service": "sns.amazonaws.com"}
    sns, sqs = deployed.client("sns"), deployed.client("sqs")
    (arn,) = [item["TopicArn"] for item in sns.list_topics()["Topics"] if "Other" in item["TopicArn"]]
    (url,) = [url for url in sqs.list_queues()["QueueUrls"] if "InboxQueue" in url]
    inbox = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=inbox)
    sns.publish(TopicArn=arn, Message="hello from elsewhere")
    line = ""
    while "is not authorized to perform: sqs:SendMessage" not in line and time.monotonic() < deadline + 20:
        line = deployed.deployment.logs("other")
        time.sleep(0.1)
    assert "no resource-based policy allows the sqs:SendMessage action" in line


def test_a_message_a_function_failed_on_three_times_is_in_its_queue(deployed: Deployed) -> None:
    deployed.run("publisher", PUBLISH % ("fail for ever", "loud"))
    deployed.seen("listener", lambda event: "fail for ever" in str(event))
    queues = deployed.client("sqs")
    (url,) = [item for item in queues.list_queues()["QueueUrls"] if "ListenerFailedEvents" in item]
    deadline = time.monotonic() + 60
    letters: list[Any] = []
    while not letters:
        assert time.monotonic() < deadline, deployed.deployment.logs("listener")
        deployed.hurry()
        deployed.run("publisher", PUBLISH % ("look at the time", "loud"))
        letters = queues.receive_message(QueueUrl=url, WaitTimeSeconds=1, MessageAttributeNames=["All"]).get(
            "Messages", []
        )
    (letter,) = letters
    assert json.loads(json.loads(letter["Body"])["Records"][0]["Sns"]["Message"]) == {"said": "fail for ever"}
    assert letter["MessageAttributes"]["ErrorMessage"]["StringValue"] == "as asked"
    assert len([event for event in deployed.events("listener") if "fail for ever" in str(event)]) == 3
    assert "is in the dead letter queue" in deployed.deployment.logs("listener")
    with pytest.raises(Exception, match="not authorized to perform: sqs:ReceiveMessage"):
        deployed.client("sqs", "listener").receive_message(QueueUrl=url)
