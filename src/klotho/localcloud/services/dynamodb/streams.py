"""The stream of a table: what changed, in order, for 24 hours.

Input: the changes of items, as they are written. Output: records by sequence number. A record is stored in the same
SQLite transaction as the change it tells of, so that neither is ever there without the other. One shard a stream: all
changes are in one order. Refuses nothing: callers have checked.

Source: "Change data capture for DynamoDB Streams", DynamoDB Developer Guide: a write that changes nothing makes no
record; "All data in DynamoDB Streams is subject to a 24-hour lifetime"; deletions by time to live carry a userIdentity.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from klotho.localcloud.services.dynamodb.values import Item, item_size

KEPT_S = 24 * 3600.0
SHARD = "shardId-00000000000000000001-00000000"
SCHEMA = """
create table if not exists streams (
    number integer primary key autoincrement, tbl integer not null unique, view text not null, created real not null
);
create table if not exists stream_records (
    sequence integer primary key autoincrement, stream integer not null, at real not null, record blob not null
);
create index if not exists records_of_stream on stream_records (stream, sequence);
"""
_SEQUENCE_DIGITS = 21
EXPIRED_BY_SERVICE = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}


@dataclass(frozen=True, slots=True)
class Record:
    """One change."""

    sequence: int
    at: float
    """Seconds since 1970."""
    document: Mapping[str, Any]
    """As GetRecords answers it."""


class Stream:
    """A live stream. `listeners` are called when there is something new."""

    def __init__(
        self, connection: sqlite3.Connection, number: int, table_arn: str, view: str, created: float,
        keys: tuple[str, ...],
    ) -> None:  # fmt: skip
        self._connection = connection
        self.number = number
        self.label = label_of(created)
        self.arn = f"{table_arn}/stream/{self.label}"
        self.view = view
        self.created = created
        self._region = table_arn.split(":")[3]
        self._keys = keys
        self.listeners: set[Callable[[], None]] = set()

    def write(self, old: Item | None, new: Item | None, expired: bool = False) -> None:
        """Record a change, in the running transaction; nothing when nothing changed."""
        if old == new:
            return
        whole = new if new is not None else old
        assert whole is not None
        name = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
        now = time.time()
        change: dict[str, Any] = {
            "ApproximateCreationDateTime": int(now),
            "Keys": {key: whole[key] for key in self._keys},
        }
        if new is not None and self.view in ("NEW_IMAGE", "NEW_AND_OLD_IMAGES"):
            change["NewImage"] = new
        if old is not None and self.view in ("OLD_IMAGE", "NEW_AND_OLD_IMAGES"):
            change["OldImage"] = old
        change["SizeBytes"] = sum(
            item_size(change[part]) for part in ("Keys", "NewImage", "OldImage") if part in change
        )
        change["StreamViewType"] = self.view
        record: dict[str, Any] = {
            "eventID": uuid.uuid4().hex,
            "eventName": name,
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": self._region,
            "dynamodb": change,
        }
        if expired:
            record["userIdentity"] = EXPIRED_BY_SERVICE
        self._connection.execute(
            "insert into stream_records (stream, at, record) values (?,?,?)", (self.number, now, orjson.dumps(record))
        )
        if self.listeners:
            # Nothing awaits inside of a transaction, so the loop comes to this when it is committed.
            asyncio.get_running_loop().call_soon(self._notify)

    def _notify(self) -> None:
        for listener in tuple(self.listeners):
            listener()

    def after(self, sequence: int, limit: int, max_bytes: int | None = None) -> list[Record]:
        """Up to `limit` records behind this sequence number, oldest first, at least one whatever their bytes."""
        rows = self._connection.execute(
            "select sequence, at, record from stream_records where stream=? and sequence>? order by sequence limit ?",
            (self.number, sequence, limit),
        ).fetchall()
        found: list[Record] = []
        size = 0
        for number, at, text in rows:
            size += len(text)
            if found and max_bytes is not None and size > max_bytes:
                break
            document = orjson.loads(text)
            document["dynamodb"]["SequenceNumber"] = shown(number)
            found.append(Record(number, at, document))
        return found

    def last(self) -> int:
        """The sequence number of the newest record there ever was; 0 before the first."""
        row = self._connection.execute("select seq from sqlite_sequence where name='stream_records'").fetchone()
        return int(row[0]) if row else 0

    def oldest(self) -> int:
        """The sequence number of the oldest record that is kept; one behind the newest when none is."""
        row = self._connection.execute(
            "select min(sequence) from stream_records where stream=?", (self.number,)
        ).fetchone()
        return int(row[0]) if row[0] is not None else self.last() + 1


def shown(sequence: int) -> str:
    """As AWS writes sequence numbers: digits only, in an order texts have too."""
    return f"1{sequence:0{_SEQUENCE_DIGITS - 1}d}"


def parsed(text: str) -> int | None:
    """The number of a shown one; None for what is none of ours."""
    return int(text[1:]) if len(text) == _SEQUENCE_DIGITS and text.isdecimal() and text[0] == "1" else None


def label_of(moment: float) -> str:
    """`2026-11-20T19:24:05.123`: how a stream's ARN ends."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]


def expire(connection: sqlite3.Connection, now: float) -> None:
    """Delete what is older than 24 hours."""
    connection.execute("delete from stream_records where at<?", (now - KEPT_S,))
