"""CloudWatch Logs through boto3."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from klotho.localcloud.handler import Record
from tests.localcloud.frame.frame_harness import EndpointUnderTest

pytestmark = pytest.mark.localcloud

GROUP = "/aws/lambda/invoice"


@pytest.fixture(scope="module", autouse=True)
def written(endpoint: EndpointUnderTest) -> None:
    for number in range(10):
        endpoint.logs.write(GROUP, f"s{number % 2}", f"line {number} [id=7]", timestamp_ms=1000 + number)


def messages(answer: dict) -> list[str]:  # type: ignore[type-arg]
    return [event["message"].removesuffix(" [id=7]") for event in answer["events"]]


def test_events_are_filtered_by_time_stream_and_words(endpoint: EndpointUnderTest) -> None:
    logs = endpoint.client("logs")
    assert messages(logs.filter_log_events(logGroupName=GROUP, startTime=1008)) == ["line 8", "line 9"]
    assert messages(logs.filter_log_events(logGroupName=GROUP, endTime=1001)) == ["line 0", "line 1"]
    assert messages(logs.filter_log_events(logGroupName=GROUP, logStreamNames=["s1"], endTime=1003)) == [
        "line 1",
        "line 3",
    ]
    assert messages(logs.filter_log_events(logGroupName=GROUP, filterPattern='"[id=7]" 4')) == ["line 4"]


def test_pages_follow_each_other_without_gap_or_repetition(endpoint: EndpointUnderTest) -> None:
    pages = endpoint.client("logs").get_paginator("filter_log_events")
    found = pages.paginate(logGroupName=GROUP, PaginationConfig={"PageSize": 3})
    events = [event for page in found for event in page["events"]]
    assert messages({"events": events}) == [f"line {n}" for n in range(10)]
    assert len({event["eventId"] for event in events}) == 10


def test_a_streams_events_are_read_forward_and_backward(endpoint: EndpointUnderTest) -> None:
    logs = endpoint.client("logs")
    ask = {"logGroupName": GROUP, "logStreamName": "s0", "limit": 2}
    head = logs.get_log_events(**ask, startFromHead=True)
    assert messages(head) == ["line 0", "line 2"]
    following = logs.get_log_events(**ask, nextToken=head["nextForwardToken"])
    assert messages(following) == ["line 4", "line 6"]
    assert messages(logs.get_log_events(**ask, nextToken=following["nextBackwardToken"])) == ["line 0", "line 2"]
    tail = logs.get_log_events(**ask)
    assert messages(tail) == ["line 6", "line 8"]
    end = logs.get_log_events(**ask, nextToken=tail["nextForwardToken"])
    assert (end["events"], end["nextForwardToken"]) == ([], tail["nextForwardToken"])


def test_groups_and_streams_are_described(endpoint: EndpointUnderTest) -> None:
    logs = endpoint.client("logs")
    properties = {"LogGroupName": "/declared", "RetentionInDays": 7}
    endpoint.world.put(Record("AWS::Logs::LogGroup", "/declared", properties, {}, "t", "s", "s", "Log", {}))
    groups = {group["logGroupName"]: group for group in logs.describe_log_groups()["logGroups"]}
    assert groups["/declared"]["retentionInDays"] == 7
    assert groups[GROUP]["storedBytes"] > 100
    assert [g["logGroupName"] for g in logs.describe_log_groups(logGroupNamePrefix="/aws")["logGroups"]] == [GROUP]
    assert logs.filter_log_events(logGroupName="/declared")["events"] == []
    streams = logs.describe_log_streams(logGroupName=GROUP, orderBy="LastEventTime", descending=True)["logStreams"]
    assert [(s["logStreamName"], s["lastEventTimestamp"]) for s in streams] == [("s1", 1009), ("s0", 1008)]


def test_an_unknown_group_or_stream_is_refused(endpoint: EndpointUnderTest) -> None:
    logs = endpoint.client("logs")
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.filter_log_events(logGroupName="/nothing")
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.get_log_events(logGroupName=GROUP, logStreamName="nothing")


@pytest.mark.parametrize("pattern", ["{ $.a = 1 }", "?ERROR ?WARN", "-DEBUG", "%regex%", "[a, b]"])
def test_patterns_beyond_words_are_refused_by_name(endpoint: EndpointUnderTest, pattern: str) -> None:
    with pytest.raises(ClientError, match="carries filter patterns of plain words"):
        endpoint.client("logs").filter_log_events(logGroupName=GROUP, filterPattern=pattern)
