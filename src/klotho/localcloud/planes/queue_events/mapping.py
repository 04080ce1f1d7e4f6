"""An event source mapping, the event a function gets, and what its answer says.

Input: the record of an `AWS::Lambda::EventSourceMapping` on an SQS queue; messages; a function's answer. Output: a
typed `Mapping`, the event as AWS writes it, and the messages that failed. Refuses nothing itself: the handler has
checked the properties before. Sources: AWS Lambda Developer Guide, "Using Lambda with Amazon SQS" (event), "Handling
errors for an SQS event source in Lambda" (which answers mean success and failure).
"""

from __future__ import annotations

from collections.abc import Mapping as ReadOnly
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from klotho.localcloud.handler import Record, application_of
from klotho.localcloud.planes.functions.model import construct_of, name_of
from klotho.localcloud.services.sqs.drafts import attributes_digest, body_digest
from klotho.localcloud.services.sqs.queue import Received

DEFAULT_BATCH = 10
PARTIAL = "ReportBatchItemFailures"


@dataclass(frozen=True, slots=True)
class Mapping:
    """One mapping as it is to run now."""

    identifier: str
    construct: str
    application: str | None
    queue_arn: str
    function: str
    """The function's name."""
    batch: int
    window_s: int
    partial: bool
    """Whether the function says which messages failed."""
    concurrency: int | None
    """The most calls at once; None for the plane's own limit."""
    enabled: bool


def mapping_of(record: Record) -> Mapping:
    """The mapping this record describes."""
    properties = record.properties
    most = (properties.get("ScalingConfig") or {}).get("MaximumConcurrency")
    return Mapping(
        identifier=record.identifier,
        construct=construct_of(record),
        application=application_of(record),
        queue_arn=str(properties["EventSourceArn"]),
        function=name_of(str(properties["FunctionName"])),
        batch=int(properties.get("BatchSize", DEFAULT_BATCH)),
        window_s=int(properties.get("MaximumBatchingWindowInSeconds", 0)),
        partial=PARTIAL in (properties.get("FunctionResponseTypes") or ()),
        concurrency=None if most is None else int(most),
        enabled=str(properties.get("Enabled", True)).lower() == "true",
    )


def event_of(messages: Sequence[Received], queue_arn: str, region: str) -> bytes:
    """The event, as JSON."""
    return orjson.dumps({"Records": [_record(item, queue_arn, region) for item in messages]})


def _record(item: Received, queue_arn: str, region: str) -> dict[str, Any]:
    record: dict[str, Any] = {
        "messageId": item.message_id,
        "receiptHandle": item.receipt,
        "body": item.body,
        "attributes": dict(item.system),
        "messageAttributes": {name: _attribute(value) for name, value in item.attributes.items()},
        "md5OfBody": body_digest(item.body),
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": region,
    }
    if item.attributes:
        record["md5OfMessageAttributes"] = attributes_digest(item.attributes)
    return record


def _attribute(value: ReadOnly[str, str]) -> dict[str, Any]:
    content = {"binaryValue": value["BinaryValue"]} if "BinaryValue" in value else {"stringValue": value["StringValue"]}
    return {**content, "stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}


def failed_ids(answer: bytes, sent: Sequence[str]) -> tuple[frozenset[str], str | None]:
    """The ids of messages that failed, and what was wrong with the answer if that made all of them fail.

    No answer, an empty object and an empty or missing `batchItemFailures` mean that all succeeded; an answer that is
    no object, or names something that was not sent, that all failed.
    """
    everything = frozenset(sent)
    try:
        document = orjson.loads(answer) if answer else None
    except orjson.JSONDecodeError:
        return everything, "the function's answer is no JSON"
    if document is None:
        return frozenset(), None
    if not isinstance(document, dict):
        return everything, 'the function\'s answer is neither nothing nor {"batchItemFailures": […]}'
    failures = document.get("batchItemFailures") or []
    if not isinstance(failures, list):
        return everything, "batchItemFailures in the function's answer is no list"
    found = [item.get("itemIdentifier") if isinstance(item, dict) else None for item in failures]
    for identifier in found:
        if identifier not in everything:
            shown = orjson.dumps(identifier, default=str).decode()
            return everything, f"the function's answer names itemIdentifier {shown}, which was not sent"
    return frozenset(str(identifier) for identifier in found), None
