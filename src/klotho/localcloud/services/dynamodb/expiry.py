"""Time to live: deletes expired items in the background.

Input: the catalog. Output: expired items gone, a few seconds after their time. As on AWS an expired item is still read,
queried and scanned until it is deleted (AWS takes up to a few days and recommends a filter on the attribute), and a
time more than five years in the past is ignored
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html). Refuses nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import time

import orjson

from klotho.localcloud.services.dynamodb import streams
from klotho.localcloud.services.dynamodb.catalog import Catalog
from klotho.localcloud.services.dynamodb.table import Table

_FIVE_YEARS = 5 * 365 * 24 * 3600
_BATCH = 200


class Expiry:
    """A task on the event loop."""

    def __init__(self, catalog: Catalog, seconds: float) -> None:
        self._catalog = catalog
        self._seconds = seconds
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="dynamodb expiry")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _run(self) -> None:
        while True:
            for table in self._catalog.all():
                # A table may be dropped while others are let in.
                while self._catalog.find(table.name) is table and self.sweep(table, int(time.time())) == _BATCH:
                    await asyncio.sleep(0)
            streams.expire(self._catalog.connection, time.time())
            await asyncio.sleep(self._seconds)

    def sweep(self, table: Table, now: int) -> int:
        """Delete one batch of items that expired before `now` (seconds since 1970); how many."""
        if table.ttl is None:
            return 0
        found = table.rows.expired(now - _FIVE_YEARS, now, _BATCH)
        if found:
            with self._catalog.transaction():
                for pk, sk, item in found:
                    table.remove((pk, sk), orjson.loads(item), expired=True)
        return len(found)
