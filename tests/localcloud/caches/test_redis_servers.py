"""Caches run, keep what was acknowledged, let in whom they should, and move keys when the number of shards changes."""

from __future__ import annotations

import asyncio
import json
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

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st
from redis.cluster import RedisCluster

from klotho.localcloud.planes import redis_programs
from klotho.localcloud.planes.processes import ProcessTable
from klotho.localcloud.planes.redis import RedisError, User
from klotho.localcloud.planes.server_certificate import authority
from klotho.localcloud.planes.server_files import DatabaseError

pytestmark = pytest.mark.localcloud
Make = Callable[[], Any]
PASSWORD = "correct-horse-battery"
Address = tuple[str, int]
TRUST: dict[str, Any] = {"ssl": True, "ssl_check_hostname": True}
"""How the test's clients verify the server; `ensure` adds the authority."""


def run(cloud: Any, work: Callable[[Any], Awaitable[None]]) -> None:
    async def whole() -> None:
        await cloud.redis.start()
        try:
            await work(cloud)
        finally:
            await cloud.redis.stop()
            ProcessTable.of(cloud.state).close()

    asyncio.run(whole())


async def ensure(cloud: Any, shards: int | None = None, rules: str = "on ~* &* +@all") -> Address:
    """A cache with one user, `app`."""
    TRUST["ssl_ca_certs"] = str(authority(cloud.state).certificate_file)
    await cloud.redis.set_user("nobody", User.of("default", "off -@all", (PASSWORD,)))
    await cloud.redis.set_user("app", User.of("app", rules, (PASSWORD,)))
    await cloud.redis.set_group("group", ["nobody", "app"])
    found: Address = await cloud.redis.open("shop", shards=shards, groups=["group"])
    return found


def connect(address: Address, password: str = PASSWORD) -> Any:
    login = {"username": "app", "password": password}
    return redis.Redis(host=address[0], port=address[1], decode_responses=True, **login, **TRUST)


def connect_cluster(address: Address) -> Any:
    login = {"username": "app", "password": PASSWORD}
    return RedisCluster(host=address[0], port=address[1], decode_responses=True, **login, **TRUST)


def test_a_cache_keeps_its_port_and_its_keys(make_cloud: Make) -> None:
    addresses = []

    async def first(cloud: Any) -> None:
        addresses.append(await ensure(cloud))
        connect(addresses[0]).set("a", "1")
        (unit,) = cloud.redis.status()
        assert (unit.kind, unit.state, unit.address) == ("redis", "running", f"127.0.0.1:{addresses[0][1]}")

    async def second(cloud: Any) -> None:
        await cloud.redis.back("shop", shards=None, name="shop", application=None)
        assert connect(addresses[0]).get("a") == "1", "users and keys are there without anything deployed again"

    run(make_cloud(), first)
    run(make_cloud(), second)


def test_users_change_while_it_runs_and_passwords_are_nowhere_in_clear(make_cloud: Make, tmp_path: Path) -> None:
    async def work(cloud: Any) -> None:
        address = await ensure(cloud, rules="on ~* -@all +@read")
        with pytest.raises(redis.exceptions.NoPermissionError):
            connect(address).set("a", "1")
        await cloud.redis.set_user("app", User.of("app", "on ~* -@all +@write", ("another-long-password",)))
        connect(address, "another-long-password").set("a", "1")
        with pytest.raises(redis.exceptions.AuthenticationError):
            connect(address).ping()
        await cloud.redis.set_group("group", ["nobody"])
        with pytest.raises(redis.exceptions.AuthenticationError):
            connect(address, "another-long-password").ping()
        with pytest.raises(redis.exceptions.AuthenticationError):
            redis.Redis(host=address[0], port=address[1], **TRUST).ping()
        for path in (tmp_path / "state").rglob("*"):
            if path.is_file():
                assert PASSWORD.encode() not in path.read_bytes(), path
        for name in ("redis/access.json", "redis/shop-0001/data/users.acl"):
            assert stat.S_IMODE((tmp_path / "state" / name).stat().st_mode) == 0o600

    run(make_cloud(), work)


def test_an_access_string_the_server_does_not_take_is_refused_and_not_kept(make_cloud: Make) -> None:
    async def work(cloud: Any) -> None:
        address = await ensure(cloud)
        with pytest.raises(RedisError, match="Unknown command or category"):
            await cloud.redis.set_user("app", User.of("app", "on ~* +no-such-command", (PASSWORD,)))
        assert connect(address).ping()
        await cloud.redis.suspend("shop-0001")
        await cloud.redis.back("shop", shards=None, name="shop", application=None)
        assert connect(address).ping()

    run(make_cloud(), work)


@pytest.mark.parametrize("word", [">secret", "#abc", "nopass", "reset", "!x", "<x"])
def test_passwords_and_resets_are_no_part_of_an_access_string(word: str) -> None:
    with pytest.raises(RedisError, match="can't be in an access string"):
        User.of("app", f"on ~* {word}", (PASSWORD,))


@given(st.text(max_size=20), st.text(max_size=40), st.text(min_size=1))
def test_whatever_is_given_a_user_is_one_line(name: str, rules: str, password: str) -> None:
    try:
        line = User.of(name, rules, (password.encode("utf-8", "replace").decode(),)).line()
    except RedisError:
        return
    assert len(line.splitlines()) == 1 and line.split()[1] == name


