"""The DynamoDB Streams API: ListStreams, DescribeStream, GetShardIterator, GetRecords.

Input: a request. Output: AWS's answer. Refuses, in AWS's words, streams that do not exist, shards and sequence numbers
that are none, iterators older than 15 minutes, and places that were trimmed. Source: Amazon DynamoDB Streams API
reference ("A shard iterator … expires 15 minutes after it is retrieved", "GetRecords … up to 1 MB of data or 1000").
"""

from __future__ import annotations

import base64
import binascii
import time
from typing import Any

import orjson

from klotho.localcloud.services.dynamodb import parameters
from klotho.localcloud.services.dynamodb.catalog import Catalog
from klotho.localcloud.services.dynamodb.errors import DynamoDbError, table_missing, validation
from klotho.localcloud.services.dynamodb.parameters import Request
from klotho.localcloud.services.dynamodb.streams import SHARD, Stream, parsed, shown

ITERATOR_S = 15 * 60.0
_MAX_RECORDS = 1000
_MAX_BYTES = 1024 * 1024
_TYPES = ("AFTER_SEQUENCE_NUMBER", "AT_SEQUENCE_NUMBER", "LATEST", "TRIM_HORIZON")


def list_streams(catalog: Catalog, request: Request) -> dict[str, Any]:
    _admit(request, "TableName", "Limit", "ExclusiveStartStreamArn")
    limit = parameters.integer(request, "Limit", 1, 100) or 100
    wanted, after = request.get("TableName"), str(request.get("ExclusiveStartStreamArn") or "")
    found = [table for table in catalog.all() if table.stream is not None and wanted in (None, table.name)]
    listed = [
        {"StreamArn": table.stream.arn, "StreamLabel": table.stream.label, "TableName": table.name}
        for table in found
        if table.stream is not None and table.stream.arn > after
    ]
    answer: dict[str, Any] = {"Streams": listed[:limit]}
    if len(listed) > limit:
        answer["LastEvaluatedStreamArn"] = listed[limit - 1]["StreamArn"]
    return answer


def describe_stream(catalog: Catalog, request: Request) -> dict[str, Any]:
    _admit(request, "StreamArn", "Limit", "ExclusiveStartShardId")
    stream = _stream(catalog, request)
    name = stream.arn.partition("/stream/")[0].rpartition("/")[2]
    shard = {"ShardId": SHARD, "SequenceNumberRange": {"StartingSequenceNumber": shown(stream.oldest())}}
    return {
        "StreamDescription": {
            "StreamArn": stream.arn,
            "StreamLabel": stream.label,
            "StreamStatus": "ENABLED",
            "StreamViewType": stream.view,
            "CreationRequestDateTime": round(stream.created, 3),
            "TableName": name,
            "KeySchema": catalog.described(name).definition.settings["KeySchema"],
            "Shards": [] if request.get("ExclusiveStartShardId") == SHARD else [shard],
        }
    }


def get_shard_iterator(catalog: Catalog, request: Request) -> dict[str, Any]:
    _admit(request, "StreamArn", "ShardId", "ShardIteratorType", "SequenceNumber")
    stream = _stream(catalog, request)
    if request.get("ShardId") != SHARD:
        raise table_missing(f"Shard does not exist: {request.get('ShardId')}")
    kind = parameters.one_of(request, "ShardIteratorType", _TYPES)
    if kind is None:
        raise validation("ShardIteratorType is required")
    return {"ShardIterator": _iterator(stream, _start(stream, kind, request.get("SequenceNumber")))}


def _start(stream: Stream, kind: str, given: Any) -> int:
    """The sequence number behind which reading begins."""
    if kind == "LATEST":
        return stream.last()
    if kind == "TRIM_HORIZON":
        return stream.oldest() - 1
    number = parsed(given) if isinstance(given, str) else None
    if number is None:
        raise validation("Invalid SequenceNumber for the shard iterator type")
    start = number - 1 if kind == "AT_SEQUENCE_NUMBER" else number
    if start < stream.oldest() - 1:
        raise DynamoDbError("TrimmedDataAccessException", "The sequence number is beyond the trim horizon of the shard")
    return start


def get_records(catalog: Catalog, request: Request) -> dict[str, Any]:
    _admit(request, "ShardIterator", "Limit")
    arn, after, made = _opened(request.get("ShardIterator"))
    if time.time() - made > ITERATOR_S:
        raise DynamoDbError("ExpiredIteratorException", "Iterator expired.")
    stream = catalog.find_stream(arn)
    if stream is None:
        raise table_missing(f"Stream: {arn} not found")
    limit = parameters.integer(request, "Limit", 1, _MAX_RECORDS) or _MAX_RECORDS
    records = stream.after(after, limit, _MAX_BYTES)
    last = records[-1].sequence if records else after
    return {"Records": [item.document for item in records], "NextShardIterator": _iterator(stream, last)}


def stream_of_iterator(text: Any) -> str:
    """The ARN of the stream an iterator reads; empty for what is none."""
    try:
        return _opened(text)[0]
    except DynamoDbError:
        return ""


def _iterator(stream: Stream, after: int) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([stream.arn, after, time.time()])).decode()


def _opened(text: Any) -> tuple[str, int, float]:
    try:
        arn, after, made = orjson.loads(base64.urlsafe_b64decode(str(text).encode()))
        return str(arn), int(after), float(made)
    except (binascii.Error, ValueError, TypeError):
        raise validation("Invalid ShardIterator") from None


def _stream(catalog: Catalog, request: Request) -> Stream:
    arn = request.get("StreamArn")
    stream = catalog.find_stream(arn) if isinstance(arn, str) else None
    if stream is None:
        raise table_missing(f"Stream: {arn} not found")
    return stream


def _admit(request: Request, *allowed: str) -> None:
    for name in sorted(request):
        if name not in allowed:
            raise validation(f"The parameter {name} is not supported by the local cloud")
