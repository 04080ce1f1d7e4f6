"""Samples of messaging: queues, and functions that are called with their messages."""

from __future__ import annotations

from typing import Any

from klotho.localcloud.cloud import Cloud
from klotho.localcloud.handler import Record

from ..planes import planes
from ..sample import Sample
from .functions import FUNCTION, LAMBDA_ROLE
from .network import tags

QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {}}
DEAD = {"Fn::GetAtt": ["Dead", "Arn"]}
OTHER_ARN = "arn:aws:sqs:eu-west-1:000000000000:other"


def attribute(name: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [name, "Arn"]}


def read_queue(cloud: Cloud, record: Record) -> Any:
    queue = cloud.queues.catalog.queue(record.identifier)
    return queue.arn, queue.definition.attributes(), cloud.queues.catalog.tags(queue)


def read_mapping(cloud: Cloud, record: Record) -> Any:
    return cloud.queue_events.get(record.identifier)


SAMPLES = (
    Sample(
        "AWS::SQS::Queue",
        {"FifoQueue": True, "VisibilityTimeout": 30, "Tags": tags("a")},
        {
            "VisibilityTimeout": 60,
            "ContentBasedDeduplication": True,
            "DelaySeconds": 5,
            "FifoQueue": False,
            "MaximumMessageSize": 2048,
            "MessageRetentionPeriod": 120,
            "QueueName": "named.fifo",
            "ReceiveMessageWaitTimeSeconds": 10,
            "RedriveAllowPolicy": {"redrivePermission": "byQueue", "sourceQueueArns": [OTHER_ARN]},
            "RedrivePolicy": {"deadLetterTargetArn": DEAD, "maxReceiveCount": 3},
            "SqsManagedSseEnabled": False,
            "Tags": tags("b"),
        },
        {"Dead": {"Type": "AWS::SQS::Queue", "Properties": {"FifoQueue": True}}},
        together={"QueueName": {"FifoQueue": True}},
        planes=planes("queues"),
        read=read_queue,
    ),
    Sample(
        "AWS::Lambda::EventSourceMapping",
        {"EventSourceArn": attribute("One"), "FunctionName": {"Ref": "Left"}, "Tags": tags("a")},
        {
            "BatchSize": 5,
            "Enabled": False,
            "EventSourceArn": attribute("Two"),
            "FunctionName": {"Ref": "Right"},
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "MaximumBatchingWindowInSeconds": 2,
            "ScalingConfig": {"MaximumConcurrency": 2},
            "Tags": tags("b"),
        },
        {"One": QUEUE, "Two": QUEUE, "Left": FUNCTION, "Right": FUNCTION, "LambdaRole": LAMBDA_ROLE},
        planes=planes("queues", "functions", "queue_events"),
        # Of streams alone; tests/localcloud/table_events/test_table_events.py has mappings on those.
        refused={
            "BisectBatchOnFunctionError": True,
            "DestinationConfig": {"OnFailure": {"Destination": OTHER_ARN}},
            "MaximumRecordAgeInSeconds": 60,
            "MaximumRetryAttempts": 3,
            "StartingPosition": "LATEST",
        },
        read=read_mapping,
        slow=True,
    ),
)
