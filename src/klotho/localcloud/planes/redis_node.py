"""One Redis server of a cache, and how the supervisor talks to it.

Input: a server and the words of a command. Output: its answer. Refuses, as `RedisError`, what the server refuses.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from klotho.localcloud.planes.database_servers import HOST, Server
from klotho.localcloud.planes.redis_programs import Program, RedisError

ADMIN = "klotho-supervisor"


@dataclass(slots=True, kw_only=True)
class RedisServer(Server):
    program: Program

    @property
    def pidfile(self) -> Path:
        return self.data.parent / "server.pid"

    @property
    def is_cluster(self) -> bool:
        return self.parameters.get("cluster") == "yes"


def cache_of(node: str) -> str:
    return node.rpartition("-")[0]


def admin_password(data: Path) -> str:
    """The supervisor's password of a data folder, made the first time."""
    path = data / "klotho-admin-password"
    if not path.exists():
        draft = path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(24))
        draft.rename(path)
    return path.read_text()


class Talk:
    """A connection to a server as the supervisor: commands in, the protocol's own answers out, texts as bytes."""

    def __init__(self, server: RedisServer) -> None:
        import redis

        self.server = server
        make: Any = redis.Connection
        self._failure = redis.RedisError
        self._connection = make(
            host=HOST,
            port=server.own_port,
            username=ADMIN,
            password=admin_password(server.data),
            socket_timeout=15,
            protocol=2,
        )

    def __enter__(self) -> Talk:
        return self

    def __exit__(self, *args: object) -> None:
        self._connection.disconnect()

    @property
    def port(self) -> int:
        """By which clients, and the tables of slots, know the node."""
        return self.server.port

    def ask(self, *words: str | int | bytes) -> Any:
        """One command; `RedisError` when the server refuses it."""
        try:
            self._connection.send_command(*words)
            return self._connection.read_response()
        except self._failure as error:
            raise RedisError(f"{self.server.identifier}: {error}") from error


def ask(server: RedisServer, *words: str | int | bytes) -> Any:
    """One command on a connection of its own."""
    with Talk(server) as talk:
        return talk.ask(*words)
