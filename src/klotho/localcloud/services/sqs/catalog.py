"""The queues that exist, in one SQLite file: made, changed, found and dropped.

Input: queue settings. Output: `Queue` objects in step with the file. Write-ahead logging with synchronous=normal: what
was acknowledged survives a kill of the process at any moment; a power cut may lose the last commits but never tears
the file. Refuses a file from a newer Klotho, and a second queue of one name.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson

from klotho.localcloud.services.sqs.definition import define, may_redrive, policy
from klotho.localcloud.services.sqs.errors import SqsError, no_queue
from klotho.localcloud.services.sqs.queue import DEDUPLICATION_S, Queue, Received

FORMAT = 1
PURGE_PAUSE_S = 60.0
"""PurgeQueue: "within the last 60 seconds", PurgeQueueInProgress."""
_SCHEMA = """
create table if not exists queues (
    number integer primary key autoincrement, name text not null unique, owner text not null, settings text not null,
    tags text not null, created real not null, modified real not null, purged real not null default 0
);
create table if not exists messages (
    id integer primary key autoincrement, queue integer not null, message_id text not null, body text not null,
    attributes blob not null, grp text, dedup text, sender text not null, sent real not null, visible real not null,
    expires real not null, receives integer not null default 0, first_received real, receipt text, source text
);
create index if not exists ready on messages (queue, visible, id);
create index if not exists arrival on messages (queue, id);
create index if not exists groups on messages (queue, grp, visible) where grp is not null;
create table if not exists dedups (
    queue integer not null, dedup text not null, message_id text not null, sequence text not null, at real not null,
    primary key (queue, dedup)
);
"""


class Catalog:
    """All queues of one account and region. Used from one thread."""

    def __init__(
        self, path: Path, region: str, account: str, endpoint_url: str, clock: Callable[[], float] = time.time
    ) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.region = region
        self.account = account
        self._endpoint_url = endpoint_url
        self._clock = clock
        self._waiting: dict[int, set[asyncio.Future[None]]] = {}
        self.connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
        self.connection.row_factory = sqlite3.Row
        self.connection.execute("pragma journal_mode=wal")
        self.connection.execute("pragma synchronous=normal")
        found = int(self.connection.execute("pragma user_version").fetchone()[0])
        if found > FORMAT:
            self.connection.close()
            raise RuntimeError(f"{path} has data format {found}, this Klotho reads up to {FORMAT}")
        self.connection.executescript(_SCHEMA)
        self.connection.execute(f"pragma user_version={FORMAT}")
        self._queues = {row["name"]: self._made(row) for row in self.connection.execute("select * from queues")}

    def _made(self, row: sqlite3.Row) -> Queue:
        definition = define(row["name"], orjson.loads(row["settings"]))
        arn = self.arn(row["name"])
        return Queue(self.connection, row["number"], row["name"], arn, definition, self._clock, self._notify)

    def close(self) -> None:
        self.connection.close()

    # ---- finding

    def arn(self, name: str) -> str:
        return f"arn:aws:sqs:{self.region}:{self.account}:{name}"

    def url(self, queue: Queue) -> str:
        """On the local endpoint; the account and the name are its path, as on AWS."""
        return f"{self._endpoint_url}/{self.account}/{queue.name}"

    def find(self, name: str) -> Queue | None:
        """The queue by name, URL or ARN."""
        return self._queues.get(name.rpartition(":")[2] if name.startswith("arn:") else name.rpartition("/")[2])

    def queue(self, name: str) -> Queue:
        """The same; SqsError QueueDoesNotExist."""
        found = self.find(name)
        if found is None:
            raise no_queue()
        return found

    def names(self) -> list[str]:
        return sorted(self._queues)

    def sources(self, queue: Queue) -> list[Queue]:
        """The queues whose dead letter queue this is."""
        return [item for _, item in sorted(self._queues.items()) if item.definition.dead_letter_arn == queue.arn]

    def tags(self, queue: Queue) -> dict[str, str]:
        row = self.connection.execute("select tags from queues where number=?", (queue.number,)).fetchone()
        found: dict[str, str] = orjson.loads(row["tags"])
        return found

    def times(self, queue: Queue) -> tuple[float, float]:
        """When it was made and last changed."""
        row = self.connection.execute("select created, modified from queues where number=?", (queue.number,)).fetchone()
        return row["created"], row["modified"]

    # ---- changing

    def create(self, name: str, settings: Mapping[str, Any], tags: Mapping[str, str], owner: str) -> Queue:
        """Make a queue; the same `owner` gets the queue it made before. SqsError QueueNameExists."""
        definition = define(name, settings)
        existing = self.connection.execute("select owner from queues where name=?", (name,)).fetchone()
        if existing is not None and existing["owner"] == owner:
            return self._queues[name]
        if existing is not None:
            raise SqsError("QueueNameExists", f"A queue already exists with the same name: {name}")
        self._check_dead_letter(self.arn(name), definition.dead_letter_arn, definition.fifo)
        now = self._clock()
        self.connection.execute(
            "insert into queues (name, owner, settings, tags, created, modified) values (?,?,?,?,?,?)",
            (name, owner, _json(definition.settings), _json(tags), now, now),
        )
        row = self.connection.execute("select * from queues where name=?", (name,)).fetchone()
        self._queues[name] = self._made(row)
        return self._queues[name]

    def change(self, queue: Queue, settings: Mapping[str, Any], tags: Mapping[str, str]) -> None:
        """Make the queue's settings and tags these; messages stay as they are."""
        definition = define(queue.name, settings)
        self._check_dead_letter(queue.arn, definition.dead_letter_arn, definition.fifo)
        self.connection.execute(
            "update queues set settings=?, tags=?, modified=? where number=?",
            (_json(definition.settings), _json(tags), self._clock(), queue.number),
        )
        queue.definition = definition
        self._notify(queue.number)

    def set_tags(self, queue: Queue, tags: Mapping[str, str]) -> None:
        self.connection.execute("update queues set tags=? where number=?", (_json(tags), queue.number))

    def drop(self, queue: Queue) -> None:
        """Delete the queue with everything in it."""
        with self.connection:
            self.connection.execute("begin immediate")
            for table in ("messages", "dedups"):
                self.connection.execute(f"delete from {table} where queue=?", (queue.number,))
            self.connection.execute("delete from queues where number=?", (queue.number,))
        del self._queues[queue.name]
        self._notify(queue.number)

    def purge(self, queue: Queue) -> None:
        """Delete all messages. SqsError PurgeQueueInProgress when that was done less than a minute ago."""
        now = self._clock()
        row = self.connection.execute("select purged from queues where number=?", (queue.number,)).fetchone()
        if now - row["purged"] < PURGE_PAUSE_S:
            message = f"Only one PurgeQueue operation on {queue.name} is allowed every 60 seconds."
            raise SqsError("PurgeQueueInProgress", message, 403)
        queue.purge()
        self.connection.execute("update queues set purged=? where number=?", (now, queue.number))

    def expire(self) -> None:
        """Delete messages whose retention is over, and deduplication ids whose interval is."""
        now = self._clock()
        self.connection.execute("delete from messages where expires<=?", (now,))
        self.connection.execute("delete from dedups where at<=?", (now - DEDUPLICATION_S,))

    def _check_dead_letter(self, arn: str, target_arn: str | None, fifo: bool) -> None:
        if target_arn is None:
            return
        target, reason = self.find(target_arn), None
        if target is None or target.arn != target_arn:
            reason = "Dead letter target does not exist."
        elif target.definition.fifo != fifo:
            reason = "Dead-letter queue must be same type of queue as the source."
        elif not may_redrive(
            policy("RedriveAllowPolicy", target.definition.settings.get("RedriveAllowPolicy", {})), arn
        ):
            reason = "The dead-letter queue's RedriveAllowPolicy does not allow this source queue."
        if reason is not None:
            message = f"Value for parameter RedrivePolicy is invalid. Reason: {reason}"
            raise SqsError("InvalidParameterValue", message)

    # ---- receiving

    def receive(
        self, queue: Queue, limit: int, visibility: int | None = None, max_bytes: int | None = None
    ) -> list[Received]:
        """Up to `limit` messages now; those that failed too often go to the dead letter queue instead."""

        def move(row: sqlite3.Row) -> bool:
            target = self.find(queue.definition.dead_letter_arn or "")
            if target is None:
                return False  # a dead letter queue that is gone keeps nothing back, as on AWS
            target.take_over(row, queue.arn)
            return True

        seconds = queue.definition.visibility if visibility is None else visibility
        return queue.receive(limit, seconds, move, max_bytes)

    async def wait(self, queue: Queue, seconds: float) -> None:
        """Until a message may have become receivable, at most so long."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(queue.number, set())
        waiting.add(future)
        shows = queue.next_visible()
        try:
            async with asyncio.timeout(seconds if shows is None else min(seconds, shows + 0.001)):
                await future
        except TimeoutError:
            pass  # time is up, or a hidden message shows: the caller looks either way
        finally:
            waiting.discard(future)

    def _notify(self, number: int) -> None:
        for future in self._waiting.get(number, ()):
            if not future.done():
                future.set_result(None)


def _json(value: Any) -> str:
    return orjson.dumps(dict(value)).decode()
