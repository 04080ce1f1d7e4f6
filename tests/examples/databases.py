"""A PostgreSQL for originals: a server of this machine, without data, over TCP."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from klotho.localcloud.planes.postgres_programs import ADMIN, admin_password, copy_template, programs


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextlib.contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """Its URL."""
    found, port, data = programs(None), free_port(), folder / "data"
    copy_template(found, data, folder / "cache")
    url = f"postgresql://{ADMIN}:{admin_password(found, data)}@127.0.0.1:{port}/postgres"
    settings = ("-p", str(port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=")
    command = found.command("postgres", "-D", str(data), *settings, data=data)
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(url)
        yield url
    finally:
        server.terminate()
        server.wait(20)


def _wait(url: str) -> None:
    for _ in range(100):
        try:
            psycopg.connect(url).close()
            return
        except psycopg.OperationalError:
            time.sleep(0.1)
    raise AssertionError("PostgreSQL does not start")
