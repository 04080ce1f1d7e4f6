"""MySQL servers run, take TLS only where told so, keep what was committed, and say why when they do not run."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pymysql
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klotho.localcloud.planes import mysql_programs
from klotho.localcloud.planes.mysql import MySqlError
from klotho.localcloud.planes.processes import ProcessTable
from klotho.localcloud.planes.reaper import start_mark
from klotho.localcloud.planes.server_certificate import issue, trusting
from klotho.localcloud.planes.server_files import DatabaseError

pytestmark = pytest.mark.localcloud
Make = Callable[[], Any]
TRUST: dict[str, Any] = {}
"""What the test's clients verify the server with."""
PASSWORD = "p'a\\s\"s%s"


def run(cloud: Any, work: Callable[[Any], Awaitable[None]]) -> None:
    async def whole() -> None:
        await cloud.mysql.start()
        try:
            await work(cloud)
        finally:
            await cloud.mysql.stop()
            ProcessTable.of(cloud.state).close()

    asyncio.run(whole())


def connect(address: tuple[str, int], password: str = PASSWORD, user: str = "app", **options: Any) -> Any:
    given_options = {"database": "shop", "ssl": TRUST.get("tls"), "autocommit": True, **options}
    return pymysql.connect(host=address[0], port=address[1], user=user, password=password, **given_options)


def ask(connection: Any, statement: str, *values: object) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


async def ensure(cloud: Any, identifier: str = "shop-db", **options: Any) -> tuple[str, int]:
    issue(cloud.state)
    TRUST["tls"] = trusting(cloud.state)
    given_options = {"master_user": "app", "master_password": PASSWORD, "database": "shop", **options}
    found: tuple[str, int] = await cloud.mysql.ensure(identifier, **given_options)
    return found


def test_a_new_instance_takes_the_master_user_over_tcp_and_keeps_its_port_and_data(make_cloud: Make) -> None:
    addresses = []

    async def first(cloud: Any) -> None:
        addresses.append(await ensure(cloud))
        with connect(addresses[0]) as connection:
            ask(connection, "create table orders (id int primary key)")
            ask(connection, "insert into orders values (1), (2)")
            assert ask(connection, "show variables like 'innodb_flush_log_at_trx_commit'")[0][1] == "1"
            assert "ONLY_FULL_GROUP_BY" in ask(connection, "select @@sql_mode")[0][0]
            assert ask(connection, "select @@character_set_database") == (("utf8mb4",),)
            assert ask(connection, "select @@socket") == (("",),)
        (unit,) = cloud.mysql.status()
        assert (unit.kind, unit.state, unit.address) == ("mysql", "running", f"127.0.0.1:{addresses[0][1]}")

    async def second(cloud: Any) -> None:
        addresses.append(await ensure(cloud))
        with connect(addresses[1]) as connection:
            assert ask(connection, "select count(*) from orders") == ((2,),)

    run(make_cloud(), first)
    run(make_cloud(), second)
    assert addresses[0] == addresses[1]


def test_without_tls_nobody_comes_in_where_the_parameter_group_says_so(make_cloud: Make) -> None:
    async def work(cloud: Any) -> None:
        address = await ensure(cloud, parameters={"require_secure_transport": "1"})
        with connect(address) as connection:
            assert ask(connection, "show status like 'ssl_version'")[0][1].startswith("TLS")
        with pytest.raises(pymysql.err.OperationalError, match=r"Access denied|insecure transport"):
            connect(address, ssl=None, ssl_disabled=True)
        assert await ensure(cloud) == address
        connect(address, ssl=None, ssl_disabled=True).close()

    run(make_cloud(), work)


def test_a_wrong_password_is_refused_and_a_changed_one_works(make_cloud: Make) -> None:
    async def work(cloud: Any) -> None:
        address = await ensure(cloud)
        with pytest.raises(pymysql.err.OperationalError, match="Access denied"):
            connect(address, password="wrong")
        await cloud.mysql.set_password("shop-db", "app", "new-one")
        connect(address, password="new-one").close()
        assert "new-one" not in "\n".join(cloud.logs.tail("/aws/rds/instance/shop-db/error", 100))

    run(make_cloud(), work)


def test_no_account_is_left_without_a_password(make_cloud: Make) -> None:
    async def work(cloud: Any) -> None:
        address = await ensure(cloud)
        for user in ("root", "rdsadmin", ""):
            with pytest.raises(pymysql.err.OperationalError, match="Access denied"):
                connect(address, user=user, password="", database=None)
        folder = cloud.state / "mysql" / "shop-db" / "data"
        for name in ("klotho-admin-password", "klotho-server-key.pem"):
            assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600

    run(make_cloud(), work)


def test_a_killed_server_is_back_by_itself_with_all_it_had_committed(make_cloud: Make) -> None:
    async def work(cloud: Any) -> None:
        address = await ensure(cloud)
        with connect(address) as connection:
            ask(connection, "create table t (n int)")
            for number in range(200):
                ask(connection, "insert into t values (%s)", number)
        os.kill(cloud.mysql.status()[0].pid, signal.SIGKILL)
        await _until(lambda: cloud.mysql.status()[0].restarts == 1 and cloud.mysql.status()[0].state == "running")
        with connect(address) as connection:
            assert ask(connection, "select count(*) from t") == ((200,),)

    run(make_cloud(), work)


