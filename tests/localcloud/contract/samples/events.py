"""Samples of EventBridge: buses and rules. No event is put, so that nothing is invoked while a test looks."""

from __future__ import annotations

from typing import Any

from klotho.localcloud.cloud import Cloud
from klotho.localcloud.handler import Record

from ..planes import planes
from ..sample import Sample
from .identity import trust
from .network import tags

FUNCTION = "arn:aws:lambda:eu-west-1:000000000000:function:"
QUEUE = "arn:aws:sqs:eu-west-1:000000000000:"
ROLE = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust("events.amazonaws.com")}}
BUS = {"Type": "AWS::Events::EventBus", "Properties": {"Name": "own"}}


def read_rule(cloud: Cloud, record: Record) -> Any:
    rule = cloud.events.rules()[record.attributes["Arn"]]
    targets = [(item.id, item.arn, item.role_arn, item.group, item.dead_letter_arn) for item in rule.targets]
    return rule.name, rule.bus, rule.enabled, rule.pattern.document, targets


SAMPLES = (
    Sample(
        "AWS::Events::EventBus",
        {"Name": "first", "Tags": tags("a")},
        {"Description": "b", "Name": "second", "Tags": tags("b")},
    ),
    Sample(
        "AWS::Events::Rule",
        {
            "EventPattern": {"source": ["aws.s3"], "detail": {"object": {"key": [{"prefix": "in/"}]}}},
            "Tags": tags("a"),
            "Targets": [{"Id": "one", "Arn": FUNCTION + "one"}],
        },
        {
            "Description": "b",
            "EventBusName": {"Ref": "Bus"},
            "EventPattern": '{"source": ["aws.s3", "mine"]}',
            "Name": "named",
            "State": "DISABLED",
            "Tags": tags("b"),
            "Targets": [
                {
                    "Id": "two",
                    "Arn": QUEUE + "two.fifo",
                    "DeadLetterConfig": {"Arn": QUEUE + "dead"},
                    "InputTransformer": {"InputPathsMap": {"key": "$.detail.key"}, "InputTemplate": '{"key": <key>}'},
                    "RetryPolicy": {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 60},
                    "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                    "SqsParameters": {"MessageGroupId": "all"},
                },
                {"Id": "three", "Arn": FUNCTION + "three", "InputPath": "$.detail"},
            ],
        },
        {"Role": ROLE, "Bus": BUS},
        planes=planes("functions", "queues", "events"),
        read=read_rule,
    ),
)
