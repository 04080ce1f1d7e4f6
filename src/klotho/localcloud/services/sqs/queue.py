"""One queue and its messages, as rows.

Input: drafts, receipt handles. Output: stored, received and settled messages. Every method is one transaction and does
not wait. Times are seconds since 1970. Refuses, in AWS's words, receipt handles it did not make and those of messages
that are no longer in flight.

A message is visible from `visible` on; received, it gets a receipt and is visible again later. In a FIFO queue nothing
of a group is received while any message of it is in flight, or an earlier one is still delayed. A message received
`maxReceiveCount` times moves to the dead letter queue at the next receive, as AWS does it.
"""

from __future__ import annotations

import base64
import binascii
import secrets
import sqlite3
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson

from klotho.localcloud.services.sqs.definition import Definition
from klotho.localcloud.services.sqs.drafts import Draft
from klotho.localcloud.services.sqs.errors import SqsError, invalid

DEDUPLICATION_S = 300.0
"""SQS Developer Guide: "within the 5-minute deduplication interval"."""
_SEQUENCE_START = 10**19
"""Sequence numbers have twenty digits on AWS."""

_READY = """
select * from messages indexed by ready where queue=:queue and visible<=:now and expires>:now
order by visible, id limit :limit
"""
_READY_FIFO = """
select * from messages as m indexed by arrival where queue=:queue and visible<=:now and expires>:now and not exists (
  select 1 from messages as other where other.queue=m.queue and other.grp=m.grp and other.visible>:now
  and other.expires>:now and (other.receipt is not null or other.id<m.id)
) order by id limit :limit
"""
Move = Callable[[sqlite3.Row], bool]


@dataclass(frozen=True, slots=True)
class Stored:
    """What SendMessage answers of."""

    message_id: str
    sequence: str | None


@dataclass(frozen=True, slots=True)
class Received:
    """A message in flight."""

    message_id: str
    receipt: str
    body: str
    attributes: Mapping[str, Any]
    system: Mapping[str, str]
    """`ApproximateReceiveCount`, `SentTimestamp` and the other attributes SQS itself keeps."""


