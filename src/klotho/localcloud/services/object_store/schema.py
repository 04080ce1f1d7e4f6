"""The tables of the object store, and the objects of the store before this one."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from urllib.parse import unquote

import orjson

from klotho.localcloud.database import DamagedDataError, NewerDataError

FORMAT = 1

_TABLES = """
create table if not exists buckets (
    name text primary key, owner text not null, created real not null, versioning text not null,
    settings text not null, tags text not null
);
create table if not exists objects (
    number integer primary key autoincrement, bucket text not null, key text not null, version text not null,
    latest integer not null, marker integer not null, size integer not null, etag text not null,
    modified real not null, headers text not null, tags text not null, parts text not null, place text not null
);
create unique index if not exists current on objects (bucket, key) where latest;
create index if not exists history on objects (bucket, key, number);
create index if not exists places on objects (place) where place<>'';
create table if not exists contents (number integer primary key, data blob not null);
create table if not exists uploads (
    id text primary key, bucket text not null, key text not null, begun real not null, headers text not null,
    tags text not null
);
create table if not exists parts (
    upload text not null, number integer not null, size integer not null, etag text not null,
    modified real not null, checksums text not null, place text not null, primary key (upload, number)
);
create table if not exists garbage (place text primary key);
create table if not exists outbox (number integer primary key autoincrement, kind text not null, detail text not null);
"""


def open_database(path: Path) -> sqlite3.Connection:
    """The connection, with its tables; NewerDataError or DamagedDataError for a file that can't be read."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Short writes happen on the event loop's thread only; the connection is merely made elsewhere in tests.
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    try:
        connection.execute("pragma journal_mode=wal")
        connection.execute("pragma synchronous=normal")
        found = int(connection.execute("pragma user_version").fetchone()[0])
        if found > FORMAT:
            raise NewerDataError(path, found)
        connection.executescript(_TABLES)
        connection.execute(f"pragma user_version={FORMAT}")
    except NewerDataError:
        connection.close()
        raise
    except sqlite3.OperationalError:
        connection.close()
        raise
    except sqlite3.DatabaseError as error:
        connection.close()
        raise DamagedDataError(path, str(error)) from error
    return connection


def earlier_objects(root: Path) -> list[tuple[str, Path, dict[str, object], Path]]:
    """What the store before this one left, a folder a bucket: bucket, file of the description, description, content."""
    found = []
    for folder in sorted(item for item in root.iterdir() if item.is_dir() and item.name not in ("content", "incoming")):
        for path in sorted(folder.glob("*.json")):
            document = orjson.loads(path.read_bytes())
            content = folder / str(document["content"])
            if content.exists():
                found.append((unquote(folder.name), path, document, content))
    return found
