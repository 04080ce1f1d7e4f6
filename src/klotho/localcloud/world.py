"""The live resources of the local cloud, whatever stack made them: what `Describe…` calls and the planes read."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator

from klotho.localcloud.database import Database
from klotho.localcloud.handler import Record

Listener = Callable[[str], None]


class World:
    """A durable table of records with a cache; planes subscribe to changes by type."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._listeners: dict[str, list[Listener]] = {}
        self._records: dict[str, dict[str, Record]] = {}
        for row in database.connection.execute("select * from resources"):
            record = _record(row)
            self._records.setdefault(record.type_name, {})[record.identifier] = record

    def get(self, type_name: str, identifier: str) -> Record | None:
        return self._records.get(type_name, {}).get(identifier)

    def list(self, type_name: str) -> list[Record]:
        """All live resources of a type, in a stable order."""
        return sorted(self._records.get(type_name, {}).values(), key=lambda record: record.identifier)

    def all(self) -> Iterator[Record]:
        for type_name in sorted(self._records):
            yield from self.list(type_name)

    def put(self, record: Record) -> None:
        """Store or replace; part of the caller's transaction if there is one."""
        with self._database.transaction() as connection:
            connection.execute(
                "insert or replace into resources values (?,?,?,?,?,?,?,?,?)",
                (
                    record.type_name,
                    record.identifier,
                    json.dumps(dict(record.properties)),
                    json.dumps(dict(record.attributes)),
                    record.token,
                    record.stack_id,
                    record.stack_name,
                    record.logical_id,
                    json.dumps(dict(record.tags)),
                ),
            )
        self._records.setdefault(record.type_name, {})[record.identifier] = record
        self._notify(record.type_name)

    def remove(self, type_name: str, identifier: str) -> None:
        with self._database.transaction() as connection:
            connection.execute("delete from resources where type_name=? and identifier=?", (type_name, identifier))
        self._records.get(type_name, {}).pop(identifier, None)
        self._notify(type_name)

    def subscribe(self, type_name: str, listener: Listener) -> None:
        """Call `listener(type_name)` after each change of a record of this type."""
        self._listeners.setdefault(type_name, []).append(listener)

    def _notify(self, type_name: str) -> None:
        for listener in self._listeners.get(type_name, []):
            listener(type_name)


def _record(row: sqlite3.Row) -> Record:
    return Record(
        type_name=row["type_name"],
        identifier=row["identifier"],
        properties=json.loads(row["properties"]),
        attributes=json.loads(row["attributes"]),
        token=row["token"],
        stack_id=row["stack_id"],
        stack_name=row["stack_name"],
        logical_id=row["logical_id"],
        tags=json.loads(row["tags"]),
    )
