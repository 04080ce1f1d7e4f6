"""Pools, app clients, groups, users and sign-ins in one SQLite file.

Input: what the resource handlers and the API's operations say. Output: rows. Write-ahead logging with
synchronous=normal: what was acknowledged survives a kill of the process at any moment. Of passwords only SRP salt and
verifier are kept, of refresh tokens a hash. Refuses a file of a newer Klotho.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from klotho.localcloud.services.cognito.errors import no_pool
from klotho.localcloud.services.cognito.settings import ClientSettings, PoolSettings
from klotho.localcloud.services.cognito.srp import Verifier

FORMAT = 1
_SCHEMA = """
create table if not exists pools (
    id text primary key, owner text not null, settings text not null, keys text not null, created real not null
);
create table if not exists clients (
    id text primary key, pool text not null, owner text not null, settings text not null
);
create table if not exists groups (
    pool text not null, name text not null, description text not null, precedence integer, created real not null,
    primary key (pool, name)
);
create table if not exists users (
    pool text not null, username text not null, folded text not null, sub text not null, salt text not null,
    verifier text not null, status text not null, enabled integer not null, attributes text not null,
    created real not null, modified real not null, primary key (pool, username)
);
create unique index if not exists by_name on users (pool, folded);
create table if not exists members (
    pool text not null, username text not null, name text not null, primary key (pool, username, name)
);
create table if not exists codes (
    pool text not null, username text not null, purpose text not null, code text not null, expires real not null,
    primary key (pool, username, purpose)
);
create table if not exists sessions (
    id text primary key, pool text not null, username text not null, challenge text not null, facts text not null,
    expires real not null
);
create table if not exists grants (
    origin text primary key, pool text not null, client text not null, username text not null, refresh text not null,
    signed_in real not null, expires real not null
);
create index if not exists by_refresh on grants (refresh);
"""


@dataclass(frozen=True, slots=True)
class Pool:
    id: str
    settings: PoolSettings
    keys: Mapping[str, str]
    """PEM of the private keys, by `access` and `id`."""

    @property
    def short(self) -> str:
        """The id behind its underscore, which SRP knows it by."""
        return self.id.partition("_")[2]


@dataclass(frozen=True, slots=True)
class Client:
    id: str
    pool: Pool
    settings: ClientSettings


@dataclass(frozen=True, slots=True)
class User:
    pool: str
    username: str
    sub: str
    verifier: Verifier
    status: str
    """UNCONFIRMED, CONFIRMED, FORCE_CHANGE_PASSWORD or RESET_REQUIRED."""
    enabled: bool
    attributes: Mapping[str, str]
    """Without `sub`."""
    created: float
    modified: float

    @property
    def described(self) -> list[dict[str, str]]:
        """The attributes as the API lists them."""
        every = {"sub": self.sub, **self.attributes}
        return [{"Name": name, "Value": every[name]} for name in sorted(every)]


class Store:
    """Used from one thread."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        path.chmod(0o600)  # it holds the keys that sign tokens
        self.connection.row_factory = sqlite3.Row
        self.connection.execute("pragma journal_mode=wal")
        self.connection.execute("pragma synchronous=normal")
        found = int(self.connection.execute("pragma user_version").fetchone()[0])
        if found > FORMAT:
            self.connection.close()
            raise RuntimeError(f"{path} has data format {found}, this Klotho reads up to {FORMAT}")
        self.connection.executescript(_SCHEMA)
        self.connection.execute(f"pragma user_version={FORMAT}")
        self._pools: dict[str, Pool] = {}
        self._clients: dict[str, Client] = {}

    def close(self) -> None:
        self.connection.close()

    def run(self, sql: str, *values: object) -> sqlite3.Cursor:
        return self.connection.execute(sql, values)

    def row(self, sql: str, *values: object) -> sqlite3.Row | None:
        found: sqlite3.Row | None = self.run(sql, *values).fetchone()
        return found

    @contextmanager
    def together(self) -> Iterator[None]:
        """All or nothing."""
        self.run("begin immediate")
        try:
            yield
        except BaseException:
            self.run("rollback")
            raise
        self.run("commit")

    # ---- pools and clients

    def put_pool(self, pool_id: str, owner: str, settings: Mapping[str, Any], keys: Any, now: float) -> None:
        """Make it or change its settings; its keys and users stay."""
        PoolSettings.of(settings)
        self.run(
            "insert into pools values (?,?,?,?,?) on conflict (id) do update set settings=excluded.settings",
            pool_id, owner, _json(settings), _json(keys), now,
        )  # fmt: skip
        self._forget()

    def has_pool(self, pool_id: str) -> bool:
        return self.row("select 1 from pools where id=?", pool_id) is not None

    def pool(self, pool_id: str) -> Pool:
        """ApiError ResourceNotFoundException."""
        if pool_id not in self._pools:
            row = self.row("select * from pools where id=?", pool_id)
            if row is None:
                raise no_pool(pool_id)
            settings = PoolSettings.of(orjson.loads(row["settings"]))
            self._pools[pool_id] = Pool(pool_id, settings, orjson.loads(row["keys"]))
        return self._pools[pool_id]

    def drop_pool(self, pool_id: str) -> None:
        with self.together():
            for table in ("users", "members", "codes", "sessions", "grants", "groups", "clients"):
                self.run(f"delete from {table} where pool=?", pool_id)
            self.run("delete from pools where id=?", pool_id)
        self._forget()

    def put_client(self, client_id: str, pool_id: str, owner: str, settings: Mapping[str, Any]) -> None:
        ClientSettings.of(settings)
        self.pool(pool_id)
        self.run(
            "insert into clients values (?,?,?,?) on conflict (id) do update set settings=excluded.settings",
            client_id, pool_id, owner, _json(settings),
        )  # fmt: skip
        self._forget()

    def client(self, client_id: str) -> Client | None:
        if client_id not in self._clients:
            row = self.row("select * from clients where id=?", client_id)
            if row is None:
                return None
            settings = ClientSettings.of(orjson.loads(row["settings"]))
            self._clients[client_id] = Client(client_id, self.pool(row["pool"]), settings)
        return self._clients[client_id]

    def drop_client(self, client_id: str) -> None:
        self.run("delete from clients where id=?", client_id)
        self.run("delete from grants where client=?", client_id)
        self._forget()

    def _forget(self) -> None:
        self._pools.clear()
        self._clients.clear()

    # ---- users

    def user(self, pool: Pool, name: str) -> User | None:
        """By username, `sub`, or the email that signs in."""
        row = self.row("select * from users where pool=? and (folded=? or username=?)", pool.id, fold(pool, name), name)
        return None if row is None else _user(row)

    def add_user(self, pool: Pool, name: str, user: User) -> None:
        """`name`: what it signs in by. sqlite3.IntegrityError when it is taken."""
        self.run(
            "insert into users values (?,?,?,?,?,?,?,?,?,?,?)",
            pool.id, user.username, fold(pool, name), user.sub, *user.verifier, user.status, int(user.enabled),
            _json(user.attributes), user.created, user.modified,
        )  # fmt: skip

    def change_user(self, pool: Pool, user: User) -> None:
        folded = fold(pool, user.attributes.get("email", "")) if pool.settings.email_is_username else None
        self.run(
            "update users set salt=?, verifier=?, status=?, enabled=?, attributes=?, modified=?, "
            "folded=coalesce(?, folded) where pool=? and username=?",
            *user.verifier, user.status, int(user.enabled), _json(user.attributes), user.modified, folded, pool.id,
            user.username,
        )  # fmt: skip

    def drop_user(self, pool: Pool, username: str) -> None:
        with self.together():
            for table in ("users", "members", "codes", "sessions", "grants"):
                self.run(f"delete from {table} where pool=? and username=?", pool.id, username)

    def users(self, pool: Pool) -> list[User]:
        rows = self.run("select * from users where pool=? order by created, username", pool.id)
        return [_user(row) for row in rows]

    def groups_of(self, pool: Pool, username: str) -> list[str]:
        """By precedence, as Cognito lists them; those without one last."""
        rows = self.run(
            "select groups.name from groups join members using (pool, name) where pool=? and username=? "
            "order by precedence is null, precedence, groups.name",
            pool.id, username,
        )  # fmt: skip
        return [row["name"] for row in rows]


def fold(pool: Pool, name: str) -> str:
    return name if pool.settings.case_sensitive else name.casefold()


def _user(row: sqlite3.Row) -> User:
    return User(
        pool=row["pool"],
        username=row["username"],
        sub=row["sub"],
        verifier=Verifier(row["salt"], row["verifier"]),
        status=row["status"],
        enabled=bool(row["enabled"]),
        attributes=orjson.loads(row["attributes"]),
        created=row["created"],
        modified=row["modified"],
    )


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
