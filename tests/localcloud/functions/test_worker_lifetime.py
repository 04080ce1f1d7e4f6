"""Workers end with the supervisor, whatever ends it, and not by a clock of an invocation that is over."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.localcloud.functions import testbed

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


NAPS = """
import pathlib, time

def handler(event, context):
    pathlib.Path(event["mark"]).touch()
    time.sleep(event["nap"])
    return "rested"
"""


def test_a_process_that_works_before_its_start_is_known_leaves_no_clock_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under load a process asks for work, and gets it, before the loop comes back to who started it."""
    asyncio.run(_busy_before_its_start_is_known(tmp_path, monkeypatch))


async def _busy_before_its_start_is_known(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start, mark = asyncio.create_subprocess_exec, folder / "busy"

    async def told_late(*command: str, **options: Any) -> asyncio.subprocess.Process:
        process = await start(*command, **options)
        while not mark.exists():
            await asyncio.sleep(0.01)
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", told_late)
    async with testbed.functions_cloud(folder) as cloud:
        await testbed.python(cloud, NAPS, Timeout=2)
        for nap in (0.6, 1.6):
            answer = await testbed.call(cloud, json.dumps({"mark": str(mark), "nap": nap}).encode())
            assert (answer.error, answer.payload) == (None, b'"rested"')


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
