"""Parameters with their versions, in the state database (readable by its owner only).

Input: names, values, what is known of a parameter. Output: versions. Refuses, as `ApiError` with AWS's codes,
parameters that exist already or do not exist, and changes of a parameter's type.

Source: AWS Systems Manager API Reference, PutParameter; User Guide, "Working with parameter versions".
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import orjson

from klotho.localcloud.database import Database
from klotho.localcloud.identity import arn
from klotho.localcloud.service import ApiError
from klotho.localcloud.services.ssm.rules import SECURE, check_name, check_value, tier_of

MAX_VERSIONS = 100
"""User Guide: "Parameter Store retains the 100 most recent versions"."""
_TABLES = """
create table if not exists ssm_parameters (
    name text primary key, owner text not null, tags text not null, version integer not null
);
create table if not exists ssm_versions (
    name text not null references ssm_parameters (name), version integer not null, kind text not null,
    value text not null, description text, pattern text, tier text not null, at real not null, author text not null,
    primary key (name, version)
);
"""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a parameter; the newest is the parameter."""

    name: str
    kind: str
    """`String`, `StringList` or `SecureString`."""
    number: int
    value: str
    description: str | None
    pattern: str | None
    """AllowedPattern."""
    tier: str
    at: float
    """When it was made, seconds since 1970."""
    author: str
    """The ARN of who made it."""

    def __repr__(self) -> str:
        return f"Version({self.name}:{self.number})"  # never the value: a repr ends up in logs


@dataclass(frozen=True, slots=True)
class Draft:
    """A version about to be stored."""

    value: str
    kind: str | None
    """None: as the parameter has it."""
    description: str | None = None
    pattern: str | None = None
    tier: str = "Standard"


class Parameters:
    """All parameters of one local cloud. `clock`: seconds since 1970."""

    def __init__(
        self, database: Database, region: str, account: str, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._region = region
        self._account = account
        self._clock = clock
        database.connection.executescript(_TABLES)

    def arn(self, name: str) -> str:
        return arn("ssm", f"parameter/{name.removeprefix('/')}", self._region, self._account)

    def create(self, name: str, draft: Draft, tags: Mapping[str, str], *, owner: str, author: str) -> Version:
        """Make a parameter; the same `owner` gets the one it made before. ApiError ParameterAlreadyExists."""
        check_name(name)
        found = self._row(name)
        if found is not None and found["owner"] == owner:
            return self.get(name)
        if found is not None:
            raise ApiError(
                "ParameterAlreadyExists",
                "The parameter already exists. To overwrite this value, set the overwrite option in the request to "
                "true.",
            )
        if draft.kind is None:
            raise ApiError("ValidationException", "A parameter type is required when you create a parameter.")
        with self._database.transaction() as connection:
            connection.execute(
                "insert into ssm_parameters values (?,?,?,0)", (name, owner, orjson.dumps(dict(tags)).decode())
            )
            return self._add(name, draft.kind, draft, author)

    def change(self, name: str, draft: Draft, *, author: str) -> Version:
        """Add a version; what the draft leaves out stays as it was. ApiError ParameterNotFound."""
        current = self.get(name)
        kind = draft.kind or current.kind
        if kind != current.kind and SECURE in (kind, current.kind):
            raise ApiError(
                "HierarchyTypeMismatchException",
                f"The parameter {name} is a {current.kind}, it can't be changed to a {draft.kind}.",
            )
        with self._database.transaction():
            return self._add(name, kind, draft, author)

    def get(self, name: str, version: int | None = None) -> Version:
        """The newest version, or one by number. ApiError ParameterNotFound, ParameterVersionNotFound."""
        row = self._row(name)
        if row is None:
            raise not_found(name)
        wanted = row["version"] if version is None else version
        found = self._database.connection.execute(
            "select * from ssm_versions where name=? and version=?", (name, wanted)
        ).fetchone()
        if found is None:
            message = f"Systems Manager could not find version {version} of {name}."
            raise ApiError("ParameterVersionNotFound", message)
        return _version(found)

    def history(self, name: str) -> list[Version]:
        """All versions kept, oldest first. ApiError ParameterNotFound."""
        self.get(name)
        rows = self._database.connection.execute("select * from ssm_versions where name=? order by version", (name,))
        return [_version(row) for row in rows]

    def all(self) -> list[Version]:
        """The newest version of every parameter, by name."""
        rows = self._database.connection.execute(
            "select v.* from ssm_parameters p join ssm_versions v on v.name=p.name and v.version=p.version "
            "order by p.name"
        )
        return [_version(row) for row in rows]

    def delete(self, name: str) -> bool:
        """Whether there was such a parameter."""
        with self._database.transaction() as connection:
            connection.execute("delete from ssm_versions where name=?", (name,))
            return connection.execute("delete from ssm_parameters where name=?", (name,)).rowcount > 0

    def tags(self, name: str) -> dict[str, str]:
        """ApiError ParameterNotFound."""
        row = self._row(name)
        if row is None:
            raise not_found(name)
        found: dict[str, str] = orjson.loads(row["tags"])
        return found

    def set_tags(self, name: str, tags: Mapping[str, str]) -> None:
        with self._database.transaction() as connection:
            connection.execute(
                "update ssm_parameters set tags=? where name=?", (orjson.dumps(dict(tags)).decode(), name)
            )

    def _row(self, name: str) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._database.connection.execute(
            "select * from ssm_parameters where name=?", (name,)
        ).fetchone()
        return row

    def _add(self, name: str, kind: str, draft: Draft, author: str) -> Version:
        tier = tier_of(draft.value, draft.tier)
        check_value(draft.value, kind, tier, draft.pattern)
        connection = self._database.connection
        row = self._row(name)
        assert row is not None
        number = row["version"] + 1
        connection.execute("update ssm_parameters set version=? where name=?", (number, name))
        connection.execute(
            "insert into ssm_versions values (?,?,?,?,?,?,?,?,?)",
            (name, number, kind, draft.value, draft.description, draft.pattern, tier, self._clock(), author),
        )
        connection.execute("delete from ssm_versions where name=? and version<=?", (name, number - MAX_VERSIONS))
        return self.get(name)


def not_found(name: str) -> ApiError:
    return ApiError("ParameterNotFound", f"Parameter {name} not found.")


def _version(row: sqlite3.Row) -> Version:
    return Version(
        name=row["name"],
        kind=row["kind"],
        number=row["version"],
        value=row["value"],
        description=row["description"],
        pattern=row["pattern"],
        tier=row["tier"],
        at=row["at"],
        author=row["author"],
    )