SUPERVISOR = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from conftest import mysql_cloud_at
async def main():
    cloud = mysql_cloud_at(Path(sys.argv[1]))
    await cloud.mysql.start()
    address = await cloud.mysql.ensure("shop-db", master_user="app", master_password="p", database="shop")
    print(address[1], cloud.mysql.status()[0].pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


@pytest.mark.parametrize("also_watcher", [False, True])
def test_every_acknowledged_commit_is_there_after_a_kill_9_of_the_supervisor(
    make_cloud: Make, tmp_path: Path, also_watcher: bool
) -> None:
    supervisor = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, str(tmp_path / "state"), str(Path(__file__).parent)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert supervisor.stdout is not None
    port, pid = map(int, supervisor.stdout.readline().split())
    acknowledged = 0
    with connect(("127.0.0.1", port), password="p") as connection:
        ask(connection, "create table t (n int)")
        for acknowledged in range(1, 51):
            ask(connection, "insert into t values (%s)", acknowledged)
        if also_watcher:
            for child in _children_of(supervisor.pid) - {pid}:
                os.kill(child, signal.SIGKILL)
        supervisor.kill()
        supervisor.wait()

    async def work(cloud: Any) -> None:
        address = await ensure(cloud, master_password="p")
        assert start_mark(pid) is None
        with connect(address, password="p") as connection:
            assert ask(connection, "select count(*) from t") == ((acknowledged,),)

    run(make_cloud(), work)


def test_a_stopped_instance_waits_for_its_port_and_comes_back_with_its_data(make_cloud: Make) -> None:
    async def work(cloud: Any) -> None:
        address = await ensure(cloud)
        with connect(address) as connection:
            ask(connection, "create table orders as select 7 as id")
        await cloud.mysql.suspend("shop-db")
        await cloud.mysql.suspend("shop-db")
        assert cloud.mysql.status() == []
        with socket.create_server(address):
            with pytest.raises(DatabaseError, match=f"in use by .*pid {os.getpid()}"):
                await ensure(cloud)
            await cloud.mysql.bring_back(
                "shop-db", parameters={}, engine_version=None, name="orders_db", application="shop"
            )
            (unit,) = cloud.mysql.status()
            assert (unit.name, unit.state, unit.application) == ("orders_db", "failed", "shop")
        await _until(lambda: cloud.mysql.status()[0].state == "running")
        with connect(address) as connection:
            assert ask(connection, "select id from orders") == ((7,),)

    run(make_cloud(), work)


def test_a_bad_parameter_fails_with_the_servers_own_words(make_cloud: Make) -> None:
    async def work(cloud: Any) -> None:
        with pytest.raises(MySqlError, match=r"(?s)did not start.*no[-_]such[-_]setting"):
            await ensure(cloud, parameters={"no_such_setting": "1"})
        address = await ensure(cloud, parameters={"max_allowed_packet": "2097152"})
        with connect(address) as connection:
            assert ask(connection, "select @@max_allowed_packet") == ((2097152,),)

    run(make_cloud(), work)


def test_delete_removes_the_data_and_a_snapshot_stays(make_cloud: Make) -> None:
    async def work(cloud: Any) -> None:
        await ensure(cloud)
        folder = cloud.state / "mysql" / "shop-db"
        copy = await cloud.mysql.snapshot("shop-db", "last")
        await cloud.mysql.delete("shop-db")
        await cloud.mysql.delete("shop-db")
        assert not folder.exists()
        assert cloud.mysql.status() == []
        assert (copy / "shop").is_dir()

    run(make_cloud(), work)


def test_reserved_and_malformed_names_are_refused(make_cloud: Make) -> None:
    async def work(cloud: Any) -> None:
        with pytest.raises(MySqlError, match="reserved"):
            await ensure(cloud, master_user="rdsadmin")
        with pytest.raises(MySqlError, match="no DB instance identifier"):
            await ensure(cloud, "../elsewhere")

    run(make_cloud(), work)


def test_any_user_name_password_and_database_name_survives_the_way_into_sql(make_cloud: Make) -> None:
    printable = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)

    async def work(cloud: Any) -> None:
        address = await ensure(cloud)
        loop = asyncio.get_running_loop()

        @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
        @given(printable, printable)
        def holds(password: str, database: str) -> None:
            name = f"d{database}".replace("/", "_").replace("\\", "_").rstrip(".")
            made = cloud.mysql.ensure("shop-db", master_user="app", master_password=password, database=name)
            asyncio.run_coroutine_threadsafe(made, loop).result()
            connect(address, password=password, database=name).close()

        await loop.run_in_executor(None, holds)

    run(make_cloud(), work)


def test_a_machine_without_a_server_says_what_to_install(
    make_cloud: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(mysql_programs, "_FOLDERS", ())

    async def work(cloud: Any) -> None:
        with pytest.raises(MySqlError, match=r"none is on this machine: install MariaDB: `.*mariadb"):
            await ensure(cloud)
        assert cloud.mysql.status()[0].state == "failed"

    run(make_cloud(), work)


def test_data_of_mysql_is_not_handed_to_mariadb(make_cloud: Make) -> None:
    async def work(cloud: Any) -> None:
        await ensure(cloud)
        await cloud.mysql.suspend("shop-db")
        made_by = cloud.state / "mysql" / "shop-db" / "data" / "klotho-made-by"
        other = "8.4.7" if "MariaDB" in made_by.read_text() else "10.11.1-MariaDB"
        made_by.write_text(other)
        with pytest.raises(MySqlError, match=r"was made by (MySQL 8\.4\.7|MariaDB 10\.11\.1)"):
            await ensure(cloud)

    run(make_cloud(), work)


async def _until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        await asyncio.sleep(0.02)


def _children_of(pid: int) -> set[int]:
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)
    pairs = (map(int, line.split()) for line in listed.stdout.splitlines())
    return {child for child, parent in pairs if parent == pid}
