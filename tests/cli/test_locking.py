"""One run at a time, with real commands: a race, a killed run, a hanging one, and `klotho unlock`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from klotho.localcloud import connect

pytestmark = pytest.mark.localcloud

PROGRAM = """
import klotho

klotho.Application("shop")
klotho.Databases.KeyValue(name="visits", key="page")
klotho.Site(name="pages", directory="pages", build="sleep 8")
"""


class Folder:
    """An application whose deployment takes its time."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "shop"
        (self.path / "pages").mkdir(parents=True)
        (self.path / "infra.py").write_text(PROGRAM)
        self.change("one")
        self.variables = {
            **os.environ,
            "XDG_STATE_HOME": str(folder / "state"),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "NO_COLOR": "1",
        }
        self.variables.pop("CI", None)

    def change(self, text: str) -> None:
        """What is to be built again."""
        (self.path / "pages" / "index.html").write_text(text)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "klotho.cli", *arguments],
            cwd=self.path, env=self.variables, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, *arguments: str) -> tuple[int, str]:
        with self.start(*arguments) as process:
            _, said = process.communicate(timeout=90)
            return process.returncode, said

    def started_building(self) -> subprocess.Popen[str]:
        """An `up` that is in the middle of it."""
        process = self.start("up")
        assert process.stderr is not None
        for line in process.stderr:
            if "pages: building" in line:
                return process
        raise AssertionError(process.communicate())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    made = Folder(tmp_path_factory.mktemp("locking"))
    yield made
    before = os.environ.get("XDG_STATE_HOME")
    os.environ["XDG_STATE_HOME"] = made.variables["XDG_STATE_HOME"]
    connect.stop_any(connect.state_folder("default", "local"))
    os.environ.pop("XDG_STATE_HOME") if before is None else os.environ.update(XDG_STATE_HOME=before)


def test_of_five_ups_at_once_one_deploys_and_the_others_exit_10_naming_it(folder: Folder) -> None:
    racing = [folder.start("up") for _ in range(5)]
    ended = {process.pid: (process.communicate(timeout=120)[1], process.returncode) for process in racing}
    assert sorted(code for _, code in ended.values()) == [0, 10, 10, 10, 10], ended
    (winner,) = [pid for pid, (_, code) in ended.items() if code == 0]
    for pid, (said, _) in ended.items():
        if pid != winner:
            assert "error[locked]: `shop` in local is being changed by " in said
            assert f"(pid {winner}), since " in said and "s after its last heartbeat" in said


def test_a_killed_run_is_taken_over_by_the_next(folder: Folder) -> None:
    folder.change("two")
    with folder.started_building() as process:
        process.kill()
    begun = time.monotonic()
    code, said = folder.run("up")
    assert (code, f"(pid {process.pid}), which ended without giving it back" in said) == (0, True), said
    assert time.monotonic() - begun < 60


def test_unlock_leaves_a_living_run_alone_and_removes_what_a_hanging_one_holds(folder: Folder) -> None:
    folder.change("three")
    with folder.started_building() as process:
        code, said = folder.run("unlock", "--force")
        assert (code, "lease-alive" in said, f"(pid {process.pid})" in said) == (10, True, True), said
        os.kill(process.pid, signal.SIGSTOP)
        code, said = folder.run("unlock")
        assert (code, "does not renew it any more" in said) == (0, True), said
        os.kill(process.pid, signal.SIGCONT)
        _, rest = process.communicate(timeout=60)
        assert (process.returncode, "error[lease-lost]" in rest) == (10, True), rest
    assert folder.run("unlock") == (0, "nothing is locked\n")
    assert folder.run("up")[0] == 0
