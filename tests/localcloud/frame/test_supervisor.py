"""The supervisor's life: one per folder, healthy or a named refusal, and nothing left behind."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sqlite3
import stat
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from klotho.localcloud import connect, installation, startup_failure
from klotho.localcloud.applications import Applications
from klotho.localcloud.database import Database
from klotho.localcloud.handler import Record
from klotho.localcloud.ports import Ports
from klotho.localcloud.supervisor import lock
from klotho.localcloud.world import World

pytestmark = pytest.mark.localcloud

PROGRAM = Path(__file__).with_name("small_supervisor.py")


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return bool(found.stdout.strip()) and not found.stdout.startswith("Z")


def wait_until(done: Callable[[], Any], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


class Runs:
    """Starts small supervisors in one state folder and ends what is left of them."""

    def __init__(self, state: Path) -> None:
        self.state = state
        # Ports follow from the project's name: a name of its own keeps runs beside each other apart.
        self.project = f"shop-{uuid.uuid4().hex[:8]}"
        self.processes: list[subprocess.Popen[bytes]] = []

    def launch(self, region: str = "eu-west-1", **environment: str) -> subprocess.Popen[bytes]:
        self.state.mkdir(exist_ok=True)
        with (self.state / connect.LOG_FILE).open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, str(PROGRAM), self.project, "local", str(self.state), region],
                stderr=log, stdout=log, start_new_session=True, env={**os.environ, **environment},
            )  # fmt: skip
        self.processes.append(process)
        return process

    def up(self, **environment: str) -> connect.Connection:
        process = self.launch(**environment)
        wait_until(lambda: process.poll() is not None or connect.running(self.state))
        found = connect.running(self.state)
        assert found is not None, connect.log_tail(self.state)
        return found

    def log(self) -> str:
        return "\n".join(connect.log_tail(self.state))


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    found = Runs(tmp_path / "state")
    yield found
    for process in found.processes:
        if process.poll() is None:
            process.kill()
        process.wait()
    connect.stop_any(found.state)


def child_pids(connection: connect.Connection) -> list[int]:
    return [unit["pid"] for unit in connection.status()["units"]]


def client(connection: connect.Connection, service: str) -> Any:
    make: Any = boto3.client
    return make(
        service,
        endpoint_url=connection.endpoint_url,
        region_name=connection.region,
        aws_access_key_id=connection.access_key,
        aws_secret_access_key=connection.secret_key,
    )


def test_it_says_how_to_reach_it_to_this_user_only(runs: Runs) -> None:
    connection = runs.up()
    assert stat.S_IMODE((runs.state / connect.RUNNING_FILE).stat().st_mode) == 0o600
    assert client(connection, "sts").get_caller_identity()["Arn"].endswith("user/deployer")
    status = connection.status()
    assert (status["project"], status["environment"], status["region"]) == (runs.project, "local", "eu-west-1")
    assert (status["endpoint"], status["problems"]) == (connection.endpoint_url, [])
    assert [unit["name"] for unit in status["units"]] == ["functions", "gateway"]
    for secret in (connection.token, connection.secret_key):
        assert secret not in repr(connection)
        assert secret not in (runs.state / connect.LOG_FILE).read_text()


@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT", "stop"])
def test_when_it_stops_nothing_of_it_is_left_and_data_stay(runs: Runs, how: str) -> None:
    connection = runs.up()
    client(connection, "secretsmanager").create_secret(Name="kept", SecretString="v")
    pids = child_pids(connection)
    assert len(pids) == 2
    assert all(alive(pid) for pid in pids)
    if how == "stop":
        connect.stop(connection)
    else:
        os.kill(connection.pid, getattr(signal, how))
    assert runs.processes[0].wait(10) == 0
    assert not [pid for pid in pids if alive(pid)]
    assert not (runs.state / connect.RUNNING_FILE).exists()
    again = runs.up()
    assert (again.endpoint_url, again.access_key) == (connection.endpoint_url, connection.access_key)
    assert client(again, "secretsmanager").get_secret_value(SecretId="kept")["SecretString"] == "v"


def test_its_children_die_with_it_however_it_is_killed(runs: Runs) -> None:
    connection = runs.up()
    pids = child_pids(connection)
    os.kill(connection.pid, signal.SIGKILL)
    wait_until(lambda: not any(alive(pid) for pid in pids))
    assert connect.running(runs.state) is None
    assert (runs.state / connect.RUNNING_FILE).exists()
    assert runs.up().endpoint_url == connection.endpoint_url


def test_a_second_one_in_the_same_folder_is_refused(runs: Runs) -> None:
    first = runs.up()
    assert runs.launch().wait(10) == connect.EXIT_ALREADY_RUNNING
    assert "another supervisor runs in" in runs.log()
    assert connect.running(runs.state) == first


def test_a_probe_of_the_lock_does_not_keep_a_supervisor_out(tmp_path: Path) -> None:
    descriptor = lock(tmp_path)
    assert connect.is_locked(tmp_path)
    os.close(descriptor)
    assert not connect.is_locked(tmp_path)
    assert (tmp_path / connect.LOCK_FILE).read_text() == str(os.getpid())
    assert not connect.is_locked(tmp_path / "nothing")


def test_data_of_a_newer_klotho_are_refused_by_name(runs: Runs) -> None:
    runs.state.mkdir()
    with sqlite3.connect(runs.state / "state.sqlite3") as database:
        database.execute("pragma user_version=999")
    process = runs.launch()
    assert process.wait(10) == connect.EXIT_NEWER_DATA
    failure = startup_failure.read(runs.state, process.pid)
    assert failure is not None and failure.code == "newer-data"
    assert f"{runs.state / 'state.sqlite3'} has data format 999, this Klotho reads up to" in failure.message
    assert failure.helps
    assert startup_failure.read(runs.state, process.pid + 1) is None
    connect.delete_data(runs.state)
    assert not runs.state.exists()


@pytest.mark.parametrize("content", [b"no database at all" * 400, b"SQLite format 3\0" + b"\xff" * 8000])
def test_a_damaged_database_is_refused_by_name_and_can_be_deleted(runs: Runs, content: bytes) -> None:
    runs.state.mkdir()
    (runs.state / "state.sqlite3").write_bytes(content)
    process = runs.launch()
    assert process.wait(10) == connect.EXIT_DAMAGED_DATA
    failure = startup_failure.read(runs.state, process.pid)
    assert failure is not None and failure.code == "damaged-data"
    assert str(runs.state / "state.sqlite3") in failure.message
    connect.delete_data(runs.state)
    assert not runs.state.exists()


def test_a_taken_port_is_named_and_nothing_is_left(runs: Runs) -> None:
    import socket

    connection = runs.up()
    connect.stop(connection)
    port = int(connection.endpoint_url.rpartition(":")[2])
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        process = runs.launch()
        assert process.wait(10) == connect.EXIT_PORT_IN_USE
    failure = startup_failure.read(runs.state, process.pid)
    assert failure is not None and failure.code == "port-in-use"
    assert re.search(rf"port {port} on 127.0.0.1 is in use by .+ \(pid {os.getpid()}\)", failure.message)
    runs.up()
    assert not (runs.state / startup_failure.FAILED_FILE).exists()


def test_data_of_another_region_are_refused(runs: Runs) -> None:
    connect.stop(runs.up())
    assert runs.launch(region="us-east-1").wait(10) == connect.EXIT_OTHER_REGION
    assert "the data are of region eu-west-1, asked for us-east-1" in runs.log()


def test_live_resources_are_brought_back_data_first_and_a_broken_one_alone_fails(runs: Runs) -> None:
    database = Database(runs.state / "state.sqlite3")
    world = World(database)
    for logical_id, type_name in [
        ("Api", "AWS::ApiGatewayV2::Api"),
        ("Function", "AWS::Lambda::Function"),
        ("Database", "AWS::RDS::DBInstance"),
        ("Broken", "AWS::Lambda::Function"),
        ("Unknown", "AWS::Newer::Type"),
    ]:
        world.put(Record(type_name, logical_id, {}, {}, "t", "s", "s", logical_id, {}))
    database.close()
    status = runs.up().status()
    assert status["units"][1]["detail"] == "Database,Function,Api"
    assert status["problems"] == [
        "bringing back Broken (AWS::Lambda::Function): can't come back",
        "bringing back Unknown (AWS::Newer::Type): this Klotho has no handler for the type",
    ]


def test_a_plane_that_does_not_start_is_shown_and_the_rest_runs(runs: Runs) -> None:
    status = runs.up(BREAK_PLANE="functions").status()
    assert status["problems"] == ["starting functions: this plane was told to break"]
    assert status["units"][1]["pid"]


def test_it_is_healthy_when_its_services_are_ready(runs: Runs) -> None:
    status = runs.up(READY_AFTER="0.7").status()
    assert {unit["state"] for unit in status["units"]} == {"running"}


def test_stop_any_ends_what_a_killed_supervisor_and_its_watcher_left(runs: Runs) -> None:
    connection = runs.up()
    pids = child_pids(connection)
    watchers = subprocess.run(["pgrep", "-P", str(connection.pid)], capture_output=True, text=True, check=True)
    for pid in {int(pid) for pid in watchers.stdout.split()} - set(pids):
        os.kill(pid, signal.SIGKILL)
    os.kill(connection.pid, signal.SIGKILL)
    runs.processes[0].wait()
    assert all(alive(pid) for pid in pids)
    assert connect.stop_any(runs.state) is False
    assert not any(alive(pid) for pid in pids)


def test_one_that_is_still_starting_or_hangs_can_be_stopped(runs: Runs) -> None:
    process = runs.launch(SLOW_START="0.5")
    wait_until(lambda: connect.is_locked(runs.state))
    assert connect.running(runs.state) is None
    assert connect.stop_any(runs.state) is True
    assert process.wait(5) == 0
    connection = runs.up()
    pids = child_pids(connection)
    os.kill(connection.pid, signal.SIGSTOP)
    assert connect.stop_any(runs.state, timeout_s=0.2) is True
    assert not any(alive(pid) for pid in pids)


def test_data_are_deleted_only_when_nothing_runs(runs: Runs) -> None:
    connection = runs.up()
    with pytest.raises(connect.LocalCloudError, match="is running"):
        connect.delete_data(runs.state)
    assert connect.stop_any(runs.state) is True
    connect.delete_data(runs.state)
    connect.delete_data(runs.state)
    assert not runs.state.exists()
    with pytest.raises(connect.LocalCloudError, match="does not answer"):
        connection.status()


def test_it_is_healthy_soon(runs: Runs) -> None:
    runs.up()
    (line,) = [line for line in connect.log_tail(runs.state) if "healthy at" in line]
    assert float(line.rpartition("after ")[2].split()[0]) < 2.0  # measured: 0.3 s on an idle machine


def test_a_stale_or_damaged_file_is_no_running_supervisor(tmp_path: Path) -> None:
    assert connect.running(tmp_path / "nothing") is None
    for text in ("", "{", "[]", "{}", json.dumps({"pid": "x"})):
        (tmp_path / connect.RUNNING_FILE).write_text(text)
        assert connect.running(tmp_path) is None


SHOP, OTHER = {"klotho:application": "shop"}, {"klotho:application": "other"}


def with_two_applications(runs: Runs) -> connect.Connection:
    """`shop` with a function and a database, `other` with a function, and a function that belongs to none."""
    database = Database(runs.state / "state.sqlite3")
    world = World(database)
    for logical_id, type_name, tags in [
        ("ShopFunction", "AWS::Lambda::Function", SHOP),
        ("ShopDatabase", "AWS::RDS::DBInstance", SHOP),
        ("OtherFunction", "AWS::Lambda::Function", OTHER),
        ("NobodysFunction", "AWS::Lambda::Function", {}),
    ]:
        world.put(Record(type_name, logical_id, {}, {}, "t", "s", "s", logical_id, tags))
    database.close()
    return runs.up()


def live(connection: connect.Connection) -> set[str]:
    return set(connection.status()["units"][1]["detail"].split(",")) - {""}


def test_one_application_is_stopped_and_the_others_go_on(runs: Runs) -> None:
    connection = with_two_applications(runs)
    everything = live(connection)
    assert connection.applications() == {"other": "running", "shop": "running"}
    assert connection.pause("shop") == {"other": "running", "shop": "stopped"}
    assert live(connection) == {"OtherFunction", "NobodysFunction"}
    assert connection.pause("shop") == connection.pause("unknown") == {"other": "running", "shop": "stopped"}
    assert connection.resume("shop") == {"other": "running", "shop": "running"}
    assert live(connection) == everything


@pytest.mark.parametrize("killed", [True, False])
def test_a_stopped_application_stays_stopped_over_a_restart(runs: Runs, killed: bool) -> None:
    connection = with_two_applications(runs)
    connection.pause("shop")
    if killed:
        os.kill(connection.pid, signal.SIGKILL)
        runs.processes[0].wait()
    else:
        connect.stop(connection)
    again = runs.up()
    assert again.applications() == {"other": "running", "shop": "stopped"}
    assert live(again) == {"OtherFunction", "NobodysFunction"}
    again.resume("shop")
    connect.stop(again)
    assert "ShopDatabase" in live(runs.up())


def test_an_application_that_is_deployed_runs_from_then_on(tmp_path: Path) -> None:
    async def attempt(what: str, step: Callable[[], Any]) -> None:
        await step()

    database = Database(tmp_path / "state.sqlite3")
    world = World(database)
    world.put(Record("AWS::Lambda::Function", "F", {}, {}, "t", "s", "s", "F", SHOP))
    applications = Applications(database, world, {}, attempt)

    async def scenario() -> None:
        with pytest.raises(Exception, match="no handler for the type"):
            await applications.resume("shop")
        await applications.pause("shop")
        assert applications.states() == {"shop": "stopped"}
        await applications.deploying(OTHER)
        assert applications.states() == {"shop": "stopped"}
        with pytest.raises(Exception, match="no handler for the type"):
            await applications.deploying(SHOP)
        assert applications.states() == {"shop": "running"}

    asyncio.run(scenario())


def test_what_is_deleted_while_others_are_brought_back_stays_away(tmp_path: Path) -> None:
    database = Database(tmp_path / "state.sqlite3")
    world, brought = World(database), list[str]()
    for type_name in ("AWS::Lambda::Function", "AWS::ApiGatewayV2::Api"):
        world.put(Record(type_name, "It", {}, {}, "t", "s", "s", "It", SHOP))

    class Handling:
        async def resume(self, record: Record) -> None:
            brought.append(record.type_name)
            world.remove("AWS::ApiGatewayV2::Api", "It")

    async def attempt(what: str, step: Callable[[], Any]) -> None:
        await step()

    handlers: Any = dict.fromkeys(("AWS::Lambda::Function", "AWS::ApiGatewayV2::Api"), Handling())
    asyncio.run(Applications(database, world, handlers, attempt).bring_back())
    assert brought == ["AWS::Lambda::Function"]


def test_what_has_failed_is_no_problem_any_more_once_it_works(runs: Runs) -> None:
    database = Database(runs.state / "state.sqlite3")
    World(database).put(Record("AWS::Lambda::Function", "Flaky", {}, {}, "t", "s", "s", "Flaky", SHOP))
    database.close()
    connection = runs.up()
    assert connection.status()["problems"] == ["bringing back Flaky (AWS::Lambda::Function): not yet"]
    connection.resume("shop")
    assert connection.status()["problems"] == []


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with pytest.raises(connect.LocalCloudError, match=str(tmp_path / "file")) as caught:
        connect.start("shop", "local", "eu-west-1")
    assert (caught.value.code, caught.value.log_tail) == ("state-folder", ())
    assert "XDG_STATE_HOME" in caught.value.helps[0]
    state = connect.state_folder("shop", "local")
    assert connect.running(state) is None
    assert connect.is_locked(state) is False


def test_a_refused_start_says_why_without_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    state = connect.state_folder("shop", "local")
    state.mkdir(parents=True)
    (state / connect.LOG_FILE).write_text("an old line\n")
    (state / "state.sqlite3").write_bytes(b"no database at all" * 400)
    with pytest.raises(connect.LocalCloudError, match="is damaged") as caught:
        connect.start("shop", "local", "eu-west-1")
    assert (caught.value.code, caught.value.log_tail) == ("damaged-data", ())
    assert any("--delete-data" in line for line in caught.value.helps)
    connect.delete_data(state)
    assert list((tmp_path / "klotho").iterdir()) == []


def test_only_lines_of_this_start_are_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "executable", "/bin/false")
    state = connect.state_folder("shop", "local")
    state.mkdir(parents=True)
    (state / connect.LOG_FILE).write_text("an old line\n")
    with pytest.raises(connect.LocalCloudError, match="ended at its start") as caught:
        connect.start("shop", "local", "eu-west-1")
    assert (caught.value.code, caught.value.log_tail) == ("start-failed", ())


def test_a_supervisor_of_other_code_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    project = f"shop-{uuid.uuid4().hex[:8]}"
    said: list[str] = []
    # The repository's files may change while tests run: the code is what this test says it is.
    monkeypatch.setattr(connect, "fingerprint", lambda: json.loads(running_file.read_text())["fingerprint"])
    running_file = connect.state_folder(project, "local") / connect.RUNNING_FILE
    first = connect.start(project, "local", "eu-west-1", said.append)
    try:
        assert connect.start(project, "local", "eu-west-1", said.append).pid == first.pid
        monkeypatch.setattr(connect, "fingerprint", lambda: "other code")
        assert connect.start(project, "local", "eu-west-1", said.append).pid != first.pid
        assert "restarting the local cloud (Klotho's code has changed since it was started)" in said
    finally:
        connect.stop_any(first.state)


def test_the_fingerprint_follows_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("localcloud", "catalogue/facts", "runtime"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.setattr(installation, "_PACKAGE", tmp_path)
    empty = installation.fingerprint()
    (tmp_path / "localcloud" / "new.py").write_text("x = 1")
    one = installation.fingerprint()
    (tmp_path / "localcloud" / "notes.txt").write_text("nothing that runs")
    assert empty != one == installation.fingerprint()
    (tmp_path / "localcloud" / "new.py").write_text("x = 22")
    assert installation.fingerprint() != one


def test_projects_of_one_name_in_two_folders_prefer_different_ports(tmp_path: Path) -> None:
    found = []
    for name in ("a", "b", "a"):
        database = Database(tmp_path / f"{len(found)}.sqlite3")
        found.append(Ports(database, "shop", "local", tmp_path / name).of("api/shop"))
        database.close()
    assert found[0] == found[2] != found[1]
