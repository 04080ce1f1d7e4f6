"""The DynamoDB API of the local cloud.

Input: authenticated `ApiCall`s in JSON 1.0, and in-process calls of the resource handler. Output: AWS's answers, with
the `x-amz-crc32` header its SDKs check. Durable in `state/dynamodb.db`.
Refuses by name every operation of DynamoDB that is not in `OPERATIONS` (PartiQL, backups, global tables …).
"""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson

from klotho.localcloud.service import ApiCall, ApiResponse
from klotho.localcloud.services.dynamodb import (
    administration,
    batches,
    queries,
    reads,
    stream_reads,
    transactions,
    writes,
)
from klotho.localcloud.services.dynamodb.catalog import Catalog
from klotho.localcloud.services.dynamodb.errors import DynamoDbError
from klotho.localcloud.services.dynamodb.expiry import Expiry
from klotho.localcloud.services.dynamodb.table import Table

_CONTENT_TYPE = "application/x-amz-json-1.0"
_LOG = logging.getLogger(__name__)

Operation = Callable[[Catalog, dict[str, Any]], dict[str, Any]]
OPERATIONS: Mapping[str, Operation] = {
    "BatchGetItem": batches.batch_get_item,
    "BatchWriteItem": batches.batch_write_item,
    "CreateTable": administration.create_table,
    "DeleteItem": writes.delete_item,
    "DeleteTable": administration.delete_table,
    "DescribeContinuousBackups": administration.describe_continuous_backups,
    "DescribeEndpoints": administration.describe_endpoints,
    "DescribeLimits": administration.describe_limits,
    "DescribeStream": stream_reads.describe_stream,
    "DescribeTable": administration.describe_table,
    "DescribeTimeToLive": administration.describe_time_to_live,
    "GetRecords": stream_reads.get_records,
    "GetShardIterator": stream_reads.get_shard_iterator,
    "GetItem": reads.get_item,
    "ListStreams": stream_reads.list_streams,
    "ListTables": administration.list_tables,
    "ListTagsOfResource": administration.list_tags_of_resource,
    "PutItem": writes.put_item,
    "Query": queries.query,
    "Scan": queries.scan,
    "TagResource": administration.tag_resource,
    "TransactGetItems": transactions.transact_get_items,
    "TransactWriteItems": transactions.transact_write_items,
    "UntagResource": administration.untag_resource,
    "UpdateContinuousBackups": administration.update_continuous_backups,
    "UpdateItem": writes.update_item,
    "UpdateTable": administration.update_table,
    "UpdateTimeToLive": administration.update_time_to_live,
}


