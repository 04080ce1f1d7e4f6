"""Applications that share a local cloud, programs that moved or broke, and addresses somebody else has."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from klotho.cli.starter import starter_files
from klotho.localcloud import connect

pytestmark = pytest.mark.localcloud


class Desk:
    """A person's folders, all with the same state folder."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.state = home / "state" / "klotho" / "default" / "local"

    def starter(self, folder: str, name: str) -> Path:
        for path, text in starter_files(name).items():
            (self.home / folder / path).parent.mkdir(parents=True, exist_ok=True)
            (self.home / folder / path).write_text(text)
        return self.home / folder

    def klotho(self, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "klotho.cli", *arguments],
            cwd=folder, capture_output=True, text=True, timeout=90, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert "Traceback" not in done.stdout + done.stderr
        return done

    def json(self, folder: Path, *arguments: str) -> dict[str, Any]:
        done = self.klotho(folder, *arguments, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        return dict(json.loads(done.stdout))


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CI", raising=False)
    yield Desk(tmp_path)
    connect.stop_any(tmp_path / "state" / "klotho" / "default" / "local")


def visits(url: str) -> int:
    with urlopen(f"{url}/", timeout=10) as answer:
        return int(json.loads(answer.read())["visits"])


def refuses(url: str) -> bool:
    parts = urlsplit(url)
    assert parts.hostname is not None and parts.port is not None
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex((parts.hostname, parts.port)) != 0


def test_down_stops_one_application_and_leaves_the_others_as_they_are(desk: Desk) -> None:
    shop, other = desk.starter("a", "shop"), desk.starter("b", "other")
    first = desk.json(shop, "up")["outputs"]["web.url"]
    second = desk.json(other, "up")["outputs"]["web.url"]
    assert visits(first) == visits(second) == 1
    assert "other applications run beside it" in desk.klotho(shop, "status").stderr
    mine = desk.json(shop, "status")
    assert {unit["application"] for unit in mine["units"]} == {"shop"}
    assert "other applications of the project:" in desk.klotho(shop, "status", "--all").stdout

    said = desk.klotho(shop, "down").stderr
    assert "stopped shop in local" in said and "still running: other" in said
    assert refuses(first) and visits(second) == 2
    assert desk.json(shop, "status")["state"] == "stopped"
    again = desk.klotho(shop, "down").stderr
    assert "shop in local was not running: there is nothing to do" in again and "stopping" not in again

    last = desk.klotho(other, "down").stderr
    assert "still running" not in last
    assert connect.running(desk.state) is None

    assert visits(desk.json(other, "up")["outputs"]["web.url"]) == 3
    assert refuses(first)
    assert desk.json(other, "down")["was_running"] is True

    gone = desk.klotho(shop, "down", "--delete-data", "shop").stderr
    assert "deleted shop in local and all its data" in gone and "running" not in gone.splitlines()[-1]
    assert connect.running(desk.state) is None
    assert desk.json(shop, "status")["state"] == "absent"
    assert visits(desk.json(other, "up")["outputs"]["web.url"]) == 4


def test_the_same_application_from_another_folder_is_refused_until_it_is_taken_over(desk: Desk) -> None:
    a, b = desk.starter("a", "shop"), desk.starter("b", "shop")
    url = desk.json(a, "up")["outputs"]["web.url"]
    assert visits(url) == 1
    for command in (("up",), ("down", "--delete-data", "shop")):
        done = desk.klotho(b, *command)
        assert done.returncode == 1
        assert "error[application-elsewhere]" in done.stderr
        assert str(a) in done.stderr and str(b) in done.stderr and "--take-over" in done.stderr
    assert visits(url) == 2
    assert f"shop was brought up from {a}, not from {b}" in desk.klotho(b, "down").stderr
    assert desk.klotho(b, "up", "--take-over").returncode == 0
    assert desk.klotho(a, "up").returncode == 1
    shutil.rmtree(b)
    taken = desk.klotho(a, "up")
    assert taken.returncode == 0
    assert f"{b}, where it was brought up from, holds no program now" in taken.stderr
    assert visits(url) == 3
    assert desk.klotho(a, "up").returncode == 0


def test_commands_work_when_the_program_is_broken_or_gone(desk: Desk, tmp_path: Path) -> None:
    shop = desk.starter("a", "shop")
    url = desk.json(shop, "up")["outputs"]["web.url"]
    assert visits(url) == 1
    (shop / "infra.py").write_text("def broken(:\n")
    for command in (["status"], ["outputs", "web.url"], ["logs"]):
        done = desk.klotho(shop, *command)
        assert done.returncode == 0, done.stderr
        assert "infra.py has mistakes: going on with shop (project default)" in done.stderr
    assert desk.klotho(shop, "outputs", "web.url").stdout.strip() == url
    (shop / "infra.py").unlink()
    gone = desk.klotho(shop, "status")
    assert (gone.returncode, "infra.py is not here: going on with shop" in gone.stderr) == (0, True)
    elsewhere = desk.klotho(tmp_path, "status")
    assert (elsewhere.returncode, "--app NAME" in elsewhere.stderr) == (6, True)
    assert desk.json(tmp_path, "status", "--app", "shop", "--project", "default")["state"] == "running"
    assert desk.klotho(tmp_path, "down", "--app", "shop").returncode == 0

    kept = desk.klotho(tmp_path, "logs", "--app", "shop")
    assert (kept.returncode, "REPORT RequestId" in kept.stdout) == (0, True)
    assert "shop is stopped: this is what its logs have kept" in kept.stderr
    assert desk.json(shop, "down", "--delete-data", "shop")["data_deleted"] is True
    assert not desk.state.exists()


def test_up_does_not_say_up_while_somebody_else_has_the_port_of_an_api(desk: Desk) -> None:
    shop = desk.starter("a", "shop")
    url = desk.json(shop, "up")["outputs"]["web.url"]
    desk.json(shop, "down")
    port = urlsplit(url).port
    assert port is not None
    with http.server.HTTPServer(("127.0.0.1", port), http.server.BaseHTTPRequestHandler) as stranger:
        threading.Thread(target=stranger.serve_forever, daemon=True).start()
        done = desk.klotho(shop, "up", "--json")
        stranger.shutdown()
    assert done.returncode == 4, done.stdout + done.stderr
    data = json.loads(done.stdout)
    assert (data["ok"], data["diagnostics"][0]["code"]) == (False, "unit-failed")
    assert str(port) in data["diagnostics"][0]["message"] + str(data["diagnostics"][0]["notes"])
    assert visits(desk.json(shop, "up")["outputs"]["web.url"]) == 1


def test_a_failed_stack_is_shown_with_its_first_cause(desk: Desk) -> None:
    shop = desk.starter("a", "shop")
    program = shop / "infra.py"
    program.write_text(program.read_text() + 'Compute.Container(name="svc", context="./svc").reads_from(visits)\n')
    (shop / "svc").mkdir()
    (shop / "svc" / "Dockerfile").write_text('FROM python:3.12\nCOPY main.py .\nCMD ["python", "main.py"]\n')
    (shop / "svc" / "main.py").write_text('raise SystemExit("no coffee today")\n')
    assert desk.klotho(shop, "up").returncode == 4
    failed = next(line for line in desk.klotho(shop, "status").stdout.splitlines() if "ROLLBACK_COMPLETE" in line)
    assert "AWS::ECS::Service" in failed


def test_data_nobody_can_read_is_named_and_can_be_deleted(desk: Desk) -> None:
    shop = desk.starter("a", "shop")
    desk.json(shop, "up")
    desk.json(shop, "down")
    for database in desk.state.glob("*.db"):
        database.write_bytes(b"no database" * 1000)
    done = desk.klotho(shop, "up")
    assert done.returncode == 1
    assert done.stderr.count("error[damaged-data]") == 1
    assert str(desk.state) in done.stderr
    assert "Traceback" not in done.stderr and "supervisor.py" not in done.stderr
    assert desk.json(shop, "down", "--delete-data", "shop")["data_deleted"] is True
    assert not desk.state.exists()


def test_a_deployment_goes_on_when_the_reader_of_its_progress_goes_away(desk: Desk) -> None:
    shop = desk.starter("a", "shop")
    with subprocess.Popen(
        [sys.executable, "-m", "klotho.cli", "up", "--json"],
        cwd=shop, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ),
    ) as process:  # fmt: skip
        assert process.stdout is not None and process.stderr is not None
        process.stderr.readline()
        process.stderr.close()
        out = process.stdout.read()
        assert process.wait(timeout=60) == 0
    assert json.loads(out)["ok"] is True
    assert desk.json(shop, "status")["state"] == "running"


