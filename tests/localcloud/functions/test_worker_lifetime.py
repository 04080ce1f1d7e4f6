"""Workers end with the supervisor, whatever ends it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.localcloud


def test_a_busy_worker_dies_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    program = Path(__file__).with_name("supervisor_to_kill.py")
    supervisor = subprocess.Popen([sys.executable, str(program), str(tmp_path)])
    try:
        pid = int(_eventually(lambda: (tmp_path / "pid").read_text() if (tmp_path / "pid").exists() else ""))
    finally:
        supervisor.kill()
        supervisor.wait()
    _eventually(lambda: "gone" if not _runs(pid) else "")


def _eventually(ask: object) -> str:
    assert callable(ask)
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if answer := ask():
            return str(answer)
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
