"""Pages of a listing: keys below a prefix, rolled up at a delimiter.

Input: the store, a bucket, what is asked. Output: a `Page`. The order is that of the keys' UTF-8 bytes, and within one
key the newest version first. A rolled-up prefix counts as one entry, and all that is below it is skipped in one step,
so that a bucket of millions of keys is listed by folder without reading them.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from klotho.localcloud.services.object_store.model import ObjectHead, Page
from klotho.localcloud.services.object_store.store import ObjectStore, head_of

_LAST = "\U0010ffff"
"""No character comes after it."""
_COLUMNS = "number, bucket, key, version, latest, marker, size, etag, modified, headers, tags, parts, place"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a listing is of."""

    bucket: str
    prefix: str = ""
    delimiter: str = ""
    after: str = ""
    """Only keys and rolled-up prefixes above this one."""
    after_version: str | None = None
    """With `versions`: of the key `after`, only what is older than this version."""
    limit: int = 1000
    versions: bool = False
    """Every version and delete marker, instead of the objects that are there now."""


def listing(store: ObjectStore, asked: Asked) -> Page:
    """One page."""
    items: list[ObjectHead] = []
    prefixes: list[str] = []
    last: tuple[str, str] | None = None
    at, number = _start(store, asked)
    while asked.limit:
        wanted = asked.limit - len(items) - len(prefixes) + 1
        rows = _rows(store, asked, at, number, wanted)
        for row in rows:
            at, number = row["key"], row["number"]
            rolled = _rolled(at, asked)
            if rolled is not None and (rolled == asked.after or rolled in prefixes[-1:]):
                continue
            if len(items) + len(prefixes) == asked.limit:
                return Page(tuple(items), tuple(prefixes), last)
            if rolled is not None:
                prefixes.append(rolled)
                at, number, last = rolled + _LAST, None, (rolled, "")
                break  # all that is below it is skipped in one step
            items.append(head_of(row))
            last = (at, row["version"])
        else:
            if len(rows) < wanted:
                break
    return Page(tuple(items), tuple(prefixes), None)


def _start(store: ObjectStore, asked: Asked) -> tuple[str, int | None]:
    """The key, and of that key the version, after which to begin."""
    if asked.delimiter and asked.after.startswith(asked.prefix) and _rolled(asked.after, asked) == asked.after:
        return asked.after + _LAST, None
    if asked.after_version is None:
        return asked.after, None
    row = store.connection.execute(
        "select number from objects where bucket=? and key=? and version=?",
        (asked.bucket, asked.after, asked.after_version),
    ).fetchone()
    return asked.after, None if row is None else int(row["number"])


def _rolled(key: str, asked: Asked) -> str | None:
    """The common prefix that stands for the key, None for one that is shown itself."""
    if not asked.delimiter:
        return None
    cut = key.find(asked.delimiter, len(asked.prefix))
    return None if cut < 0 else key[: cut + len(asked.delimiter)]


def _rows(store: ObjectStore, asked: Asked, at: str, number: int | None, limit: int) -> list[sqlite3.Row]:
    """The next rows: above the key, or older versions of it."""
    which = "" if asked.versions else "and latest and not marker"
    order = "key, number desc" if asked.versions else "key"
    found: list[sqlite3.Row] = []
    if asked.versions and number is not None:
        found = store.connection.execute(
            f"select {_COLUMNS} from objects where bucket=? and key=? and number<? order by number desc limit ?",
            (asked.bucket, at, number, limit),
        ).fetchall()
    if len(found) < limit:
        found += store.connection.execute(
            f"select {_COLUMNS} from objects where bucket=? and key>? and key>=? {which} order by {order} limit ?",
            (asked.bucket, at, asked.prefix, limit - len(found)),
        ).fetchall()
    return [row for row in found if row["key"].startswith(asked.prefix)]
