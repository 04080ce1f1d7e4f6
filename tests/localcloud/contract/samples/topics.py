"""Samples of topics: topics, their subscriptions, and the policies of queues that subscribe."""

from __future__ import annotations

from typing import Any

from klotho.localcloud.cloud import Cloud
from klotho.localcloud.handler import Record

from ..planes import planes
from ..sample import Sample
from .network import tags
from .queues import QUEUE, attribute

TOPIC = {"Type": "AWS::SNS::Topic", "Properties": {}}


def read_topic(cloud: Cloud, record: Record) -> Any:
    topic = cloud.topics.catalog.topic(record.identifier)
    return topic.definition.attributes(), cloud.topics.catalog.tags(topic)


def read_subscription(cloud: Cloud, record: Record) -> Any:
    found = cloud.topics.catalog.subscription(record.identifier)
    return found.topic.arn, found.definition.protocol, found.definition.endpoint, found.definition.attributes()


def policy(queue: str, service: str = "sns.amazonaws.com", **more: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sqs:SendMessage", **more}
    return {"Version": "2012-10-17", "Statement": [{**statement, "Resource": attribute(queue)}]}


BROKEN = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}]}
SAMPLES = (
    Sample(
        "AWS::SNS::Topic",
        {"DisplayName": "a", "FifoTopic": True, "TopicName": "base.fifo", "Tags": tags("a")},
        {
            "ContentBasedDeduplication": True,
            "DisplayName": "b",
            "FifoTopic": False,
            "KmsMasterKeyId": "alias/aws/sns",
            "Tags": tags("b"),
            "TopicName": "named.fifo",
        },
        together={
            "FifoTopic": {"TopicName": "plain", "ContentBasedDeduplication": False},
            "TopicName": {"FifoTopic": True},
        },
        planes=planes("topics"),
        read=read_topic,
    ),
    Sample(
        "AWS::SNS::Subscription",
        {"TopicArn": {"Ref": "One"}, "Protocol": "sqs", "Endpoint": attribute("Left")},
        {
            "Endpoint": attribute("Right"),
            "FilterPolicy": {"kind": ["order", {"prefix": "re"}]},
            "FilterPolicyScope": "MessageBody",
            "Protocol": "email",
            "RawMessageDelivery": True,
            "RedrivePolicy": {"deadLetterTargetArn": attribute("Right")},
            "TopicArn": {"Ref": "Two"},
        },
        {"One": TOPIC, "Two": TOPIC, "Left": QUEUE, "Right": QUEUE},
        together={
            "FilterPolicyScope": {"FilterPolicy": {"kind": ["order"]}},
            "Protocol": {"Endpoint": "someone@example.com"},
        },
        planes=planes("queues", "topics"),
        read=read_subscription,
        refused={"FilterPolicy": {"kind": "order"}, "Protocol": "http", "Region": "us-gov-west-1"},
    ),
    Sample(
        "AWS::SQS::QueueInlinePolicy",
        {"Queue": {"Ref": "Left"}, "PolicyDocument": policy("Left")},
        {"Queue": {"Ref": "Right"}, "PolicyDocument": policy("Left", "events.amazonaws.com")},
        {"Left": QUEUE, "Right": QUEUE},
        planes=planes("queues"),
        refused={"PolicyDocument": BROKEN},
    ),
    Sample(
        "AWS::SQS::QueuePolicy",
        {"Queues": [{"Ref": "Left"}], "PolicyDocument": policy("Left")},
        {"Queues": [{"Ref": "Right"}], "PolicyDocument": policy("Left", "events.amazonaws.com")},
        {"Left": QUEUE, "Right": QUEUE},
        planes=planes("queues"),
        refused={"PolicyDocument": BROKEN},
    ),
)
