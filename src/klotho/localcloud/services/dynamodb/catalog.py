"""The tables that exist: created, described, changed and dropped, in one SQLite file.

Input: table definitions. Output: `Table` objects with their rows, kept in step with the file.
Write-ahead logging with synchronous=normal: a committed write survives a kill of the process at any moment; a power
cut may lose the last commits but never tears the file. One process at a time writes the file.
Refuses a file from a newer Klotho, a second table of one name, and deleting a protected table.
"""

from __future__ import annotations

import sqlite3
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from klotho.localcloud.services.dynamodb.definition import Definition, define
from klotho.localcloud.services.dynamodb.errors import DynamoDbError, table_missing, validation
from klotho.localcloud.services.dynamodb.streams import SCHEMA as STREAMS
from klotho.localcloud.services.dynamodb.streams import Stream
from klotho.localcloud.services.dynamodb.table import Table

FORMAT = 1
_SCHEMA = """
create table if not exists tables (
    number integer primary key, name text not null unique, owner text not null, settings text not null,
    indexes text not null, ttl text, recovery text not null, tags text not null, created real not null,
    uuid text not null
);
create table if not exists transactions (token text primary key, digest text not null, at real not null);
"""


class Catalog:
    """All tables of one account and region."""

    def __init__(self, path: Path, region: str, account: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.region = region
        self.account = account
        self.connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=1024)
        self.connection.execute("pragma journal_mode=wal")
        self.connection.execute("pragma synchronous=normal")
        found = int(self.connection.execute("pragma user_version").fetchone()[0])
        if found > FORMAT:
            self.connection.close()
            raise RuntimeError(f"{path} has data format {found}, this Klotho reads up to {FORMAT}")
        self.connection.executescript(_SCHEMA + STREAMS)
        self.connection.execute(f"pragma user_version={FORMAT}")
        self._tables = {table.name: table for table in self._load()}
        for table in self._tables.values():
            table.stream = self._stream(table)

    def _load(self) -> Iterator[Table]:
        rows = self.connection.execute(
            "select number, name, owner, settings, indexes, ttl, recovery, tags, created, uuid from tables"
        ).fetchall()
        for number, name, owner, settings, indexes, ttl, recovery, tags, created, identity in rows:
            yield Table(
                connection=self.connection,
                arn=self.arn(name),
                number=number,
                owner=owner,
                definition=define(name, orjson.loads(settings)),
                index_states=orjson.loads(indexes),
                ttl=ttl,
                recovery=orjson.loads(recovery),
                tags=orjson.loads(tags),
                created=created,
                uuid=identity,
            )

    def _stream(self, table: Table) -> Stream | None:
        """The table's stream, as the file has it."""
        row = self.connection.execute(
            "select number, view, created from streams where tbl=?", (table.number,)
        ).fetchone()
        return None if row is None else Stream(self.connection, row[0], table.arn, row[1], row[2], table.schema.names)

    def close(self) -> None:
        self.connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; nested uses join the outermost."""
        if self.connection.in_transaction:
            yield
            return
        self.connection.execute("begin immediate")
        try:
            yield
        except BaseException:
            self.connection.execute("rollback")
            raise
        self.connection.execute("commit")

    # ---- finding

    def arn(self, name: str) -> str:
        return f"arn:aws:dynamodb:{self.region}:{self.account}:table/{name}"

    def table(self, name: object) -> Table:
        """The table by name or ARN; ResourceNotFoundException as data operations word it."""
        found = self.find(name)
        if found is None:
            raise table_missing()
        return found

    def find(self, name: object) -> Table | None:
        if not isinstance(name, str):
            raise validation(
                "1 validation error detected: Value null at 'tableName' failed to satisfy constraint: Member must not "
                "be null"
            )
        if name.startswith("arn:"):
            return next((table for table in self._tables.values() if table.arn == name), None)
        return self._tables.get(name)

    def described(self, name: object) -> Table:
        """The table, or ResourceNotFoundException as control operations word it."""
        found = self.find(name)
        if found is None:
            raise table_missing(f"Table: {name} not found")
        return found

    def names(self) -> list[str]:
        return sorted(self._tables)

    def all(self) -> list[Table]:
        return [self._tables[name] for name in self.names()]

    # ---- changing

    def create(
        self, name: str, settings: Mapping[str, Any], tags: Mapping[str, str] | None = None, owner: str = ""
    ) -> Table:
        """Make a table; `owner` makes it idempotent: the same owner gets the table it made before."""
        definition = define(name, settings)
        existing = self._tables.get(name)
        if existing is not None:
            if owner and existing.owner == owner:
                return existing
            raise DynamoDbError("ResourceInUseException", f"Table already exists: {name}")
        states = {index: {"number": number, "active": True} for number, index in enumerate(definition.indexes, 1)}
        with self.transaction():
            cursor = self.connection.execute(
                "insert into tables(name, owner, settings, indexes, recovery, tags, created, uuid) "
                "values (?,?,?,?,'{}',?,?,?)",
                (name, owner, _json(settings), _json(states), _json(tags or {}), time.time(), str(uuid.uuid4())),
            )
            number = int(cursor.lastrowid or 0)
            created = self.connection.execute("select created, uuid from tables where number=?", (number,)).fetchone()
            table = Table(
                connection=self.connection,
                arn=self.arn(name),
                number=number,
                owner=owner,
                definition=definition,
                index_states=states,
                ttl=None,
                recovery={},
                tags=dict(tags or {}),
                created=created[0],
                uuid=created[1],
            )
            table.rows.create()
            for state in states.values():
                table.rows.create_index(state["number"])
        self._tables[name] = table
        return table

    def drop(self, name: str) -> None:
        table = self.described(name)
        if table.definition.protected:
            raise validation(
                f"Resource cannot be deleted as it is currently protected against deletion. Disable deletion "
                f"protection first. Table: {name}"
            )
        with self.transaction():
            for state in table.index_states.values():
                table.rows.drop_index(state["number"])
            table.rows.drop()
            self._end_stream(table)
            self.connection.execute("delete from tables where number=?", (table.number,))
        del self._tables[name]

    def redefine(self, table: Table, definition: Definition) -> list[str]:
        """Adopt another definition with the same keys; names of indexes that now need a backfill."""
        added = [name for name in definition.indexes if name not in table.definition.indexes]
        removed = [name for name in table.definition.indexes if name not in definition.indexes]
        states = {name: state for name, state in table.index_states.items() if name not in removed}
        next_number = max((state["number"] for state in table.index_states.values()), default=0) + 1
        for offset, name in enumerate(added):
            states[name] = {"number": next_number + offset, "active": False}
        with self.transaction():
            for name in removed:
                table.rows.drop_index(table.index_states[name]["number"])
            for name in added:
                table.rows.create_index(states[name]["number"])
            self.connection.execute(
                "update tables set settings=?, indexes=? where number=?",
                (_json(definition.settings), _json(states), table.number),
            )
        table.adopt(definition, states)
        return added

    def activate(self, table: Table, index: str) -> None:
        """A backfill is complete."""
        table.index_states[index]["active"] = True
        self.connection.execute("update tables set indexes=? where number=?", (_json(table.index_states), table.number))

    def set_ttl(self, table: Table, attribute: str | None) -> None:
        """Name the attribute that holds expiry times, or None; existing items follow at once."""
        with self.transaction():
            self.connection.execute("update tables set ttl=? where number=?", (attribute, table.number))
            table.ttl = attribute
            table.refresh_expiry()

    def set_stream(self, table: Table, view: str | None) -> None:
        """Record changes from now on with these images, or no more (None); another view is another stream."""
        if (table.stream.view if table.stream else None) == view:
            return
        with self.transaction():
            self._end_stream(table)
            if view is not None:
                self.connection.execute(
                    "insert into streams (tbl, view, created) values (?,?,?)", (table.number, view, time.time())
                )
        table.stream = self._stream(table)

    def _end_stream(self, table: Table) -> None:
        """Not as on AWS, which keeps the records of a stream that ended for 24 hours: they go with it."""
        if table.stream is not None:
            self.connection.execute("delete from stream_records where stream=?", (table.stream.number,))
            self.connection.execute("delete from streams where number=?", (table.stream.number,))

    def find_stream(self, arn: str) -> Stream | None:
        """The live stream of this ARN."""
        table = self._tables.get(arn.partition("/stream/")[0].rpartition("/")[2])
        stream = table.stream if table is not None else None
        return stream if stream is not None and stream.arn == arn else None

    def set_recovery(self, table: Table, recovery: Mapping[str, Any]) -> None:
        self.connection.execute("update tables set recovery=? where number=?", (_json(dict(recovery)), table.number))
        table.recovery = dict(recovery)

    def set_tags(self, table: Table, tags: Mapping[str, str]) -> None:
        self.connection.execute("update tables set tags=? where number=?", (_json(dict(tags)), table.number))
        table.tags = dict(tags)


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
