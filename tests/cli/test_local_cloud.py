"""The commands against a real local cloud: up, call, change, fail, look, down."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from klotho.cli.starter import starter_files
from klotho.driver import deployment, local_cloud
from klotho.driver.program import find_program
from klotho.localcloud import connect

pytestmark = pytest.mark.localcloud

BROKEN_CONTAINER = """
svc = Compute.Container(name="svc", context="./svc")
svc.reads_from(visits)
"""


class Shop:
    """The starter application in a folder of its own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder / "shop"
        for name, text in starter_files("shop").items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)
        monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
        monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        monkeypatch.delenv("CI", raising=False)

    def klotho(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "klotho.cli", *arguments],
            cwd=self.folder, capture_output=True, text=True, timeout=90, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert "Traceback" not in done.stdout + done.stderr
        return done

    def json(self, *arguments: str) -> dict[str, Any]:
        done = self.klotho(*arguments, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        return dict(json.loads(done.stdout))

    def tables(self) -> list[str]:
        """The names, as the program gives them, of the tables that live in the local cloud."""
        import boto3

        connection = connect.running(connect.state_folder("default", "local"))
        assert connection is not None
        client = boto3.client(
            "dynamodb",
            endpoint_url=connection.endpoint_url,
            region_name=connection.region,
            aws_access_key_id=connection.access_key,
            aws_secret_access_key=connection.secret_key,
        )
        return sorted(name.split("--")[3].partition("-")[0] for name in client.list_tables()["TableNames"])

    def visit(self, url: str) -> int:
        with urllib.request.urlopen(f"{url}/", timeout=10) as answer:
            return int(json.loads(answer.read())["visits"])


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    yield Shop(tmp_path, monkeypatch)
    connect.stop_any(connect.state_folder("default", "local"))


def results(up: dict[str, Any]) -> dict[str, str]:
    return {stack["name"]: stack["result"] for stack in up["stacks"]}


def test_from_nothing_to_an_answer_and_down_and_up_again(shop: Shop) -> None:
    first = shop.json("up")
    url = first["outputs"]["web.url"]
    assert set(results(first).values()) == {"created"}
    assert [shop.visit(url), shop.visit(url)] == [1, 2]
    assert shop.klotho("outputs", "web.url").stdout.strip() == url

    status = shop.json("status")
    assert (status["state"], {stack["status"] for stack in status["stacks"]}) == ("running", {"CREATE_COMPLETE"})
    assert {unit["kind"] for unit in status["units"]} >= {"api", "function"}

    logs = shop.klotho("logs", "hello")
    assert "REPORT RequestId" in logs.stdout
    unknown = shop.klotho("logs", "helo")
    assert (unknown.returncode, "did you mean `hello`?" in unknown.stderr) == (6, True)

    down = shop.klotho("down")
    assert "kept" in down.stderr
    assert shop.json("status")["state"] == "stopped"
    assert connect.running(connect.state_folder("default", "local")) is None

    again = shop.json("up")
    assert set(results(again).values()) == {"unchanged"}
    assert shop.visit(again["outputs"]["web.url"]) == 3

    assert shop.json("down", "--delete-data", "shop")["data_deleted"] is True
    assert not connect.state_folder("default", "local").exists()


def test_following_logs_shows_new_lines_and_ends_well_with_ctrl_c(shop: Shop) -> None:
    url = shop.json("up")["outputs"]["web.url"]
    with subprocess.Popen(
        [sys.executable, "-m", "klotho.cli", "logs", "-f", "hello", "--json"],
        cwd=shop.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None and process.stderr is not None
        json.loads(process.stdout.readline())
        shop.visit(url)
        for line in process.stdout:
            if "REPORT RequestId" in json.loads(line)["message"]:
                break
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 0
        assert process.stderr.read() == ""


def test_an_unchanged_up_makes_one_reading_call_and_no_other(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    make = local_cloud._session

    def counted(*given: Any) -> local_cloud.Session:
        session = make(*given)
        session.clients.events.register("before-call", lambda model, **kwargs: calls.append(model.name))
        return session

    monkeypatch.setattr(local_cloud, "_session", counted)
    program = find_program(shop.folder)
    assert deployment.up(program, None, lambda event: None).deployment.ok
    assert calls.count("CreateStack") == 3
    calls.clear()
    assert deployment.up(program, None, lambda event: None).deployment.ok
    assert calls == ["DescribeStacks"]


def test_changing_the_code_of_a_function_touches_exactly_its_stack(shop: Shop) -> None:
    url = shop.json("up")["outputs"]["web.url"]
    handler = shop.folder / "functions" / "hello.py"
    handler.write_text(handler.read_text().replace('int(item["count"])', '100 + int(item["count"])'))
    preview = shop.json("preview")
    assert {item["name"]: item["action"] for item in preview["stacks"]}["hello-function"] == "update"
    assert results(shop.json("up")) == {
        "visits-keyvalue": "unchanged",
        "web-api": "unchanged",
        "hello-function": "updated",
    }
    assert shop.visit(url) == 101


def test_a_container_that_dies_is_named_with_its_last_words_and_the_rest_runs(shop: Shop) -> None:
    program = shop.folder / "infra.py"
    program.write_text(program.read_text() + BROKEN_CONTAINER)
    (shop.folder / "svc").mkdir()
    (shop.folder / "svc" / "Dockerfile").write_text('FROM python:3.12\nCOPY main.py .\nCMD ["python", "main.py"]\n')
    (shop.folder / "svc" / "main.py").write_text('raise SystemExit("no coffee today")\n')
    done = shop.klotho("up")
    assert done.returncode == 4
    assert "error[stack-failed]: `svc` could not be deployed" in done.stderr
    assert "no coffee today" in done.stderr
    assert "infra.py:" in done.stderr
    assert shop.visit(shop.klotho("outputs", "web.url").stdout.strip()) == 1


def test_taking_a_table_out_of_the_program_is_refused_until_the_data_may_go(shop: Shop) -> None:
    shop.json("up")
    program = shop.folder / "infra.py"
    lines = program.read_text().splitlines()
    program.write_text("\n".join(line for line in lines if "visits" not in line))
    refused = shop.klotho("up", "--yes")
    assert refused.returncode == 1
    assert "error[data-would-be-deleted]" in refused.stderr
    assert shop.tables() == ["visits"]
    assert results(shop.json("up", "--delete-data", "visits"))["visits-keyvalue"] == "deleted"
    assert shop.tables() == []


def test_two_applications_of_a_project_share_a_local_cloud_and_go_one_by_one(shop: Shop) -> None:
    other = shop.folder.parent / "other"
    other.mkdir()
    (other / "infra.py").write_text(
        'import klotho\nklotho.Application("other")\nklotho.Databases.KeyValue(name="notes")\n'
    )
    shop.json("up")
    shop.json("up", str(other))
    assert shop.tables() == ["notes", "visits"]
    gone = shop.json("down", str(other), "--delete-data", "other")
    assert (gone["data_deleted"], gone["other_applications"]) == (True, ["shop"])
    assert shop.tables() == ["visits"]
    assert shop.json("status")["state"] == "running"


def test_a_killed_up_is_finished_by_the_next_one(shop: Shop) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "klotho.cli", "up"], cwd=shop.folder, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "creating" in line:
            process.kill()
            break
    process.wait()
    process.stderr.close()
    done = shop.json("up")
    assert shop.visit(done["outputs"]["web.url"]) == 1


def test_ctrl_c_ends_with_8_and_one_line(shop: Shop) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "klotho.cli", "up"], cwd=shop.folder, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    assert process.stderr is not None
    for line in process.stderr:
        if "starting the local cloud" in line:
            os.killpg(process.pid, signal.SIGINT)
            break
    rest = process.stderr.read()
    assert process.wait(timeout=20) == 8
    assert rest.count("cancelled") == 1
    assert "Traceback" not in rest
    process.stderr.close()
    # The supervisor it had begun to start goes on by itself: wait for it, so that the fixture finds and stops it.
    # If Ctrl-C came before its process began, there is none to wait for.
    state, begun = connect.state_folder("default", "local"), time.monotonic()
    while connect.running(state) is None and time.monotonic() < begun + 20:
        if time.monotonic() > begun + 2 and not connect.is_locked(state):
            break
        time.sleep(0.05)
