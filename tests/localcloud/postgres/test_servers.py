"""PostgreSQL servers run, keep what was committed whatever is killed, and say why when they do not."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klotho.localcloud.planes.postgres import PostgresError, _identifier, _literal
from klotho.localcloud.planes.processes import ProcessTable
from klotho.localcloud.planes.reaper import start_mark
from klotho.localcloud.planes.server_files import DatabaseError

pytestmark = pytest.mark.localcloud
Make = Callable[[], Any]


def run(cloud: Any, work: Callable[[Any], Awaitable[None]]) -> None:
    async def whole() -> None:
        await cloud.postgres.start()
        try:
            await work(cloud)
        finally:
            await cloud.postgres.stop()
            ProcessTable.of(cloud.state).close()

    asyncio.run(whole())


def connect(address: tuple[str, int], password: str = "pässword'\\", database: str = "shop", user: str = "app") -> Any:
    return psycopg.connect(
        host=address[0], port=address[1], user=user, password=password, dbname=database, autocommit=True
    )


async def ensure(cloud: Any, identifier: str = "shop-db", **options: Any) -> tuple[str, int]:
    given_options = {"master_user": "app", "master_password": "pässword'\\", "database": "shop", **options}
    found: tuple[str, int] = await cloud.postgres.ensure(identifier, **given_options)
    return found


def test_a_new_instance_takes_the_master_user_over_tcp_and_keeps_its_port_and_data(make_cloud: Make) -> None:
    addresses = []

    async def first(cloud: Any) -> None:
        addresses.append(await ensure(cloud))
        with connect(addresses[0]) as connection:
            connection.execute("create table orders (id int primary key)")
            connection.execute("insert into orders values (1), (2)")
            owner = connection.execute("select rolsuper, rolcreatedb from pg_roles where rolname = 'app'").fetchone()
            assert owner == (False, True)
            assert connection.execute("show fsync").fetchone() == ("on",)
        (unit,) = cloud.postgres.status()
        assert (unit.kind, unit.state, unit.address) == ("postgres", "running", f"127.0.0.1:{addresses[0][1]}")
        assert unit.detail.startswith("PostgreSQL 18")

    async def second(cloud: Any) -> None:
        addresses.append(await ensure(cloud))
        with connect(addresses[1]) as connection:
            assert connection.execute("select count(*) from orders").fetchone() == (2,)

    run(make_cloud(), first)
    run(make_cloud(), second)
    assert addresses[0] == addresses[1]


def test_a_wrong_password_is_refused_and_a_changed_one_works(make_cloud: Make) -> None:
    async def work(cloud: Any) -> None:
        address = await ensure(cloud)
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            connect(address, password="wrong")
        await cloud.postgres.set_password("shop-db", "app", "new")
        connect(address, password="new").close()
        assert "new" not in "\n".join(cloud.logs.tail("/aws/rds/instance/shop-db/postgresql", 100)).split()

    run(make_cloud(), work)


def test_the_admin_has_no_password_way_in(make_cloud: Make) -> None:
    async def work(cloud: Any) -> None:
        address = await ensure(cloud)
        with pytest.raises(psycopg.OperationalError):
            connect(address, user="rdsadmin", password="", database="postgres")
        with connect(address) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("alter role rdsadmin password 'mine'")

    run(make_cloud(), work)


def test_a_killed_server_is_back_by_itself_with_all_it_had_committed(make_cloud: Make) -> None:
    async def work(cloud: Any) -> None:
        address = await ensure(cloud)
        with connect(address) as connection:
            connection.execute("create table t (n int)")
            connection.execute("insert into t select generate_series(1, 1000)")
        os.kill(cloud.postgres.status()[0].pid, signal.SIGKILL)
        await _until(lambda: cloud.postgres.status()[0].restarts == 1 and cloud.postgres.status()[0].state == "running")
        with connect(address) as connection:
            assert connection.execute("select count(*) from t").fetchone() == (1000,)

    run(make_cloud(), work)


SUPERVISOR = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from conftest import cloud_at
async def main():
    cloud = cloud_at(Path(sys.argv[1]))
    await cloud.postgres.start()
    address = await cloud.postgres.ensure("shop-db", master_user="app", master_password="p", database="shop")
    print(address[1], cloud.postgres.status()[0].pid, flush=True)
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
        connection.execute("create table t (n int)")
        for acknowledged in range(1, 51):
            connection.execute("insert into t values (%s)", (acknowledged,))
        if also_watcher:
            for child in _children_of(supervisor.pid) - {pid}:
                os.kill(child, signal.SIGKILL)
        supervisor.kill()
        supervisor.wait()
    if not also_watcher:
        _wait(lambda: start_mark(pid) is None)

    async def work(cloud: Any) -> None:
        address = await ensure(cloud, master_password="p")
        assert start_mark(pid) is None
        with connect(address, password="p") as connection:
            assert connection.execute("select count(*) from t").fetchone() == (acknowledged,)

    run(make_cloud(), work)


def test_a_stale_pid_file_that_names_a_stranger_does_not_keep_it_from_starting(make_cloud: Make) -> None:
    stranger = subprocess.Popen([sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)"])

    async def work(cloud: Any) -> None:
        await ensure(cloud)
        await cloud.postgres.stop()
        (cloud.state / "postgres" / "shop-db" / "data" / "postmaster.pid").write_text(f"{stranger.pid}\n/x\n0\n1\n\n\n")
        connect(await ensure(cloud)).close()

    try:
        run(make_cloud(), work)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_port_in_use_is_named_with_its_holder(make_cloud: Make) -> None:
    async def work(cloud: Any) -> None:
        port = cloud.ports.of("postgres/shop-db")
        with socket.create_server(("127.0.0.1", port)):
            named = f"port {port} of DB instance shop-db is in use by .*pid {os.getpid()}"
            with pytest.raises(DatabaseError, match=named):
                await ensure(cloud)
            assert cloud.postgres.status()[0].state == "failed"
        connect(await ensure(cloud)).close()
        assert cloud.postgres.status()[0].state == "running"

    run(make_cloud(), work)


def come_back(cloud: Any) -> Awaitable[None]:
    found: Awaitable[None] = cloud.postgres.bring_back(
        "shop-db", parameters={}, engine_version=None, name="orders_db", application="shop"
    )
    return found


def test_a_stopped_instance_waits_for_its_port_and_comes_back_with_its_data(make_cloud: Make) -> None:
    async def work(cloud: Any) -> None:
        address = await ensure(cloud)
        with connect(address) as connection:
            connection.execute("create table orders as select 7 as id")
        await cloud.postgres.suspend("shop-db")
        await cloud.postgres.suspend("shop-db")
        assert cloud.postgres.status() == []
        with socket.create_server(address):
            await come_back(cloud)
            (unit,) = cloud.postgres.status()
            assert (unit.name, unit.state, unit.application) == ("orders_db", "failed", "shop")
            assert f"pid {os.getpid()}" in unit.detail
        async with asyncio.timeout(8):
            while cloud.postgres.status()[0].state != "running":
                await asyncio.sleep(0.02)
        assert cloud.postgres.status()[0].application == "shop"
        with connect(address) as connection:
            assert connection.execute("select id from orders").fetchone() == (7,)

    run(make_cloud(), work)


@pytest.mark.parametrize("version", ["16", "18"])
def test_a_data_folder_of_an_earlier_klotho_without_the_admins_password_works(make_cloud: Make, version: str) -> None:
    def password_file(cloud: Any) -> Path:
        return Path(cloud.state / "postgres" / "shop-db" / "data" / "klotho-admin-password")

    async def first(cloud: Any) -> None:
        await ensure(cloud, engine_version=version)
        password_file(cloud).unlink()

    async def second(cloud: Any) -> None:
        address = await ensure(cloud, engine_version=version, master_password="another")
        connect(address, "another").close()
        assert stat.S_IMODE(password_file(cloud).stat().st_mode) == 0o600

    run(make_cloud(), first)
    run(make_cloud(), second)


def test_nothing_is_written_beside_the_state_and_cache_folders(make_cloud: Make, tmp_path: Path) -> None:
    async def work(cloud: Any) -> None:
        before = {path.name for path in Path(tempfile.gettempdir()).iterdir()}
        address = await ensure(cloud)
        with connect(address) as connection:
            assert connection.execute("show unix_socket_directories").fetchone() == ("",)
            assert connection.execute("show dynamic_shared_memory_type").fetchone() == ("mmap",)
        made = {path.name for path in Path(tempfile.gettempdir()).iterdir()} - before
        assert not {name for name in made if "klotho-pg" in name or "PGSQL" in name}

    run(make_cloud(), work)


def test_a_bad_parameter_fails_with_the_servers_own_words(make_cloud: Make) -> None:
    async def work(cloud: Any) -> None:
        with pytest.raises(PostgresError, match=r"(?s)did not start.*no_such_setting"):
            await ensure(cloud, parameters={"no_such_setting": "1"})
        address = await ensure(cloud, parameters={"work_mem": "7MB"})
        with connect(address) as connection:
            assert connection.execute("show work_mem").fetchone() == ("7MB",)
        await ensure(cloud, parameters={"work_mem": "9MB"})
        with connect(address) as connection:
            assert connection.execute("show work_mem").fetchone() == ("9MB",)

    run(make_cloud(), work)


def test_the_nearest_server_version_stands_for_the_engine_version(make_cloud: Make) -> None:
    async def work(cloud: Any) -> None:
        address = await ensure(cloud, engine_version="16.4")
        with connect(address) as connection:
            assert connection.info.server_version // 10000 == 16

    run(make_cloud(), work)


def test_delete_removes_the_data_or_keeps_it_and_may_be_repeated(make_cloud: Make) -> None:
    async def work(cloud: Any) -> None:
        await ensure(cloud)
        folder = cloud.state / "postgres" / "shop-db"
        await cloud.postgres.delete("shop-db", keep_data=True)
        assert (folder / "data" / "PG_VERSION").exists()
        await ensure(cloud)
        copy = await cloud.postgres.snapshot("shop-db", "last")
        assert (copy / "PG_VERSION").exists()
        await cloud.postgres.delete("shop-db")
        await cloud.postgres.delete("shop-db")
        assert not folder.exists()
        assert cloud.postgres.status() == []
        assert (copy / "PG_VERSION").exists()

    run(make_cloud(), work)


def test_reserved_and_malformed_names_are_refused(make_cloud: Make) -> None:
    async def work(cloud: Any) -> None:
        with pytest.raises(PostgresError, match="reserved"):
            await ensure(cloud, master_user="rdsadmin")
        with pytest.raises(PostgresError, match="no DB instance identifier"):
            await ensure(cloud, "../elsewhere")

    run(make_cloud(), work)


def test_any_user_name_password_and_database_name_survives_the_way_into_sql(make_cloud: Make) -> None:
    text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20)

    async def work(cloud: Any) -> None:
        address = await ensure(cloud)
        loop = asyncio.get_running_loop()

        @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
        @given(text)
        def holds(value: str) -> None:
            with connect(address) as connection:
                assert connection.execute(f"select {_literal(value)}").fetchone() == (value,)
                row = connection.execute(f"select 1 as {_identifier('x' + value[:12])}")
                assert row.description is not None and row.description[0].name == "x" + value[:12]

        await loop.run_in_executor(None, holds)
        for password in ('it\'s :x \\ "q" $1', "\\connect template1\n"):
            await cloud.postgres.set_password("shop-db", "app", password)
            connect(address, password=password).close()

    run(make_cloud(), work)


async def _until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        await asyncio.sleep(0.02)


def _wait(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def _children_of(pid: int) -> set[int]:
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)
    pairs = (map(int, line.split()) for line in listed.stdout.splitlines())
    return {child for child, parent in pairs if parent == pid}
