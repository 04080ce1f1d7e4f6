"""Invalidations: what was asked, kept so that asking again with the same reference is one invalidation.

Input: a distribution, paths, a caller's reference. Output: `Invalidation`. Refuses, with CloudFront's codes, more paths
than one request may hold, paths that do not begin with `/`, and a reference used before for other paths.

Source: Amazon CloudFront API Reference, CreateInvalidation; Developer Guide, "Quotas".
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass

from klotho.localcloud.database import Database
from klotho.localcloud.identity import digest
from klotho.localcloud.service import ApiError

MOST_PATHS = 3000
_TABLE = """create table if not exists invalidations (
    number integer primary key, distribution text not null, id text not null unique, reference text not null,
    paths text not null, created real not null, unique (distribution, reference))"""


@dataclass(frozen=True, slots=True)
class Invalidation:
    """One request to forget."""

    id: str
    distribution: str
    reference: str
    paths: tuple[str, ...]
    created: float
    """Seconds since 1970."""


class Invalidations:
    """All of them, in the cloud's database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        with database.transaction() as connection:
            connection.execute(_TABLE)

    def make(self, distribution: str, paths: Sequence[str], reference: str) -> Invalidation:
        """A new one, or the one this reference stands for."""
        check_paths(paths)
        if not reference:
            raise ApiError("InvalidArgument", "CallerReference is required")
        known = self._one("distribution=? and reference=?", distribution, reference)
        if known is not None:
            if known.paths != tuple(paths):
                raise ApiError(
                    "InvalidationBatchAlreadyExists",
                    "Your request to invalidate objects uses a CallerReference that was used for other paths",
                    409,
                )
            return known
        identifier = "I" + digest(f"{distribution}/{reference}", 20, "invalidation").upper()
        made = Invalidation(identifier, distribution, reference, tuple(paths), time.time())
        with self._database.transaction() as connection:
            connection.execute(
                "insert into invalidations (distribution, id, reference, paths, created) values (?,?,?,?,?)",
                (distribution, identifier, reference, json.dumps(paths), made.created),
            )
        return made

    def get(self, distribution: str, identifier: str) -> Invalidation:
        """ApiError NoSuchInvalidation without one."""
        found = self._one("distribution=? and id=?", distribution, identifier)
        if found is None:
            raise ApiError("NoSuchInvalidation", "The specified invalidation does not exist.", 404)
        return found

    def of(self, distribution: str) -> list[Invalidation]:
        """The newest first."""
        rows = self._database.connection.execute(
            "select * from invalidations where distribution=? order by number desc", (distribution,)
        )
        return [_read(row) for row in rows]

    def drop(self, distribution: str) -> None:
        with self._database.transaction() as connection:
            connection.execute("delete from invalidations where distribution=?", (distribution,))

    def _one(self, where: str, *values: str) -> Invalidation | None:
        row = self._database.connection.execute(f"select * from invalidations where {where}", values).fetchone()
        return None if row is None else _read(row)


def check_paths(paths: Sequence[str]) -> None:
    """ApiError for paths CloudFront does not take."""
    if not paths:
        raise ApiError("InvalidArgument", "Your request to invalidate objects has no paths")
    if len(paths) > MOST_PATHS:
        raise ApiError("BatchTooLarge", f"Your request holds {len(paths)} paths; {MOST_PATHS} are the most", 413)
    for path in paths:
        if not path.startswith("/") or "*" in path[:-1]:
            raise ApiError("InvalidArgument", f"Your request contains one or more invalid invalidation paths: {path}")


def _read(row: sqlite3.Row) -> Invalidation:
    return Invalidation(
        row["id"], row["distribution"], row["reference"], tuple(json.loads(row["paths"])), row["created"]
    )
