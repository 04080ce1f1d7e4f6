"""A real SIGKILL in the middle of an operation, and the restart after it."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from klotho.localcloud.cloudformation.engine import Engine
from klotho.localcloud.handlers import build_handlers

from .builders import record_cloud
from .killable import work

pytestmark = pytest.mark.localcloud
SCRIPT = Path(__file__).parent / "killable.py"


def run(folder: Path, step: int) -> int:
    command = [sys.executable, str(SCRIPT), str(folder), str(step)]
    return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode


def finished(folder: Path) -> Any:
    """Recover, do what is left, and say what there is then."""

    async def story() -> Any:
        cloud = record_cloud(folder)
        engine = Engine(cloud, build_handlers(cloud))
        await engine.recover()
        await work(engine)
        stack = engine.stack("net")
        rows = {name: replace(row, updated="") for name, row in engine.store.resources(stack.stack_id).items()}
        events = [(e.logical_id, e.status) for e in engine.store.events(stack.stack_id, None, 500)]
        cloud.database.close()
        return stack.status, rows, list(cloud.world.all()), sorted(events)

    return asyncio.run(story())


def test_the_same_end_is_reached_whenever_the_process_is_killed(tmp_path: Path) -> None:
    undisturbed = finished(tmp_path / "undisturbed")
    assert undisturbed[0] == "UPDATE_COMPLETE"
    steps, killed = range(1, 100, 6), 0
    for step in steps:
        folder = tmp_path / str(step)
        code = run(folder, step)
        if code == 0:
            break
        assert code == -signal.SIGKILL
        killed += 1
        # The events too: nothing is said twice and nothing is missing.
        assert finished(folder) == undisturbed, f"killed at step {step}"
    else:
        pytest.fail("the process was still being killed at step 100")
    assert killed >= 5
