"""PostgreSQL and Redis for originals: servers of this machine, without data, over TCP."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from klotho.localcloud.planes.postgres_programs import ADMIN, admin_password, copy_template, programs
from klotho.localcloud.planes.redis_programs import program


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


@contextlib.contextmanager
def redis_servers(folders: pytest.TempPathFactory) -> Iterator[tuple[int, int]]:
    """The ports of a server, and of a cluster of one node."""
    ports, running = [], []
    for options in ((), ("--cluster-enabled", "yes", "--cluster-announce-ip", "127.0.0.1")):
        ports.append(free_port() % 20000 + 10000)  # a cluster's bus is 10,000 above it
        command = [str(program().path), "--port", str(ports[-1]), "--save", "", "--bind", "127.0.0.1", *options]
        running.append(subprocess.Popen(command, cwd=folders.mktemp("redis"), stdout=subprocess.DEVNULL))
    try:
        _all_slots(ports[1])
        yield ports[0], ports[1]
    finally:
        for server in running:
            server.terminate()
            server.wait(10)


def _all_slots(port: int) -> None:
    client = redis.Redis(port=port)
    for _ in range(100):
        try:
            client.execute_command("CLUSTER", "ADDSLOTS", *range(16384))
            return
        except redis.ConnectionError:
            time.sleep(0.05)
    raise AssertionError("Redis does not start")