def test_consent_names_the_constructs_whose_data_would_go(desk: Desk) -> None:
    shop = desk.starter("a", "shop")
    desk.json(shop, "up")
    done = desk.klotho(shop, "down", "--delete-data", "visits")
    assert (done.returncode, "with `visits` and its data" in done.stderr) == (2, True)


def test_a_cache_folder_that_can_not_be_used_is_named_with_what_to_do(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = desk.starter("a", "shop")
    (desk.home / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(desk.home / "file"))
    done = desk.klotho(shop, "up", "--json")
    assert done.returncode == 1
    (item,) = json.loads(done.stdout)["diagnostics"]
    assert item["code"] == "file-refused"
    assert str(desk.home / "file") in item["message"]
    assert any("XDG_CACHE_HOME" in line for line in item["helps"])


def test_data_that_is_gone_already_is_not_named_again(desk: Desk) -> None:
    shop = desk.starter("a", "shop")
    desk.json(shop, "up")
    program = shop / "infra.py"
    program.write_text(
        program.read_text().replace('Databases.KeyValue(name="visits"', 'Databases.KeyValue(name="carts"')
    )
    assert "delete the data of `visits`" in desk.klotho(shop, "up").stderr
    assert "with `visits` and its data" in desk.klotho(shop, "down", "--delete-data", "x").stderr
    desk.json(shop, "up", "--delete-data", "visits")
    assert "with `carts` and its data" in desk.klotho(shop, "down", "--delete-data", "x").stderr
