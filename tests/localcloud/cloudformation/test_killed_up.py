"""`up` of a changed program is killed after every API call it makes, run again, and ends as if nothing had happened.
From nothing, the command itself is killed: `test_killed_command.py`."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .builders import ServedCloud
from .deployer import Deployer, manifest
from .state import state_of

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(400)]
SCRIPT = Path(__file__).parent / "killed_up.py"


class Runs:
    """Runs of the deployer, each in a process of its own."""

    def __init__(self, served: ServedCloud) -> None:
        self.served = served
        self.process = subprocess.Popen(
            [sys.executable, str(SCRIPT), str(served.port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def up(self, version: int, killed_after: int = 0) -> tuple[int, int]:
        """Exit status and calls."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(f"{version} {killed_after}\n")
        self.process.stdin.flush()
        code, calls = map(int, self.process.stdout.readline().split())
        return code, calls

    def close(self) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(timeout=20)
        self.process.stdout.close()


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    with ServedCloud(tmp_path_factory.mktemp("killed")) as served:
        made = Runs(served)
        yield made
        made.close()


def removed(runs: Runs) -> None:
    """Everything goes, so that the next round begins with nothing."""
    runs.served.settle()
    assert Deployer(runs.served.port).up(*manifest({})).ok
    assert list(runs.served.cloud.world.all()) == []


def uninterrupted(runs: Runs, *versions: int) -> Any:
    for version in versions:
        assert runs.up(version)[0] == 0
    found = state_of(runs.served)
    removed(runs)
    return found


def test_killed_after_every_call_the_next_run_ends_the_same(runs: Runs) -> None:
    """From an earlier version: changes in place, a replacement and a removal others wait for."""
    whole = uninterrupted(runs, 1, 2)
    assert sum(len(stack["resources"]) for stack in whole["stacks"].values()) == 37
    call = 0
    while True:
        call += 1
        assert runs.up(1)[0] == 0
        code, calls = runs.up(2, call)
        if code == 0:
            assert calls < call
            removed(runs)
            break
        assert code == -signal.SIGKILL
        assert runs.up(2)[0] == 0, f"after {call} calls"
        assert state_of(runs.served) == whole, f"killed after {call} calls"
        removed(runs)
    assert call > 12
