"""The table events plane: pollers that call functions with the changes of tables, in order.

Input: the records of `AWS::Lambda::EventSourceMapping` on streams. Output: invocations with batches of records. One
batch of a mapping runs at a time, so that the order of changes is kept; a batch that fails is tried again, in halves if
the mapping bisects, until it succeeds, its retries are used up or its records expire; what is given up goes to the
destination, and the function's log says so. Where a mapping stands is stored after each batch: a kill -9 loses nothing,
and may repeat the batch that was under way. Refuses nothing itself.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from klotho.localcloud.handler import Record as Resource
from klotho.localcloud.permissions.evaluate import Need, decide
from klotho.localcloud.permissions.roles import Roles
from klotho.localcloud.planes.dead_letters import DeadLetters
from klotho.localcloud.planes.table_events.mapping import Mapping, discarded, event_of, first_failed, mapping_of
from klotho.localcloud.service import ApiError
from klotho.localcloud.services.dynamodb.streams import Record, Stream
from klotho.localcloud.status import State, UnitStatus

if TYPE_CHECKING:
    from klotho.localcloud.cloud import Cloud

BACKOFF_S = (0.5, 60.0)
"""The pause after the first failure of a batch, doubled with each further one, and the longest."""
_BATCH_BYTES = 5 * 1024 * 1024
"""AWS invokes at the latest when the payload reaches 6 MB; the rest is for the envelope."""
_LOOK_S = 20.0
_AGAIN_S = 0.2
_TABLE = """
create table if not exists stream_positions (
    mapping text primary key, stream text not null, after integer not null, attempts integer not null
)
"""
_log = logging.getLogger("klotho.localcloud.table_events")


class Position(NamedTuple):
    """Where a mapping stands."""

    after: int
    """The sequence number of the last record that is done with."""
    attempts: int
    """How often the batch behind it has failed."""


class TableEvents:
    """Pollers by mapping. Used from the supervisor's event loop only."""

    def __init__(self, cloud: Cloud, backoff_s: tuple[float, float] = BACKOFF_S) -> None:
        """`backoff_s`: first and longest pause after a failure."""
        self._cloud = cloud
        self._backoff_s = backoff_s
        self._pollers: dict[str, Poller] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._roles = Roles(cloud.world, cloud.account)
        self.dead_letters = DeadLetters(cloud)
        cloud.database.connection.execute(_TABLE)

    async def start(self) -> None:
        """Nothing to start: pollers come by `put`."""

    async def stop(self) -> None:
        """Stop polling; the batch under way is cut off and delivered again."""
        for poller in self._pollers.values():
            self._let_go(poller)
        self._pollers.clear()
        await asyncio.gather(*self._leaving)

    def put(self, record: Resource) -> None:
        """Poll as this record says from now on; a new mapping begins where it says, another goes on where it stood."""
        self.suspend(record.identifier)
        mapping = mapping_of(record)
        stream = self._cloud.tables.catalog.find_stream(mapping.stream_arn)
        if stream is not None and self._position(mapping) is None:
            self._store(mapping, Position(stream.oldest() - 1 if mapping.from_start else stream.last(), 0))
        self._pollers[record.identifier] = Poller(self, self._cloud, mapping, self._backoff_s)

    def remove(self, identifier: str) -> None:
        """Stop polling for the mapping and forget where it stood; removing an unknown one is fine."""
        self.suspend(identifier)
        with self._cloud.database.transaction() as connection:
            connection.execute("delete from stream_positions where mapping=?", (identifier,))

    def suspend(self, identifier: str) -> None:
        """Stop polling until it is put again."""
        poller = self._pollers.pop(identifier, None)
        if poller is not None:
            self._let_go(poller)

    def get(self, identifier: str) -> Mapping | None:
        poller = self._pollers.get(identifier)
        return None if poller is None else poller.mapping

    def status(self) -> list[UnitStatus]:
        return [poller.status() for _, poller in sorted(self._pollers.items())]

    def position(self, mapping: Mapping, stream: Stream) -> Position:
        """Where the mapping stands in this stream."""
        found = self._position(mapping)
        if found is None:
            found = Position(stream.oldest() - 1 if mapping.from_start else stream.last(), 0)
            self._store(mapping, found)
        return found

    def _position(self, mapping: Mapping) -> Position | None:
        row = self._cloud.database.connection.execute(
            "select after, attempts from stream_positions where mapping=? and stream=?",
            (mapping.identifier, mapping.stream_arn),
        ).fetchone()
        return None if row is None else Position(row["after"], row["attempts"])

    def _store(self, mapping: Mapping, position: Position) -> None:
        with self._cloud.database.transaction() as connection:
            connection.execute(
                "insert or replace into stream_positions values (?,?,?,?)",
                (mapping.identifier, mapping.stream_arn, position.after, position.attempts),
            )

    move = _store

    def may(self, role_arn: str | None, action: str, resource: str) -> bool:
        """Whether the deployed policies grant this to a function's role."""
        return role_arn is not None and decide(self._roles.grants(role_arn), Need(action, resource), {}).allowed

    def _let_go(self, poller: Poller) -> None:
        task = asyncio.get_running_loop().create_task(poller.stop())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)


