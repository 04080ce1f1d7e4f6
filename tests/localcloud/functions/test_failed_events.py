"""What a function failed on three times is kept in its dead letter queue, which its role must be allowed to send to."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from functions.testbed import REGION, ROLE, functions_cloud, make, python
from klotho.localcloud.cloud import Cloud
from klotho.localcloud.handler import HandlerError, Record
from klotho.localcloud.handlers.sqs_queue import SqsQueue
from klotho.localcloud.services.sqs import Sqs

pytestmark = pytest.mark.localcloud

_FAILS = """
def handler(event, context):
    if event.get('ask') is None:
        raise RuntimeError('not this time')
"""


@asynccontextmanager
async def cloud_with_queue(state: Path, *, allowed: bool = True) -> AsyncIterator[tuple[Cloud, str]]:
    """A cloud, and the ARN of a queue that functions may send to."""
    async with functions_cloud(state, retry_delays_s=(0.05, 0.05)) as cloud:
        cloud.queues = Sqs(state, REGION, cloud.account, cloud.endpoint_url)
        await make(cloud, SqsQueue(cloud), "lost", {"QueueName": "lost"})
        arn = cloud.queues.catalog.queue("lost").arn
        let_send(cloud, arn if allowed else "arn:aws:sqs:eu-central-1:000000000000:other")
        try:
            yield cloud, arn
        finally:
            await cloud.queues.stop()


def let_send(cloud: Cloud, queue_arn: str) -> None:
    """The role of all functions, as the engine would have recorded it."""
    statement = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": queue_arn}
    policy = {"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
    properties = {"AssumeRolePolicyDocument": {}, "Policies": [policy]}
    cloud.world.put(
        Record(
            type_name="AWS::IAM::Role",
            identifier="test",
            properties=properties,
            attributes={"Arn": ROLE},
            token="t",
            stack_id="s",
            stack_name="s",
            logical_id="Role",
            tags={},
        )
    )


async def settled(cloud: Cloud) -> None:
    end = time.monotonic() + 20
    while cloud.functions.events.pending():
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


def letters(cloud: Cloud) -> list[Any]:
    catalog = cloud.queues.catalog
    return list(catalog.receive(catalog.queue("lost"), 10))


def test_an_event_that_failed_three_times_is_in_the_queue_with_its_error(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with cloud_with_queue(tmp_path) as (cloud, arn):
            await python(cloud, _FAILS, DeadLetterConfig={"TargetArn": arn})
            cloud.functions.enqueue("work", b'{"order": 7}')
            cloud.functions.enqueue("work", b'{"ask": 1}')
            await settled(cloud)
            (letter,) = letters(cloud)
            assert json.loads(letter.body) == {"order": 7}
            told = {name: (item["DataType"], item["StringValue"]) for name, item in letter.attributes.items()}
            assert told["ErrorMessage"] == ("String", "not this time") and told["ErrorCode"] == ("Number", "200")
            assert told["RequestID"][1].count("-") == 4
            assert "failed 3 times and is in the dead letter queue lost" in log_of(cloud)

    asyncio.run(scenario())


def test_without_a_queue_the_log_says_that_the_event_is_lost(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with cloud_with_queue(tmp_path) as (cloud, _):
            await python(cloud, _FAILS)
            cloud.functions.enqueue("work", b"{}")
            await settled(cloud)
            assert letters(cloud) == []
            assert "is dropped: there is no dead letter queue" in log_of(cloud)

    asyncio.run(scenario())


def test_a_role_that_lost_its_permission_is_named_in_the_log(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with cloud_with_queue(tmp_path) as (cloud, arn):
            await python(cloud, _FAILS, DeadLetterConfig={"TargetArn": arn})
            let_send(cloud, f"{arn}-other")
            cloud.functions.enqueue("work", b"{}")
            await settled(cloud)
            assert letters(cloud) == []
            assert f"{ROLE} is not authorized to perform: sqs:SendMessage on {arn}" in log_of(cloud)

    asyncio.run(scenario())


@pytest.mark.parametrize("target", [None, "arn:aws:sns:eu-central-1:000000000000:topic"])
def test_a_function_whose_dead_letters_could_go_nowhere_is_refused(tmp_path: Path, target: str | None) -> None:
    async def scenario() -> None:
        async with cloud_with_queue(tmp_path, allowed=False) as (cloud, arn):
            with pytest.raises(HandlerError, match=r"does not have permissions|standard queues"):
                await python(cloud, _FAILS, DeadLetterConfig={"TargetArn": target or arn})

    asyncio.run(scenario())


def log_of(cloud: Cloud) -> str:
    return "\n".join(cloud.logs.tail("/aws/lambda/work", 50))
