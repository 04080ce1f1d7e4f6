"""Names and texts as PostgreSQL's SQL takes them; RoleError for what it does not take whole."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from klotho.provider.role import RoleError

if TYPE_CHECKING:
    from pg8000.native import Connection

NAME_BYTES = 63
"""PostgreSQL cuts longer names off without a word."""


def group(database: str, what: str) -> str:
    """The name of one of a database's roles without login; different for different databases."""
    name = f"klotho_{what}_{database}"
    if len(name.encode()) <= NAME_BYTES:
        return name
    mark = hashlib.sha256(database.encode()).hexdigest()[:16]
    return f"klotho_{what}_{mark}"


def exists(connection: Connection, name: str) -> bool:
    """Whether there is such a role."""
    return bool(connection.run(f"SELECT 1 FROM pg_roles WHERE rolname = {text(name)}"))


def quoted(name: str) -> str:
    """A name as SQL takes it."""
    if "\0" in name or not 0 < len(name.encode()) <= NAME_BYTES:
        raise RoleError(f"{name!r} is no name PostgreSQL takes whole")
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A text as SQL takes it."""
    if "\0" in value or "\\" in value:
        raise RoleError("a text for PostgreSQL holds a NUL or a backslash")
    return "'" + value.replace("'", "''") + "'"
