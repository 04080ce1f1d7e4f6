"""Functions called with the changes of tables, by real workers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from functions.testbed import REGION, functions_cloud, make, python

from klotho.localcloud.cloud import Cloud
from klotho.localcloud.handler import HandlerError
from klotho.localcloud.handlers.dynamodb_table import DynamoDbTable
from klotho.localcloud.handlers.event_source_mapping import EventSourceMapping
from klotho.localcloud.handlers.sqs_queue import SqsQueue
from klotho.localcloud.planes.table_events import TableEvents
from klotho.localcloud.planes.table_events.mapping import first_failed
from klotho.localcloud.services.dynamodb import DynamoDb
from klotho.localcloud.services.dynamodb.streams import Record, shown
from klotho.localcloud.services.sqs import Sqs

pytestmark = pytest.mark.localcloud
SOURCE = """
import json

def handler(event, context):
    values = [int(record["dynamodb"]["NewImage"]["v"]["N"]) for record in event["Records"]]
    bad = [record for record, value in zip(event["Records"], values) if value == 13]
    print("MARK", json.dumps(values))
    if bad and event["Records"][0]["dynamodb"]["NewImage"]["k"]["S"] == "raise":
        raise ValueError("13")
    return {"batchItemFailures": [{"itemIdentifier": r["dynamodb"]["SequenceNumber"]} for r in bad]}
"""


@asynccontextmanager
async def tables_cloud(state: Path, *, allowed: bool = True) -> AsyncIterator[Cloud]:
    async with functions_cloud(state) as cloud:
        cloud.tables = DynamoDb(state, REGION, cloud.account)
        cloud.queues = Sqs(state, REGION, cloud.account, cloud.endpoint_url)
        cloud.table_events = TableEvents(cloud, backoff_s=(0.02, 0.1))
        cloud.table_events.may = lambda *need: allowed  # type: ignore[method-assign]
        cloud.table_events.dead_letters.may_send = lambda *need: allowed  # type: ignore[method-assign]
        await cloud.tables.start()
        try:
            yield cloud
        finally:
            await cloud.table_events.stop()
            await cloud.tables.stop()
            await cloud.queues.stop()


async def make_table(cloud: Cloud) -> str:
    """A followed table; its stream's ARN."""
    properties = {
        "TableName": "things",
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
    }
    record = await make(cloud, DynamoDbTable(cloud), "things", properties)
    return str(record.attributes["StreamArn"])


async def follow(cloud: Cloud, stream: str, **properties: Any) -> Any:
    given = {
        "EventSourceArn": stream, "FunctionName": "work", "StartingPosition": "TRIM_HORIZON",
        "FunctionResponseTypes": ["ReportBatchItemFailures"], **properties,
    }  # fmt: skip
    return await make(cloud, EventSourceMapping(cloud), "Follows", given)


def put(cloud: Cloud, *values: int, kind: str = "report") -> None:
    for value in values:
        item = {"pk": {"S": "same"}, "v": {"N": str(value)}, "k": {"S": kind}}
        answer = cloud.tables.answer("PutItem", json.dumps({"TableName": "things", "Item": item}).encode())
        assert answer.status == 200


def calls(cloud: Cloud) -> list[list[int]]:
    """The values of each call, in order."""
    lines = [event.message for event in cloud.logs.read("/aws/lambda/work")]
    return [json.loads(line[line.index("MARK") + 5 :]) for line in lines if "MARK" in line]


