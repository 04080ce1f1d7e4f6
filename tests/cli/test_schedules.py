"""A schedule from the program to a function that ran: at once when it is new, once per time, over a kill -9."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from klotho.localcloud import connect

pytestmark = pytest.mark.localcloud

PROGRAM = """
import klotho
from klotho import API, Compute, Databases, Schedule

klotho.Application("times", project="{project}")
runs = Databases.KeyValue("runs")
api = API("times-api")
report = Compute.Function("report", handler="main.report")
shown = Compute.Function("shown", handler="main.shown")
report.writes_to(runs)
shown.reads_from(runs)
report.triggered_by(Schedule("hourly", every="1 hour"))
report.triggered_by(Schedule("newyear", cron="0 0 1 1 ? *", timezone="Europe/Vienna"))
api.attach_service(shown, route="/runs")
"""
CODE = """
from klotho import config

def report(event, context):
    config.datastores.get("runs").put({"id": event["run"], **event})

def shown(event, context):
    return {"runs": [dict(item) for item in config.datastores.get("runs").scan()]}
"""


class Times:
    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.project = folder / "times", f"schedules-{os.getpid()}"
        self.folder.mkdir()
        (self.folder / "infra.py").write_text(PROGRAM.format(project=self.project))
        (self.folder / "main.py").write_text(CODE)
        monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
        monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        monkeypatch.delenv("CI", raising=False)

    @property
    def state(self) -> Path:
        return connect.state_folder(self.project, "local")

    def json(self, *arguments: str) -> dict[str, Any]:
        command = [sys.executable, "-m", "klotho.cli", *arguments, "--json"]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=90)
        assert done.returncode == 0, done.stdout + done.stderr
        return dict(json.loads(done.stdout))

    def runs(self, url: str) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{url}/runs", timeout=20) as answer:
            return list(json.loads(answer.read())["runs"])


def eventually(what: Callable[[], Any], seconds: float = 10) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := what()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


@pytest.fixture
def times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Times]:
    made = Times(tmp_path, monkeypatch)
    yield made
    connect.stop_any(made.state)


def test_a_new_rate_runs_at_once_and_not_again_before_its_time(times: Times) -> None:
    url = times.json("up")["outputs"]["times-api.url"]
    (first,) = eventually(lambda: times.runs(url))
    assert first["schedule"] == "hourly"
    assert (
        abs(time.time() - time.mktime(time.strptime(first["scheduled_at"], "%Y-%m-%dT%H:%M:%SZ")) + time.timezone) < 60
    )
    units = {unit["name"]: unit for unit in times.json("status")["units"] if unit["kind"] == "schedule"}
    assert set(units) == {"hourly", "newyear"}
    assert "-12-31T23:00:00Z" in units["newyear"]["detail"]

    running = connect.running(times.state)
    assert running is not None
    os.kill(running.pid, signal.SIGKILL)
    url = times.json("up")["outputs"]["times-api.url"]
    times.json("down")
    url = times.json("up")["outputs"]["times-api.url"]
    time.sleep(1)
    assert [item["run"] for item in times.runs(url)] == [first["run"]]

    # Another rate is a change in place, counted from now; taking the schedules away ends them.
    program = times.folder / "infra.py"
    text = program.read_text()
    program.write_text(text.replace("1 hour", "2 hours"))
    changed = {stack["name"]: stack["result"] for stack in times.json("up")["stacks"]}
    assert [name for name, result in changed.items() if result != "unchanged"] == ["report-function"]
    program.write_text("\n".join(line for line in text.splitlines() if "triggered_by" not in line))
    times.json("up")
    assert [unit for unit in times.json("status")["units"] if unit["kind"] == "schedule"] == []
    assert len(times.runs(url)) == 1
