"""What is given up of events for functions: one queue each, and who may send to it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from klotho.application import Existing
from klotho.catalogue.policy import EnvironmentPolicy
from klotho.resources import Ref
from tests.unit.engine.conftest import Builder

QUEUE = "Compute.Function/work:failed-events"


def test_whatever_reaches_a_function_asynchronously_has_one_queue_for_what_fails(app: Builder) -> None:
    app.add("function", "work").add("topic", "news").add("bucket", "files").add("schedule", "nightly", every="1 day")
    app.says("work", "subscribes_to", "news").says("work", "triggered_by", "files")
    app.add("function", "front").says("work", "triggered_by", "nightly").says(
        "front", "calls", "work", protocol="async"
    )
    graph = app.resolve().graph
    assert [item.key for item in graph if item.type == "AWS::SQS::Queue"] == [QUEUE]
    statements = graph[f"{QUEUE}-policy"].properties["PolicyDocument"]["Statement"]  # type: ignore[index]
    senders = [(item["Principal"]["Service"], item["Action"]) for item in statements]
    assert sorted(senders) == [("events.amazonaws.com", "sqs:SendMessage"), ("sns.amazonaws.com", "sqs:SendMessage")]
    assert all(item["Condition"]["ArnEquals"]["aws:SourceArn"] for item in statements)
    function = graph["Compute.Function/work:function"]  # type: ignore[index]
    assert function.properties["DeadLetterConfig"]["TargetArn"] == Ref(QUEUE, "Arn")  # type: ignore[arg-type]
    assert "DeadLetterConfig" not in graph["Compute.Function/front:function"].properties  # type: ignore[index]


@pytest.mark.parametrize("protocol", ["http", "async"])
def test_only_calls_that_nobody_waits_for_need_one(app: Builder, protocol: str) -> None:
    app.add("function", "work").add("function", "front").says("front", "calls", "work", protocol=protocol)
    assert (QUEUE in app.resolve().graph) is (protocol == "async")


def test_a_function_that_is_there_already_is_not_changed(app: Builder) -> None:
    app.add("function", "work").add("function", "front")
    app.constructs[0] = replace(
        app.constructs[0], existing=Existing("arn:aws:lambda:eu-central-1:123456789012:function:work")
    )
    app.says("front", "calls", "work", protocol="async")
    assert QUEUE not in app.resolve().graph


def test_somebody_is_told_of_the_first_dead_letter(app: Builder) -> None:
    app.add("function", "work").add("schedule", "nightly", every="1 day").says("work", "triggered_by", "nightly")
    app.policy = EnvironmentPolicy(alarms=True)
    graph = app.resolve().graph
    (alarm,) = [item for item in graph if item.type == "AWS::CloudWatch::Alarm" and "failed-events" in item.key]
    shown: dict[str, Any] = dict(alarm.properties)
    assert shown["MetricName"] == "ApproximateNumberOfMessagesVisible" and shown["Threshold"] == 0
    assert json.dumps(shown["AlarmActions"], default=str)
