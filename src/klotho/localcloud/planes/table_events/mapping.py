"""An event source mapping on a table's stream, the event a function gets, and what its answer says.

Input: the record of an `AWS::Lambda::EventSourceMapping` on a stream; records of the stream; a function's answer.
Output: a typed `Mapping`, the event as AWS writes it, the record to go on from, the message for a destination. Refuses
nothing itself: the handler has checked the properties before. Sources: AWS Lambda Developer Guide, "Using AWS Lambda
with Amazon DynamoDB", "Configuring partial batch response with DynamoDB and Lambda", "Retain discarded records".
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from klotho.localcloud.handler import Record as Resource
from klotho.localcloud.handler import application_of
from klotho.localcloud.planes.functions.model import construct_of, name_of
from klotho.localcloud.planes.queue_events.mapping import PARTIAL
from klotho.localcloud.services.dynamodb.streams import SHARD, Record, shown

DEFAULT_BATCH = 100
"""Records in one call. AWS: "BatchSize … Amazon DynamoDB Streams – Default 100"."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """One mapping as it is to run now."""

    identifier: str
    construct: str
    application: str | None
    stream_arn: str
    function: str
    """The function's name."""
    batch: int
    window_s: int
    from_start: bool
    """Whether it begins with the oldest record that is kept (TRIM_HORIZON), else with the next."""
    bisects: bool
    retries: int
    """Of a batch that failed; -1 for until the records expire."""
    max_age_s: int
    """Older records are discarded; -1 for none."""
    partial: bool
    destination: str | None
    """The ARN of the queue that is told of discarded batches."""
    enabled: bool

    @property
    def table(self) -> str:
        return self.stream_arn.partition("/stream/")[0].rpartition("/")[2]


def mapping_of(record: Resource) -> Mapping:
    """The mapping this record describes."""
    properties = record.properties
    target = ((properties.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
    return Mapping(
        identifier=record.identifier,
        construct=construct_of(record),
        application=application_of(record),
        stream_arn=str(properties["EventSourceArn"]),
        function=name_of(str(properties["FunctionName"])),
        batch=int(properties.get("BatchSize", DEFAULT_BATCH)),
        window_s=int(properties.get("MaximumBatchingWindowInSeconds", 0)),
        from_start=properties.get("StartingPosition") == "TRIM_HORIZON",
        bisects=str(properties.get("BisectBatchOnFunctionError", False)).lower() == "true",
        retries=int(properties.get("MaximumRetryAttempts", -1)),
        max_age_s=int(properties.get("MaximumRecordAgeInSeconds", -1)),
        partial=PARTIAL in (properties.get("FunctionResponseTypes") or ()),
        destination=None if target is None else str(target),
        enabled=str(properties.get("Enabled", True)).lower() == "true",
    )


def event_of(records: Sequence[Record], stream_arn: str) -> bytes:
    """The event, as JSON; Lambda spells the identity otherwise than the streams API."""
    return orjson.dumps({"Records": [{**_spelled(item), "eventSourceARN": stream_arn} for item in records]})


def _spelled(item: Record) -> dict[str, Any]:
    document = dict(item.document)
    identity = document.get("userIdentity")
    if identity is not None:
        document["userIdentity"] = {"type": identity["Type"], "principalId": identity["PrincipalId"]}
    return document


def first_failed(answer: bytes, sent: Sequence[Record]) -> tuple[Record | None, str | None]:
    """The first record that failed (None when all succeeded), and what was wrong with an answer that fails them all.

    With several identifiers the lowest sequence number is where AWS goes on from.
    """
    everything = {shown(item.sequence): item for item in sent}
    try:
        document = orjson.loads(answer) if answer else None
    except orjson.JSONDecodeError:
        return sent[0], "the function's answer is no JSON"
    if document is None:
        return None, None
    failures = document.get("batchItemFailures") or [] if isinstance(document, dict) else None
    if not isinstance(failures, list):
        return sent[0], 'the function\'s answer is neither nothing nor {"batchItemFailures": […]}'
    found = [str(item.get("itemIdentifier")) if isinstance(item, dict) else str(item) for item in failures]
    for identifier in found:
        if identifier not in everything:
            return sent[0], f"the function's answer names itemIdentifier {identifier!r}, which was not sent"
    return min((everything[name] for name in found), key=lambda item: item.sequence, default=None), None


def discarded(mapping: Mapping, function_arn: str, records: Sequence[Record], why: str, attempts: int) -> str:
    """What the destination is told of a batch that is given up: where it is, not what is in it."""
    return orjson.dumps(
        {
            "requestContext": {
                "requestId": str(uuid.uuid4()),
                "functionArn": function_arn,
                "condition": why,
                "approximateInvokeCount": attempts,
            },
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
            "version": "1.0",
            "timestamp": _iso(datetime.now(UTC)),
            "DDBStreamBatchInfo": {
                "shardId": SHARD,
                "startSequenceNumber": shown(records[0].sequence),
                "endSequenceNumber": shown(records[-1].sequence),
                "approximateArrivalOfFirstRecord": _iso(datetime.fromtimestamp(records[0].at, UTC)),
                "approximateArrivalOfLastRecord": _iso(datetime.fromtimestamp(records[-1].at, UTC)),
                "batchSize": len(records),
                "streamArn": mapping.stream_arn,
            },
        }
    ).decode()


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