class Poller:
    """Takes batches from one stream and gives them to one function, one after the other."""

    def __init__(self, plane: TableEvents, cloud: Cloud, mapping: Mapping, backoff_s: tuple[float, float]) -> None:
        self._plane = plane
        self._cloud = cloud
        self.mapping = mapping
        self._backoff_s = backoff_s
        self._changed = asyncio.Event()
        self._busy = False
        self._part: tuple[int, int] | None = None
        """While a failed batch is bisected: its last sequence number, and how many records to try at once."""
        self._stream: Stream | None = None
        self._task: asyncio.Task[None] | None = None
        if mapping.enabled:
            self._task = asyncio.get_running_loop().create_task(self._poll(), name=f"poll for {mapping.function}")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._stream is not None:
            self._stream.listeners.discard(self._changed.set)

    def status(self) -> UnitStatus:
        state: State = "stopped" if self._task is None else "running" if self._busy else "idle"
        detail = f"follows the changes of {self.mapping.table}"
        return UnitStatus(
            self.mapping.construct, "consumer", state, detail=detail, application=self.mapping.application
        )

    async def _poll(self) -> None:
        while True:
            try:
                await self._next_batch()
            except Exception:  # a poller that ended silently would leave the stream unread
                _log.exception("polling for %s failed", self.mapping.function)
                await asyncio.sleep(1)

    async def _next_batch(self) -> None:
        stream = self._ready()
        if stream is None:
            await asyncio.sleep(_AGAIN_S)
            return
        self._changed.clear()
        position = self._plane.position(self.mapping, stream)
        records = await self._collect(stream, position)
        if not records:
            await self._wait(_LOOK_S)
            return
        self._busy = True
        try:
            await self._handle(records, position)
        finally:
            self._busy = False

    def _ready(self) -> Stream | None:
        """The stream, once it and the function are there: after a restart others may be brought back first."""
        stream = self._cloud.tables.catalog.find_stream(self.mapping.stream_arn)
        try:
            self._cloud.functions.get(self.mapping.function)
        except ApiError:
            return None
        if stream is not self._stream:
            if self._stream is not None:
                self._stream.listeners.discard(self._changed.set)
            self._stream = stream
            if stream is not None:
                stream.listeners.add(self._changed.set)
        return stream

    async def _collect(self, stream: Stream, position: Position) -> list[Record]:
        """A batch: what is there, or what comes within the window; a part of one that failed before."""
        if self._part is not None and position.after >= self._part[0]:
            self._part = None
        size = self.mapping.batch if self._part is None else self._part[1]
        records = stream.after(position.after, size, _BATCH_BYTES)
        deadline = time.monotonic() + (self.mapping.window_s if position.attempts == 0 else 0)
        while 0 < len(records) < size and self._part is None and (left := deadline - time.monotonic()) > 0:
            self._changed.clear()
            await self._wait(left)
            before, records = len(records), stream.after(position.after, size, _BATCH_BYTES)
            if len(records) == before and self._changed.is_set():
                break  # as many bytes as one call takes
        return records

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return

    async def _handle(self, records: Sequence[Record], position: Position) -> None:
        mapping = self.mapping
        fresh = self._not_too_old(records)
        if len(fresh) < len(records):
            old = records[: len(records) - len(fresh)]
            self._discard(old, "RecordAgeExceeded", position.attempts)
            self._plane.move(mapping, Position(old[-1].sequence, 0))
            return
        try:
            result = await self._cloud.functions.invoke(mapping.function, event_of(records, mapping.stream_arn))
        except ApiError as error:
            if error.status == 413:
                await self._failed(records, position, records[0], error.message)
                return
            await asyncio.sleep(1)  # throttled, or not there at the moment: no attempt
            return
        if result.error is not None:
            await self._failed(records, position, records[0], None)  # the function's own log says why
            return
        failed, problem = first_failed(result.payload, records) if mapping.partial else (None, None)
        if failed is not None:
            await self._failed(records, position, failed, problem)
            return
        self._plane.move(mapping, Position(records[-1].sequence, 0))

    def _not_too_old(self, records: Sequence[Record]) -> Sequence[Record]:
        if self.mapping.max_age_s < 0:
            return records
        oldest = time.time() - self.mapping.max_age_s
        return [item for item in records if item.at >= oldest]

    async def _failed(self, records: Sequence[Record], position: Position, first: Record, problem: str | None) -> None:
        """Go on at the first record that failed: later, with a part of the batch, or without it."""
        mapping = self.mapping
        if problem is not None:
            self._log_line(f"a batch of {len(records)} changes of {mapping.table} counts as failed: {problem}")
        rest = [item for item in records if item.sequence >= first.sequence]
        attempts = position.attempts + 1 if first is records[0] else 1
        if mapping.bisects and len(rest) > 1:
            # AWS: splitting does not count as a retry.
            self._part = (rest[-1].sequence, max(1, len(rest) // 2))
            attempts = min(attempts, 1)
        elif 0 <= mapping.retries < attempts:
            self._discard(rest, "RetryAttemptsExhausted", attempts)
            self._plane.move(mapping, Position(rest[-1].sequence, 0))
            return
        self._plane.move(mapping, Position(first.sequence - 1, attempts))
        await asyncio.sleep(min(self._backoff_s[1], self._backoff_s[0] * 2 ** min(attempts - 1, 20)))

    def _discard(self, records: Sequence[Record], why: str, attempts: int) -> None:
        mapping = self.mapping
        line = f"{len(records)} changes of {mapping.table} are given up ({why})"
        if mapping.destination is None:
            self._log_line(f"{line}: nobody is told, for there is no dead letter queue")
            return
        problem = self._tell(mapping.destination, records, why, attempts)
        self._log_line(f"{line}: {problem or f'told to {mapping.destination}'}")

    def _tell(self, destination: str, records: Sequence[Record], why: str, attempts: int) -> str | None:
        """Send to the destination under the function's role; what went wrong."""
        spec = self._cloud.functions.get(self.mapping.function)
        body = discarded(self.mapping, spec.arn, records, why, attempts)
        return self._plane.dead_letters.send(spec.role_arn, destination, body, {})

    def _log_line(self, text: str) -> None:
        """Where the developer looks: the function's log."""
        try:
            group = self._cloud.functions.get(self.mapping.function).log_group
        except ApiError:
            group = f"/aws/lambda/{self.mapping.function}"
        self._cloud.logs.write(group, "table-events", text)
