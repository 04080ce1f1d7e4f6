"""What tests of the command line share: `klotho` in this process or one of its own, in a folder with a program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from klotho.cli.run import run

Run = Callable[..., "subprocess.CompletedProcess[str]"]

GOOD = """\
import klotho
from klotho import API, Compute, Databases
klotho.Application("shop", project="acme")
visits = Databases.KeyValue(name="visits", key="page")
hello = Compute.Function(name="hello", handler="hello.handler")
hello.read_writes_to(visits)
API(name="web").attach_service(hello, route="/")
"""


@pytest.fixture
def klotho(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `klotho` in this process, in an empty folder with its own XDG folders; fails on any traceback."""
    monkeypatch.chdir(tmp_path)
    for name in ("CI", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name in ("state", "cache"):
        monkeypatch.setenv(f"XDG_{name.upper()}_HOME", str(tmp_path / name))

    def run_here(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        with pytest.MonkeyPatch.context() as patch:
            for key, value in environment.items():
                patch.setenv(key, value)
            code = run(arguments)
        printed = capsys.readouterr()
        assert "Traceback" not in printed.out + printed.err
        return subprocess.CompletedProcess(arguments, code, printed.out, printed.err)

    return run_here


@pytest.fixture
def klotho_process(klotho: Run, tmp_path: Path) -> Run:
    """The same as a process of its own."""

    def run_there(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "klotho.cli", *arguments],
            cwd=tmp_path, env={**os.environ, **environment}, capture_output=True, text=True, timeout=60,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert "Traceback" not in done.stdout + done.stderr
        return done

    return run_there


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "infra.py").write_text(GOOD)
    (tmp_path / "hello.py").write_text("def handler(event, context): ...\n")
    return tmp_path


def codes(done: subprocess.CompletedProcess[str]) -> list[str]:
    data = json.loads(done.stdout)
    assert data["ok"] is False
    return [item["code"] for item in data["diagnostics"]]