def test_a_killed_cache_is_back_by_itself_with_all_it_had_acknowledged(make_cloud: Make) -> None:
    async def work(cloud: Any) -> None:
        address = await ensure(cloud)
        client = connect(address)
        for number in range(500):
            client.set(f"k{number}", number)
        os.kill(cloud.redis.status()[0].pid, signal.SIGKILL)
        await _until(lambda: cloud.redis.status()[0].restarts == 1 and cloud.redis.status()[0].state == "running")
        assert connect(address).dbsize() == 500

    run(make_cloud(), work)


SUPERVISOR = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from conftest import redis_cloud_at
from klotho.localcloud.planes.redis import User
async def main():
    cloud = redis_cloud_at(Path(sys.argv[1]))
    await cloud.redis.start()
    await cloud.redis.set_user("nobody", User.of("default", "off", ("p",)))
    await cloud.redis.set_user("app", User.of("app", "on ~* &* +@all", (sys.argv[3],)))
    await cloud.redis.set_group("group", ["nobody", "app"])
    address = await cloud.redis.open("shop", shards=int(sys.argv[4]) or None, groups=["group"])
    print(address[1], flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


@pytest.mark.parametrize("shards", [0, 2])
def test_every_acknowledged_key_is_there_after_a_kill_9_of_the_supervisor(
    make_cloud: Make, tmp_path: Path, shards: int
) -> None:
    supervisor = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, str(tmp_path / "state"), str(Path(__file__).parent), PASSWORD, str(shards)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert supervisor.stdout is not None
    address = ("127.0.0.1", int(supervisor.stdout.readline()))
    client = connect_cluster(address) if shards else connect(address)
    for number in range(100):
        client.set(f"k{number}", number)
    supervisor.kill()
    supervisor.wait()

    async def work(cloud: Any) -> None:
        await ensure(cloud, shards or None)
        again = connect_cluster(address) if shards else connect(address)
        assert [again.get(f"k{number}") for number in range(100)] == [str(number) for number in range(100)]

    run(make_cloud(), work)


def test_no_port_of_a_cluster_is_one_that_systems_give_to_outgoing_connections(make_cloud: Make) -> None:
    async def work(cloud: Any) -> None:
        await ensure(cloud, 2)
        ports = [int(unit.address.rpartition(":")[2]) for unit in cloud.redis.status()]
        assert all(port + 10000 < 32768 for port in ports), ports

    run(make_cloud(), work)


def test_a_port_beside_which_another_is_taken_is_not_chosen(make_cloud: Make) -> None:
    ports = make_cloud().ports
    first = ports.of("redis/first", beside=-10000)
    ports.release("redis/first")
    with socket.create_server(("127.0.0.1", first - 10000)):
        assert ports.of("redis/first", beside=-10000) != first


@pytest.mark.timeout(300)
def test_keys_move_when_the_number_of_shards_changes(make_cloud: Make) -> None:
    async def work(cloud: Any) -> None:
        address = await ensure(cloud, 2)
        client = await asyncio.to_thread(connect_cluster, address)
        for number in range(300):
            client.set(f"k{number}", number)
        for shards in (3, 1):
            assert await ensure(cloud, shards) == address
            client = await asyncio.to_thread(connect_cluster, address)
            assert len(client.get_primaries()) == shards
            assert [client.get(f"k{number}") for number in range(300)] == [str(number) for number in range(300)]
            assert len(cloud.redis.status()) == shards

    run(make_cloud(), work)


def test_a_stopped_cache_waits_for_its_port_and_comes_back(make_cloud: Make) -> None:
    async def work(cloud: Any) -> None:
        address = await ensure(cloud)
        connect(address).set("a", "1")
        await cloud.redis.close("shop", None)
        await cloud.redis.close("shop", None)
        assert cloud.redis.status() == []
        with socket.create_server(address):
            with pytest.raises(DatabaseError, match=f"in use by .*pid {os.getpid()}"):
                await ensure(cloud)
            await cloud.redis.back("shop", shards=None, name="cache", application="shop")
            (unit,) = cloud.redis.status()
            assert (unit.name, unit.state, unit.application) == ("cache", "failed", "shop")
        await _until(lambda: cloud.redis.status()[0].state == "running")
        assert connect(address).get("a") == "1"

    run(make_cloud(), work)


def test_delete_removes_the_keys_and_a_snapshot_stays(make_cloud: Make) -> None:
    async def work(cloud: Any) -> None:
        connect(await ensure(cloud)).set("a", "1")
        copy = await cloud.redis.keep("shop", None, "last")
        await cloud.redis.remove("shop", None)
        await cloud.redis.remove("shop", None)
        assert not (cloud.state / "redis" / "shop-0001").exists()
        assert "shop" not in json.loads((cloud.state / "redis" / "access.json").read_text())["caches"]
        assert list(copy.rglob("*.aof"))

    run(make_cloud(), work)


def test_data_of_a_newer_server_is_refused(make_cloud: Make) -> None:
    async def work(cloud: Any) -> None:
        await ensure(cloud)
        await cloud.redis.close("shop", None)
        (cloud.state / "redis" / "shop-0001" / "data" / "klotho-made-by").write_text("99.0.1")
        with pytest.raises(RedisError, match=r"was written by version 99\.0\.1"):
            await ensure(cloud)

    run(make_cloud(), work)


def test_the_bundled_server_does_and_a_machine_without_any_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    redis_programs.program.cache_clear()
    assert redis_programs.program().version >= (6, 2)
    monkeypatch.setattr(redis_programs, "find_spec", lambda name: None)
    redis_programs.program.cache_clear()
    with pytest.raises(RedisError, match="pip install 'klotho"):
        redis_programs.program()
    redis_programs.program.cache_clear()


async def _until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        await asyncio.sleep(0.02)
