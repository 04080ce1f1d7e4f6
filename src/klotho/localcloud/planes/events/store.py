"""Deliveries not done yet, in the state database.

Input: an event and the targets it goes to. Output: rows that survive a kill -9 of the supervisor. Refuses nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from klotho.localcloud.database import Database

_TABLES = """
create table if not exists event_deliveries (
    id integer primary key autoincrement, rule text not null, target text not null, event blob not null,
    since real not null, due real not null, attempt integer not null default 0
);
create index if not exists event_deliveries_due on event_deliveries (due, id);
"""


class Deliveries:
    """The table. Times are seconds since 1970."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.connection.executescript(_TABLES)

    def add(self, event: bytes, now: float, to: Iterable[tuple[str, str]]) -> None:
        """One delivery for each (rule's ARN, target's id), in one transaction."""
        with self._database.transaction() as connection:
            connection.executemany(
                "insert into event_deliveries (rule, target, event, since, due) values (?,?,?,?,?)",
                [(rule, target, event, now, now) for rule, target in to],
            )

    def due(self, now: float, limit: int) -> list[sqlite3.Row]:
        return self._database.connection.execute(
            "select * from event_deliveries where due<=? order by due, id limit ?", (now, limit)
        ).fetchall()

    def next_due(self) -> float | None:
        row = self._database.connection.execute("select min(due) from event_deliveries").fetchone()
        return None if row[0] is None else float(row[0])

    def done(self, number: int) -> None:
        with self._database.transaction() as connection:
            connection.execute("delete from event_deliveries where id=?", (number,))

    def postpone(self, number: int, attempt: int, due: float) -> None:
        with self._database.transaction() as connection:
            connection.execute("update event_deliveries set attempt=?, due=? where id=?", (attempt, due, number))

    def pending(self, rule: str | None = None) -> int:
        """How many wait, of one rule or of all."""
        where, values = ("", ()) if rule is None else (" where rule=?", (rule,))
        found = self._database.connection.execute(f"select count(*) from event_deliveries{where}", values)
        return int(found.fetchone()[0])