async def until(holds: Callable[[], bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.02)


def test_changes_come_in_order_in_batches_and_a_change_wakes_the_poller(tmp_path: Path) -> None:
    async def story() -> None:
        async with tables_cloud(tmp_path) as cloud:
            await python(cloud, SOURCE)
            stream = await make_table(cloud)
            put(cloud, 1, 2, 3)
            await follow(cloud, stream, BatchSize=2)
            await until(lambda: [value for call in calls(cloud) for value in call] == [1, 2, 3])
            assert calls(cloud) == [[1, 2], [3]]
            put(cloud, 4)
            await until(lambda: calls(cloud)[-1] == [4], 5)

    asyncio.run(story())


def test_a_reported_failure_is_where_it_goes_on_and_is_told_when_it_is_given_up(tmp_path: Path) -> None:
    async def story() -> None:
        async with tables_cloud(tmp_path) as cloud:
            await python(cloud, SOURCE)
            stream = await make_table(cloud)
            await make(cloud, SqsQueue(cloud), "lost", {"QueueName": "lost"})
            lost = cloud.queues.catalog.queue("lost")
            put(cloud, 1, 13, 2, 3)
            failure = {"OnFailure": {"Destination": lost.arn}}
            await follow(
                cloud, stream, MaximumRetryAttempts=1, BisectBatchOnFunctionError=True, DestinationConfig=failure
            )
            await until(lambda: len(calls(cloud)) > 1 and 3 in calls(cloud)[-1])
            # What is left of the failed batch comes in parts; 13 is tried once more, alone.
            assert calls(cloud) == [[1, 13, 2, 3], [13], [2], [3]]
            (message,) = cloud.queues.catalog.receive(lost, 10)
            told = json.loads(message.body)
            assert told["requestContext"]["condition"] == "RetryAttemptsExhausted"
            assert told["DDBStreamBatchInfo"]["batchSize"] == 1
            assert told["DDBStreamBatchInfo"]["streamArn"] == stream

    asyncio.run(story())


def test_an_exception_fails_the_batch_which_is_halved_until_the_bad_one_is_alone(tmp_path: Path) -> None:
    async def story() -> None:
        async with tables_cloud(tmp_path) as cloud:
            await python(cloud, SOURCE)
            stream = await make_table(cloud)
            put(cloud, 1, 2, 13, 4, kind="raise")
            await follow(cloud, stream, MaximumRetryAttempts=0, BisectBatchOnFunctionError=True)
            await until(lambda: calls(cloud)[-1:] == [[4]])
            assert calls(cloud) == [[1, 2, 13, 4], [1, 2], [13, 4], [13], [4]]
            lines = [event.message for event in cloud.logs.read("/aws/lambda/work")]
            assert any("1 changes of things are given up (RetryAttemptsExhausted)" in line for line in lines)

    asyncio.run(story())


def test_where_it_stands_survives_a_restart_and_latest_begins_with_the_next_change(tmp_path: Path) -> None:
    async def story() -> None:
        async with tables_cloud(tmp_path) as cloud:
            await python(cloud, SOURCE)
            stream = await make_table(cloud)
            put(cloud, 1)
            record = await follow(cloud, stream, StartingPosition="LATEST")
            put(cloud, 2)
            await until(lambda: calls(cloud) == [[2]])
            cloud.table_events.suspend(record.identifier)
            put(cloud, 3, 4)
            await asyncio.sleep(0.1)
            # As after a restart: another plane on the same data.
            again = TableEvents(cloud)
            again.may = lambda *need: True  # type: ignore[method-assign]
            again.put(record)
            await until(lambda: calls(cloud) == [[2], [3, 4]])
            await again.stop()

    asyncio.run(story())


def test_a_role_that_may_not_read_the_stream_is_refused_as_on_aws(tmp_path: Path) -> None:
    async def story() -> None:
        async with tables_cloud(tmp_path, allowed=False) as cloud:
            await python(cloud, SOURCE)
            stream = await make_table(cloud)
            with pytest.raises(HandlerError, match="Cannot access stream"):
                await follow(cloud, stream)

    asyncio.run(story())


def test_the_lowest_reported_number_decides_and_nonsense_fails_the_batch() -> None:
    sent = [Record(number, 0.0, {}) for number in (5, 6, 7)]

    def answer(*numbers: int) -> bytes:
        return json.dumps({"batchItemFailures": [{"itemIdentifier": shown(number)} for number in numbers]}).encode()

    assert first_failed(answer(7, 6), sent) == (sent[1], None)
    assert first_failed(answer(), sent) == (None, None)
    assert first_failed(b"null", sent) == (None, None)
    assert first_failed(answer(9), sent)[0] is sent[0]
    assert first_failed(b"[]", sent)[0] is sent[0]
    assert first_failed(b"{", sent)[0] is sent[0]
