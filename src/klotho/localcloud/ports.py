"""Loopback ports that stay the same for the life of a project's local cloud."""

from __future__ import annotations

import hashlib
import socket
from pathlib import Path

from klotho.localcloud.database import Database

FIRST, LAST = 20000, 29999


class Ports:
    """Hands out a port per name, remembers it, and prefers the same number each time a state folder is made anew.

    A number depends on project, environment and state folder, so that local clouds beside each other stay apart even
    while one of them is stopped; what is handed out is remembered and never changes.
    """

    def __init__(self, database: Database, project: str, environment: str, state: Path | None = None) -> None:
        """`state`: the state folder, so that two folders with a project of the same name prefer different ports."""
        self._database = database
        self._seed = f"{project}/{environment}/{state or ''}"

    def of(self, name: str, beside: int = 0) -> int:
        """The port for `name` (`api/shop`, `service/orders/http`): the remembered one, else a free one.

        `beside`: how far from it is another port that must be free as well, when it is chosen.
        """
        row = self._database.connection.execute("select port from ports where name=?", (name,)).fetchone()
        if row is not None:
            return int(row["port"])
        with self._database.transaction() as connection:  # others choose at the same time, in threads of theirs
            taken = {int(row["port"]) for row in connection.execute("select port from ports")}
            port = self._free(name, beside, taken)
            connection.execute("insert into ports values (?,?)", (name, port))
        return port

    def _free(self, name: str, beside: int, taken: set[int]) -> int:
        span = LAST - FIRST + 1
        start = int.from_bytes(hashlib.sha256(f"{self._seed}/{name}".encode()).digest()[:4], "big") % span
        for step in range(span):
            port = FIRST + (start + step) % span
            if port not in taken and is_free(port) and (beside == 0 or is_free(port + beside)):
                return port
        raise OSError(f"no free port between {FIRST} and {LAST} on 127.0.0.1 for {name}")

    def release(self, name: str) -> None:
        with self._database.transaction() as connection:
            connection.execute("delete from ports where name=?", (name,))


def is_free(port: int) -> bool:
    """Whether a server could bind this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
