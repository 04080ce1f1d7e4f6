"""What a role is to be, as the properties of `Custom::SqlRole` say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ENGINES = ("postgres", "mysql")
ACCESSES = ("read", "write", "read_write")


class RoleError(Exception):
    """The role can't be made or removed; the text says why and holds no secret."""


@dataclass(frozen=True, slots=True)
class Role:
    """One consumer's login in one database."""

    engine: str
    host: str
    port: int
    database: str
    master: str
    """ARN of the secret of the database's master user: JSON with `username` and `password`."""
    login: str
    """ARN of the secret of this role, in the same form; `iam`: it logs in by tokens, and has no password."""
    user: str
    access: str
    adopted: bool = False
    """Whether the database is somebody else's, who keeps all that is theirs."""

    @classmethod
    def of(cls, properties: Mapping[str, Any]) -> Role:
        """The role of a resource's properties; RoleError for what is missing or unknown."""
        names = ("Engine", "Host", "Port", "Database", "Master", "Login", "User", "Access")
        missing = [name for name in names if not properties.get(name)]
        if missing:
            raise RoleError(f"Custom::SqlRole lacks {', '.join(missing)}")
        engine, host, port, *rest = (str(properties[name]) for name in names)
        if engine not in ENGINES or properties["Access"] not in ACCESSES or not port.isdecimal():
            raise RoleError(f"no such Engine, Access or Port: {engine}, {properties['Access']}, {port}")
        database, master, login, user, access = rest
        if login == "iam" and engine != "postgres":
            raise RoleError(f"roles of {engine} log in by a password only")
        adopted = str(properties.get("Adopted")).lower() == "true"
        return cls(engine, host, int(port), database, master, login, user, access, adopted)

    @property
    def by_iam(self) -> bool:
        return self.login == "iam"

    @property
    def identifier(self) -> str:
        """Another one when the role moves to another server or database: the old one is then removed there."""
        return f"{self.user}@{self.host}:{self.port}/{self.database}"