class Queue:
    """A queue. `notify` is called when a message may have become receivable."""

    def __init__(
        self, connection: sqlite3.Connection, number: int, name: str, arn: str, definition: Definition,
        clock: Callable[[], float], notify: Callable[[int], None],
    ) -> None:  # fmt: skip
        self.connection = connection
        self.number = number
        self.name = name
        self.arn = arn
        self.definition = definition
        self._clock = clock
        self._notify = notify

    def send(self, drafts: Iterable[Draft], sender: str) -> list[Stored]:
        """Store messages in this order; durable when it returns."""
        with self.connection:
            self.connection.execute("begin immediate")
            stored = [self._store(item, sender) for item in drafts]
        self._notify(self.number)
        return stored

    def _store(self, item: Draft, sender: str) -> Stored:
        now = self._clock()
        if self.definition.fifo:
            earlier = self.connection.execute(
                "select message_id, sequence from dedups where queue=? and dedup=? and at>?",
                (self.number, item.dedup, now - DEDUPLICATION_S),
            ).fetchone()
            if earlier is not None:
                return Stored(earlier["message_id"], earlier["sequence"])
        delay = self.definition.delay if item.delay is None else item.delay
        message_id = str(uuid.uuid4())
        cursor = self.connection.execute(
            "insert into messages (queue, message_id, body, attributes, grp, dedup, sender, sent, visible, expires) "
            "values (?,?,?,?,?,?,?,?,?,?)",
            (
                self.number, message_id, item.body, orjson.dumps(item.attributes), item.group, item.dedup, sender,
                now, now + delay, now + self.definition.retention,
            ),
        )  # fmt: skip
        if not self.definition.fifo:
            return Stored(message_id, None)
        sequence = str(_SEQUENCE_START + int(cursor.lastrowid or 0))
        self.connection.execute(
            "insert or replace into dedups values (?,?,?,?,?)", (self.number, item.dedup, message_id, sequence, now)
        )
        return Stored(message_id, sequence)

    def receive(self, limit: int, visibility: int, move: Move, max_bytes: int | None = None) -> list[Received]:
        """Take up to `limit` messages for `visibility` seconds.

        `move` gets rows whose receives are used up and says whether it took them to the dead letter queue. At least
        one message is given, whatever `max_bytes` of bodies and attributes says.
        """
        now = self._clock()
        with self.connection:
            self.connection.execute("begin immediate")
            while True:
                rows = self._ready(now, limit)
                kept = [row for row in rows if not (self._used_up(row) and move(row))]
                # What moved away must not hide what stands behind it.
                if kept or not rows:
                    return [self._take(row, now, visibility) for row in _within(kept, max_bytes)]

    def _ready(self, now: float, limit: int) -> list[sqlite3.Row]:
        query = _READY_FIFO if self.definition.fifo else _READY
        parameters = {"queue": self.number, "now": now, "limit": limit}
        return self.connection.execute(query, parameters).fetchall()

    def _used_up(self, row: sqlite3.Row) -> bool:
        return self.definition.dead_letter_arn is not None and row["receives"] >= self.definition.max_receives

    def _take(self, row: sqlite3.Row, now: float, visibility: int) -> Received:
        nonce = secrets.token_hex(8)
        first = row["first_received"] or now
        self.connection.execute(
            "update messages set receives=receives+1, first_received=?, visible=?, receipt=? where id=?",
            (first, now + visibility, nonce, row["id"]),
        )
        handle = base64.urlsafe_b64encode(f"{self.number}:{row['id']}:{nonce}".encode()).decode()
        return Received(row["message_id"], handle, row["body"], orjson.loads(row["attributes"]), _system(row, first))

    def take_over(self, row: sqlite3.Row, source_arn: str) -> None:
        """Take a failed message of another queue, in the running transaction.

        Standard queues go on counting its age, FIFO queues begin anew (SQS Developer Guide, "Message retention
        periods for dead-letter queues").
        """
        now = self._clock()
        since = now if self.definition.fifo else row["sent"]
        self.connection.execute("delete from messages where id=?", (row["id"],))
        self.connection.execute(
            "insert into messages (queue, message_id, body, attributes, grp, dedup, sender, sent, visible, expires, "
            "source) values (?,?,?,?,?,?,?,?,?,?,?)",
            (
                self.number, row["message_id"], row["body"], row["attributes"], row["grp"], row["dedup"],
                row["sender"], row["sent"], now, since + self.definition.retention, source_arn,
            ),
        )  # fmt: skip
        self._notify(self.number)

    def delete(self, handles: Sequence[str]) -> list[SqsError | None]:
        """Delete messages by receipt handle; for each None, or what was wrong with it. Deleting twice is fine."""
        with self.connection:
            self.connection.execute("begin immediate")
            results = [self._attempt(self._delete, handle) for handle in handles]
        if self.definition.fifo:
            self._notify(self.number)  # what waited for these in their groups
        return results

    def _delete(self, handle: str) -> None:
        identity, nonce = self._parsed(handle)
        row = self.connection.execute(
            "select receipt, visible from messages where id=? and queue=?", (identity, self.number)
        ).fetchone()
        if row is None:
            return
        if self.definition.fifo and (row["receipt"] != nonce or row["visible"] <= self._clock()):
            raise invalid(
                f"Value {handle} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired."
            )
        if row["receipt"] == nonce:
            self.connection.execute("delete from messages where id=?", (identity,))

    def change_visibility(self, changes: Sequence[tuple[str, int]]) -> list[SqsError | None]:
        """Hide messages for so many seconds from now on; 0 shows them at once."""
        with self.connection:
            self.connection.execute("begin immediate")
            results = [self._attempt(partial(self._change, seconds), handle) for handle, seconds in changes]
        self._notify(self.number)
        return results

    def _change(self, seconds: int, handle: str) -> None:
        identity, nonce = self._parsed(handle)
        now = self._clock()
        row = self.connection.execute(
            "select 1 from messages where id=? and queue=? and receipt=? and visible>?",
            (identity, self.number, nonce, now),
        ).fetchone()
        if row is None:
            raise SqsError(
                "MessageNotInflight",
                f"Value {handle} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not "
                "available for visibility timeout change.",
            )
        self.connection.execute("update messages set visible=? where id=?", (now + seconds, identity))

    @staticmethod
    def _attempt(act: Callable[[str], None], handle: str) -> SqsError | None:
        try:
            act(handle)
        except SqsError as error:
            return error
        return None

    def _parsed(self, handle: str) -> tuple[int, str]:
        try:
            number, identity, nonce = base64.urlsafe_b64decode(handle.encode()).decode().split(":")
            if int(number) == self.number:
                return int(identity), nonce
        except (binascii.Error, ValueError):
            pass  # answered below, as for the handle of another queue
        raise SqsError("ReceiptHandleIsInvalid", f'The input receipt handle "{handle}" is not a valid receipt handle.')

    def purge(self) -> None:
        with self.connection:
            self.connection.execute("delete from messages where queue=?", (self.number,))

    def counts(self) -> dict[str, str]:
        """The approximate numbers of GetQueueAttributes, which are exact here."""
        row = self.connection.execute(
            "select coalesce(sum(visible<=:now),0), coalesce(sum(visible>:now and receipt is not null),0), "
            "coalesce(sum(visible>:now and receipt is null),0) from messages where queue=:queue and expires>:now",
            {"now": self._clock(), "queue": self.number},
        ).fetchone()
        names = ("", "NotVisible", "Delayed")
        return {f"ApproximateNumberOfMessages{name}": str(count) for name, count in zip(names, row, strict=True)}

    def next_visible(self) -> float | None:
        """Seconds until a hidden message shows; None when none is hidden."""
        now = self._clock()
        row = self.connection.execute(
            "select min(visible) from messages where queue=? and visible>?", (self.number, now)
        ).fetchone()
        return None if row[0] is None else max(0.0, row[0] - now)


def _within(rows: Sequence[sqlite3.Row], max_bytes: int | None) -> Iterator[sqlite3.Row]:
    """The first rows, as far as their bytes go."""
    size = 0
    for count, row in enumerate(rows):
        size += len(row["body"].encode()) + len(row["attributes"]) if max_bytes is not None else 0
        if max_bytes is not None and count and size > max_bytes:
            return
        yield row


def _system(row: sqlite3.Row, first: float) -> dict[str, str]:
    system = {
        "ApproximateReceiveCount": str(row["receives"] + 1),
        "SentTimestamp": _milliseconds(row["sent"]),
        "SenderId": row["sender"],
        "ApproximateFirstReceiveTimestamp": _milliseconds(first),
    }
    if row["dedup"] is not None:
        system |= {"SequenceNumber": str(_SEQUENCE_START + row["id"]), "MessageDeduplicationId": row["dedup"]}
    if row["grp"] is not None:
        system["MessageGroupId"] = row["grp"]
    if row["source"] is not None:
        system["DeadLetterQueueSourceArn"] = row["source"]
    return system


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))
