"""One table: its definition, its rows and the rules that keep index entries and expiry times right.

Input: checked items. Output: stored items. Refuses items whose index keys have the wrong type, in AWS's words.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from klotho.localcloud.services.dynamodb.definition import Definition, Index
from klotho.localcloud.services.dynamodb.errors import validation
from klotho.localcloud.services.dynamodb.keys import Key
from klotho.localcloud.services.dynamodb.rows import Rows
from klotho.localcloud.services.dynamodb.streams import Stream
from klotho.localcloud.services.dynamodb.values import Item

BATCH = 1000
"""Rows a backfill handles before it lets other requests in."""


class Table:
    """A live table. Its fields change only through `Catalog`."""

    def __init__(
        self,
        *,
        connection: sqlite3.Connection,
        arn: str,
        number: int,
        owner: str,
        definition: Definition,
        index_states: dict[str, dict[str, Any]],
        ttl: str | None,
        recovery: Mapping[str, Any],
        tags: Mapping[str, str],
        created: float,
        uuid: str,
    ) -> None:
        self.arn = arn
        self.number = number
        self.owner = owner
        self.name = definition.name
        self.ttl = ttl
        self.recovery = dict(recovery)
        self.tags = dict(tags)
        self.created = created
        self.uuid = uuid
        self.rows = Rows(connection, number)
        self.stream: Stream | None = None
        self.adopt(definition, index_states)

    def adopt(self, definition: Definition, index_states: dict[str, dict[str, Any]]) -> None:
        self.definition = definition
        self.index_states = index_states
        self.schema = definition.schema
        self.indexes: list[tuple[int, Index]] = [
            (index_states[name]["number"], index) for name, index in definition.indexes.items()
        ]

    @property
    def needs_old(self) -> bool:
        """Whether a write must know what it replaces, and changes more than one row."""
        return bool(self.indexes) or self.stream is not None

    # ---- reading

    def readable_index(self, name: str) -> tuple[int, Index]:
        """An index by name; ValidationException for one that does not exist or is still filled."""
        index = self.definition.indexes.get(name)
        if index is None:
            raise validation(f"The table does not have the specified index: {name}")
        state = self.index_states[name]
        if not state["active"]:
            raise validation(f"Cannot read from backfilling global secondary index: {name}")
        return state["number"], index

    def load(self, key: Key) -> Item | None:
        """A private copy of an item."""
        row = self.rows.get(key)
        if row is None:
            return None
        item: Item = orjson.loads(row[0])
        return item

    # ---- writing

    def check_index_keys(self, item: Item) -> None:
        for _, index in self.indexes:
            index.schema.of_index(item, index.name, strict=True)

    def store(self, key: Key, item: Item, size: int, old: Item | None) -> None:
        """Write an item; `old` is what it replaces (needed only where the table has indexes or a stream)."""
        self.rows.put(key, item, size, self.expiry(item))
        if self.stream is not None:
            self.stream.write(old, item)
        if self.indexes:
            self.rows.reindex(key, self._places(old), self._places(item))

    def remove(self, key: Key, old: Item, expired: bool = False) -> None:
        """Delete an item; `expired`: because its time to live is over."""
        if self.stream is not None:
            self.stream.write(old, None, expired)
        if self.indexes:
            nowhere: dict[int, Key | None] = {number: None for number, _ in self.indexes}
            self.rows.reindex(key, self._places(old), nowhere)
        self.rows.delete(key)

    def _places(self, item: Item | None) -> dict[int, Key | None]:
        if item is None:
            return {number: None for number, _ in self.indexes}
        return {number: index.schema.of_index(item, index.name, strict=False) for number, index in self.indexes}

    # ---- upkeep

    def expiry(self, item: Item) -> int | None:
        """Seconds since 1970 after which the item may be deleted, None without a number in the TTL attribute."""
        if self.ttl is None:
            return None
        text = item.get(self.ttl, {}).get("N")
        if text is None:
            return None
        # A longer number is no time of this era.
        return int(text.partition(".")[0]) if len(text) < 18 else None

    def refresh_expiry(self) -> None:
        for batch in self._batches():
            for item_id, _, _, item in batch:
                self.rows.set_expiry(item_id, self.expiry(orjson.loads(item)))

    def backfill(self, name: str) -> Iterator[None]:
        """Enter every item into a new index, yielding after each batch; safe to start over."""
        number, index = next((number, index) for number, index in self.indexes if index.name == name)
        for batch in self._batches():
            for item_id, pk, sk, item in batch:
                place = index.schema.of_index(orjson.loads(item), name, strict=False)
                if place is not None:
                    self.rows.enter(number, place, (pk, sk), item_id)
            yield

    def _batches(self) -> Iterator[list[tuple[int, bytes, bytes, bytes]]]:
        last = 0
        while batch := self.rows.batch_after(last, BATCH):
            last = batch[-1][0]
            yield batch
