"""PostgreSQL takes no connection without TLS, and its certificate is verified: by psycopg, pg8000, libpq's cancel."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pg8000.native
import psycopg
import pytest

from klotho.localcloud.planes.processes import ProcessTable
from klotho.localcloud.planes.server_certificate import authority, trusting

pytestmark = pytest.mark.localcloud
Address = tuple[str, int]
PASSWORD = "correct-horse"


def run(cloud: Any, work: Callable[[Any, Address], Awaitable[None]]) -> None:
    async def whole() -> None:
        await cloud.postgres.start()
        try:
            address = await cloud.postgres.ensure(
                "shop-db", master_user="app", master_password=PASSWORD, database="shop"
            )
            await work(cloud, address)
        finally:
            await cloud.postgres.stop()
            ProcessTable.of(cloud.state).close()

    asyncio.run(whole())


def connect(address: Address, **options: Any) -> psycopg.Connection[Any]:
    login = {"user": "app", "password": PASSWORD, "dbname": "shop"}
    return psycopg.connect(host=address[0], port=address[1], connect_timeout=10, **login, **options)


def test_a_plain_connection_is_refused_and_a_verified_one_taken(make_cloud: Callable[[], Any]) -> None:
    async def work(cloud: Any, address: Address) -> None:
        file = str(authority(cloud.state).certificate_file)
        with pytest.raises(psycopg.OperationalError, match=r'no pg_hba\.conf entry .* user "app".* no encryption'):
            connect(address, sslmode="disable")
        with connect(address, sslmode="verify-full", sslrootcert=file) as connection:
            assert connection.pgconn.used_password and connection.execute("select 1").fetchone() == (1,)
            large = connection.execute("select repeat('x', 5000000)").fetchone()
            assert large is not None and len(large[0]) == 5_000_000
        with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
            connect(address, sslmode="verify-full", sslrootcert="system")
        with pytest.raises(psycopg.OperationalError, match="certificate"):
            connect(
                ("localhost.localdomain", address[1]), hostaddr="127.0.0.1", sslmode="verify-full", sslrootcert=file
            )
        pure = pg8000.native.Connection(
            "app", host=address[0], port=address[1], database="shop", password=PASSWORD,
            ssl_context=trusting(cloud.state),
        )  # fmt: skip
        assert pure.run("select 2") == [[2]]
        pure.close()

    run(make_cloud(), work)


CANCELS = """
import sys, threading, psycopg
with psycopg.connect(sys.argv[1]) as connection:
    threading.Timer(0.3, getattr(connection, sys.argv[2])).start()
    try:
        connection.execute("select pg_sleep(30)")
    except psycopg.errors.QueryCanceled:
        print("cancelled")
"""
"""In a process of its own: the older way holds the interpreter's lock until the front, in this one, has answered."""


@pytest.mark.parametrize("way", ["cancel", "cancel_safe"])
def test_a_statement_is_cancelled_in_the_clear_as_old_clients_do_and_with_tls(
    make_cloud: Callable[[], Any], way: str
) -> None:
    async def work(cloud: Any, address: Address) -> None:
        url = f"postgresql://app:{PASSWORD}@{address[0]}:{address[1]}/shop"
        command = [sys.executable, "-c", CANCELS, url, way]
        made = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60)
        assert made.stdout.strip() == "cancelled", made.stderr

    run(make_cloud(), work)


def test_who_speaks_nonsense_is_hung_up_on_and_others_are_served(make_cloud: Callable[[], Any]) -> None:
    async def work(cloud: Any, address: Address) -> None:
        for nonsense in (b"GET / HTTP/1.1\r\n\r\n", struct.pack("!ii", 2**30, 196608), struct.pack("!ii", 8, 80877104)):
            with socket.create_connection(address, timeout=15) as talk:
                talk.sendall(nonsense)
                talk.shutdown(socket.SHUT_WR)
                assert talk.recv(100) in (b"", b"N")
        with socket.create_connection(address, timeout=15) as talk:
            talk.sendall(struct.pack("!ii", 8, 80877103))
            assert talk.recv(1) == b"S"
            with (
                pytest.raises(ssl.SSLError),
                ssl.create_default_context().wrap_socket(talk, server_hostname="localhost"),
            ):
                pass  # pragma: no cover
        with connect(address) as connection:
            assert connection.execute("select 1").fetchone() == (1,)

    run(make_cloud(), work)
