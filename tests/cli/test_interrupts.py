"""Ctrl-C to a real `klotho up`: the first one finishes what has begun, the second one ends the command at once."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from klotho.localcloud import connect
from tests.cli.test_local_cloud import Shop, results

pytestmark = pytest.mark.localcloud

SLOW_CONTAINER = """
svc = Compute.Container(name="svc", context="./svc")
hello.calls(svc)
"""
SLOW_START_S = 8
SLOW_MAIN = f"""
import os, time
from http.server import BaseHTTPRequestHandler, HTTPServer

time.sleep({SLOW_START_S})


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()


HTTPServer(("", int(os.environ["PORT"])), Answer).serve_forever()
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """The starter application with a container that takes its time, which its function needs."""
    made = Shop(tmp_path, monkeypatch)
    program = made.folder / "infra.py"
    program.write_text(program.read_text() + SLOW_CONTAINER)
    (made.folder / "svc").mkdir()
    (made.folder / "svc" / "Dockerfile").write_text('FROM python:3.12\nCOPY main.py .\nCMD ["python", "main.py"]\n')
    (made.folder / "svc" / "main.py").write_text(SLOW_MAIN)
    yield made
    connect.stop_any(connect.state_folder("default", "local"))


def interrupted(shop: Shop, times: int) -> tuple[int, str, float]:
    """Exit code, progress after the first Ctrl-C, and seconds from it to the end."""
    with subprocess.Popen(
        [sys.executable, "-m", "klotho.cli", "up"], cwd=shop.folder, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "svc-container: creating" in line:
                break
        process.send_signal(signal.SIGINT)
        begun, said = time.monotonic(), ""
        for line in process.stderr:
            said += line
            if times == 2 and "stopping: " in line:
                process.send_signal(signal.SIGINT)
        return process.wait(timeout=30), said, time.monotonic() - begun


def test_the_first_ctrl_c_finishes_what_has_begun_and_running_again_does_the_rest(shop: Shop) -> None:
    code, said, _ = interrupted(shop, 1)
    assert code == 8
    assert "stopping: nothing new begins; waiting for CloudFormation to finish svc-container" in said
    assert "svc-container: created" in said
    assert "hello-function: not begun" in said
    assert "error[cancelled]: stopped as you asked" in said
    assert "not begun: hello-function" in said
    assert "Traceback" not in said
    again = shop.json("up")
    assert (results(again)["svc-container"], results(again)["hello-function"]) == ("unchanged", "created")
    assert shop.visit(again["outputs"]["web.url"]) == 1


def test_the_second_ctrl_c_ends_at_once_and_running_again_waits_for_what_goes_on(shop: Shop) -> None:
    code, said, seconds = interrupted(shop, 2)
    assert code == 8
    assert "cancelled: what had begun in the cloud goes on; run the same command again to finish it" in said
    assert "svc-container: created" not in said
    assert seconds < SLOW_START_S
    assert "Traceback" not in said
    again = shop.json("up")
    assert (results(again)["svc-container"], results(again)["hello-function"]) == ("unchanged", "created")
    assert shop.visit(again["outputs"]["web.url"]) == 1
