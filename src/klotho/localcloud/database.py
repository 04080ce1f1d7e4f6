"""The one SQLite file that holds what the local cloud knows: live resources, stacks, journal, ports.

Write-ahead logging makes every committed transaction survive a kill -9 of the supervisor. A file from a newer Klotho
and a damaged one are refused by name instead of being read wrongly.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCHEMA_VERSION = 1

_TABLES = """
create table if not exists resources (
    type_name text not null, identifier text not null, properties text not null, attributes text not null,
    token text not null, stack_id text not null, stack_name text not null, logical_id text not null,
    tags text not null, primary key (type_name, identifier)
);
create table if not exists ports (name text primary key, port integer not null unique);
create table if not exists facts (name text primary key, value text not null);
"""


class NewerDataError(Exception):
    """The data folder was written by a newer Klotho."""

    def __init__(self, path: Path, found: int) -> None:
        super().__init__(f"{path} has data format {found}, this Klotho reads up to {SCHEMA_VERSION}")
        self.path = path
        self.found = found


class DamagedDataError(Exception):
    """The file is no database any more."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} is damaged: {reason}")
        self.path = path


class Database:
    """A connection that the supervisor's event loop and threads of it share: one transaction at a time."""

    def __init__(self, path: Path) -> None:
        """Open or make the file; `NewerDataError`, `DamagedDataError`, `sqlite3.OperationalError` (disk, rights)."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = path
        self.connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.connection.row_factory = sqlite3.Row
        self._one_at_a_time = threading.RLock()
        try:
            self._prepare(path)
        except sqlite3.OperationalError:
            self.connection.close()
            raise
        except sqlite3.DatabaseError as error:
            self.connection.close()
            raise DamagedDataError(path, str(error)) from error

    def _prepare(self, path: Path) -> None:
        self.connection.execute("pragma journal_mode=wal")
        self.connection.execute("pragma synchronous=normal")
        found = int(self.connection.execute("pragma user_version").fetchone()[0])
        if found > SCHEMA_VERSION:
            self.connection.close()
            raise NewerDataError(path, found)
        self.connection.executescript(_TABLES)
        self.connection.execute(f"pragma user_version={SCHEMA_VERSION}")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; may be nested (the outermost commits). Nothing may be awaited in it: other threads wait."""
        with self._one_at_a_time:
            if self.connection.in_transaction:
                yield self.connection
                return
            self.connection.execute("begin immediate")
            try:
                yield self.connection
            except BaseException:
                self.connection.execute("rollback")
                raise
            self.connection.execute("commit")

    def close(self) -> None:
        self.connection.close()
