"""The items of one table and its index entries, as SQLite rows.

Input: checked items and key columns. Output: stored JSON bytes, walked in key order through SQLite's indexes.
An index entry holds keys only and points at the item's row, so an index can never disagree with its table.
Refuses nothing: callers have checked. Every change of more than one row runs in the caller's transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import orjson

from klotho.localcloud.services.dynamodb.keys import Key
from klotho.localcloud.services.dynamodb.values import Item

Sized = tuple[bytes, int]
"""An item's JSON and its size in bytes as DynamoDB counts it."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """A range of sort columns; None is unbounded."""

    low: bytes | None = None
    high: bytes | None = None
    low_open: bool = False
    high_open: bool = False

    def holds(self, sort: bytes) -> bool:
        if self.low is not None and (sort < self.low or (self.low_open and sort == self.low)):
            return False
        return self.high is None or sort < self.high or (not self.high_open and sort == self.high)


class Rows:
    """Reads and writes rows of table number `number`; SQL texts are built once."""

    def __init__(self, connection: sqlite3.Connection, number: int) -> None:
        self.connection = connection
        self.items = f"items_{number}"
        self.number = number
        self._get = f"select item, size from {self.items} where pk=? and sk=?"
        self._put = (
            f"insert into {self.items}(pk, sk, item, size, expires) values (?,?,?,?,?) on conflict(pk, sk) do update "
            "set item=excluded.item, size=excluded.size, expires=excluded.expires"
        )
        self._delete = f"delete from {self.items} where pk=? and sk=?"

    def create(self) -> None:
        self.connection.execute(
            f"create table {self.items} (id integer primary key, pk blob not null, sk blob not null, "
            "item blob not null, size integer not null, expires integer)"
        )
        self.connection.execute(f"create unique index {self.items}_key on {self.items}(pk, sk)")
        self.connection.execute(f"create index {self.items}_expiry on {self.items}(expires) where expires is not null")

    def drop(self) -> None:
        self.connection.execute(f"drop table if exists {self.items}")

    def create_index(self, index: int) -> None:
        self.connection.execute(
            f"create table {self._entries(index)} (pk blob not null, sk blob not null, base_pk blob not null, "
            "base_sk blob not null, item_id integer not null, primary key (pk, sk, base_pk, base_sk)) without rowid"
        )

    def drop_index(self, index: int) -> None:
        self.connection.execute(f"drop table if exists {self._entries(index)}")

    def _entries(self, index: int) -> str:
        return f"index_{self.number}_{index}"

    # ---- single items

    def get(self, key: Key) -> Sized | None:
        row: Sized | None = self.connection.execute(self._get, key).fetchone()
        return row

    def put(self, key: Key, item: Item, size: int, expires: int | None) -> None:
        """Insert or replace; the row keeps its id, so untouched index entries stay right."""
        self.connection.execute(self._put, (*key, orjson.dumps(item), size, expires))

    def delete(self, key: Key) -> None:
        self.connection.execute(self._delete, key)

    def reindex(self, key: Key, old: Mapping[int, Key | None], new: Mapping[int, Key | None]) -> None:
        """Make the entries of one item follow its new index keys (None: not in that index)."""
        row: tuple[int] | None = None
        for index, after in new.items():
            before = old.get(index)
            if before == after and before is not None:
                continue
            if before is not None:
                self.connection.execute(
                    f"delete from {self._entries(index)} where pk=? and sk=? and base_pk=? and base_sk=?",
                    (*before, *key),
                )
            if after is not None:
                row = row or self.connection.execute(f"select id from {self.items} where pk=? and sk=?", key).fetchone()
                assert row is not None
                self.enter(index, after, key, row[0])

    def enter(self, index: int, place: Key, key: Key, item_id: int) -> None:
        """Add one index entry, or leave the equal one that a backfill or write made before."""
        self.connection.execute(
            f"insert or replace into {self._entries(index)} values (?,?,?,?,?)", (*place, *key, item_id)
        )

    # ---- many items

    def in_partition(
        self, index: int | None, partition: bytes, bounds: Bounds, after: tuple[bytes, ...] | None, forward: bool
    ) -> Iterator[Sized]:
        """Items of one partition in sort order.

        `after` is where the previous page ended: the sort column and, in an index, the item's own key columns.
        """
        columns = ("e.sk",) if index is None else ("e.sk", "e.base_pk", "e.base_sk")
        where, values = ["e.pk=?"], [partition]
        # The page's start lies within the bounds, so it replaces the bound on its side: one range for SQLite to seek.
        if bounds.low is not None and not (after and forward):
            where.append(f"e.sk {'>' if bounds.low_open else '>='} ?")
            values.append(bounds.low)
        if bounds.high is not None and not (after and not forward):
            where.append(f"e.sk {'<' if bounds.high_open else '<='} ?")
            values.append(bounds.high)
        if after is not None:
            where.append(_beyond(columns, ">" if forward else "<"))
            values.extend(after)
        yield from self._select(index, where, values, columns, forward)

    def everywhere(
        self, index: int | None, low: bytes | None, high: bytes | None, after: tuple[bytes, ...] | None
    ) -> Iterator[Sized]:
        """Items in the order of their partition columns, within a half-open range of those."""
        columns = ("e.pk", "e.sk") if index is None else ("e.pk", "e.sk", "e.base_pk", "e.base_sk")
        where: list[str] = []
        values: list[bytes] = []
        if after is not None:
            where.append(_beyond(columns, ">"))
            values.extend(after)
        elif low is not None:
            where.append("e.pk >= ?")
            values.append(low)
        if high is not None:
            where.append("e.pk < ?")
            values.append(high)
        yield from self._select(index, where, values, columns, True)

    def _select(
        self, index: int | None, where: list[str], values: list[bytes], columns: tuple[str, ...], forward: bool
    ) -> Iterator[Sized]:
        condition = f"where {' and '.join(where)}" if where else ""
        order = ", ".join(f"{column}{'' if forward else ' desc'}" for column in columns)
        if index is None:
            sql = f"select item, size from {self.items} as e indexed by {self.items}_key {condition} order by {order}"
        else:
            # `cross join` keeps the entries outermost, so that rows arrive in the index's order without a sort.
            sql = (
                f"select base.item, base.size from {self._entries(index)} as e "
                f"cross join {self.items} as base on base.id = e.item_id {condition} order by {order}"
            )
        cursor = self.connection.execute(sql, values)
        try:
            yield from cursor
        finally:
            # An open cursor would keep the write-ahead log from being folded back.
            cursor.close()

    # ---- upkeep

    def count(self) -> tuple[int, int]:
        """Number of items and their total size in bytes."""
        found = self.connection.execute(f"select count(*), coalesce(sum(size), 0) from {self.items}").fetchone()
        return int(found[0]), int(found[1])

    def count_index(self, index: int) -> int:
        return int(self.connection.execute(f"select count(*) from {self._entries(index)}").fetchone()[0])

    def batch_after(self, item_id: int, limit: int) -> list[tuple[int, bytes, bytes, bytes]]:
        """Row id, key columns and JSON of the next rows in the order of ids: what a backfill works through."""
        return self.connection.execute(
            f"select id, pk, sk, item from {self.items} where id > ? order by id limit ?", (item_id, limit)
        ).fetchall()

    def set_expiry(self, item_id: int, expires: int | None) -> None:
        self.connection.execute(f"update {self.items} set expires=? where id=?", (expires, item_id))

    def expired(self, after: int, until: int, limit: int) -> list[tuple[bytes, bytes, bytes]]:
        """Key columns and JSON of items whose time-to-live lies in the given seconds since 1970."""
        return self.connection.execute(
            f"select pk, sk, item from {self.items} where expires > ? and expires <= ? order by expires limit ?",
            (after, until, limit),
        ).fetchall()


def _beyond(columns: tuple[str, ...], operator: str) -> str:
    return f"({', '.join(columns)}) {operator} ({', '.join('?' * len(columns))})"