class DynamoDb:
    """The service: `call` for requests, `create_table` and its neighbours for the resource handler."""

    name = "dynamodb"

    def __init__(self, state: Path, region: str, account: str, expiry_seconds: float = 5.0) -> None:
        """`state`: the local cloud's folder. `expiry_seconds`: pause between two searches for expired items."""
        self.catalog = Catalog(state / "dynamodb.db", region, account)
        self._expiry = Expiry(self.catalog, expiry_seconds)
        self._backfills: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Begin the upkeep: expiry, and index backfills that a crash or a kill cut short."""
        self._expiry.start()
        for table in self.catalog.all():
            for index, state in table.index_states.items():
                if not state["active"]:
                    self._backfill_soon(table, index)

    async def stop(self) -> None:
        """End the upkeep and close the file; what was acknowledged is stored already."""
        await self._expiry.stop()
        for task in self._backfills:
            task.cancel()
        await asyncio.gather(*self._backfills, return_exceptions=True)
        self.catalog.close()

    async def call(self, call: ApiCall) -> ApiResponse:
        """Answer one request; `call.action` may be the bare name or the whole X-Amz-Target."""
        return self.answer(call.action.rpartition(".")[2], call.body)

    def answer(self, action: str, body: bytes) -> ApiResponse:
        """The same without the envelope, and without waiting: nothing here awaits."""
        try:
            operation = OPERATIONS.get(action)
            if operation is None:
                raise DynamoDbError(
                    "UnknownOperationException", f"DynamoDB {action or '(none)'} is not supported by the local cloud"
                )
            payload = orjson.dumps(operation(self.catalog, _parsed(body)))
            status = 200
        except DynamoDbError as error:
            payload = orjson.dumps({"__type": error.type_name, "message": error.message, **error.extra})
            status = error.status
        if action == "UpdateTable" and status == 200:
            self._fill_new_indexes()
        # The endpoint adds the request id.
        headers = {"content-type": _CONTENT_TYPE, "x-amz-crc32": str(zlib.crc32(payload))}
        return ApiResponse(status, payload, headers)

    # ---- in-process, for the resource handler

    def create_table(
        self, name: str, settings: Mapping[str, Any], tags: Mapping[str, str] | None = None, owner: str = ""
    ) -> Table:
        """Make a table from CreateTable's fields (without name and tags).

        `owner` makes the call idempotent: repeated with the same owner it returns the table made before.
        DynamoDbError: ResourceInUseException for a name taken by another, ValidationException.
        """
        return self.catalog.create(name, settings, tags, owner)

    async def update_table(self, name: str, settings: Mapping[str, Any]) -> None:
        """Make the table's definition this one (all fields, not only changed ones); waits for index backfills."""
        added = administration.redefine(self.catalog, self.catalog.described(name), settings)
        for index in added:
            await self._backfill(self.catalog.described(name), index)

    def delete_table(self, name: str) -> None:
        """Drop the table and its items. DynamoDbError: ResourceNotFoundException, ValidationException if protected."""
        self.catalog.drop(name)

    def find_table(self, name: str) -> Table | None:
        return self.catalog.find(name)

    def set_time_to_live(self, name: str, attribute: str | None) -> None:
        """Expire items by this attribute (seconds since 1970); None turns expiry off."""
        self.catalog.set_ttl(self.catalog.described(name), attribute)

    def set_stream(self, name: str, view: str | None) -> str | None:
        """Record the table's changes with these images, or no more (None); the stream's ARN."""
        table = self.catalog.described(name)
        self.catalog.set_stream(table, view)
        return table.stream.arn if table.stream is not None else None

    def set_recovery(self, name: str, recovery: Mapping[str, Any]) -> None:
        """Record the point-in-time recovery setting (no backup is made on this machine)."""
        self.catalog.set_recovery(self.catalog.described(name), recovery)

    def set_tags(self, name: str, tags: Mapping[str, str]) -> None:
        self.catalog.set_tags(self.catalog.described(name), tags)

    # ---- index backfills

    def _fill_new_indexes(self) -> None:
        for table in self.catalog.all():
            for index, state in table.index_states.items():
                if not state["active"]:
                    self._backfill_soon(table, index)

    def _backfill_soon(self, table: Table, index: str) -> None:
        name = f"backfill {table.name}/{index}"
        if any(task.get_name() == name for task in self._backfills):
            return
        task = asyncio.get_running_loop().create_task(self._backfill(table, index), name=name)
        self._backfills.add(task)
        task.add_done_callback(self._backfill_done)

    def _backfill_done(self, task: asyncio.Task[None]) -> None:
        self._backfills.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _LOG.warning("%s: %s", task.get_name(), error)

    async def _backfill(self, table: Table, index: str) -> None:
        """Fill the index batch by batch; each batch is one transaction and lets requests in after it."""
        batches_left = table.backfill(index)
        # The table or the index may be dropped while others are let in; then nothing is left to fill.
        while self.catalog.find(table.name) is table and index in table.index_states:
            with self.catalog.transaction():
                done = next(batches_left, _DONE) is _DONE
            if done:
                self.catalog.activate(table, index)
                return
            await asyncio.sleep(0)


_DONE = object()


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise DynamoDbError("SerializationException", f"the request body is not JSON: {error}") from None
    if not isinstance(request, dict):
        raise DynamoDbError("SerializationException", "Start of structure or map expected")
    return request
