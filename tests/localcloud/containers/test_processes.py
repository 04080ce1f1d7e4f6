"""Children are logged, restarted with backoff, and never left behind, however the supervisor goes."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from klotho.localcloud.logs import Logs
from klotho.localcloud.planes import processes
from klotho.localcloud.planes.processes import Child, ProcessError, ProcessTable, Supervised, end_leftovers
from klotho.localcloud.planes.reaper import start_mark

pytestmark = pytest.mark.localcloud
ENV = {"PATH": os.environ["PATH"]}


def cloud_in(folder: Path) -> Any:
    return SimpleNamespace(state=folder, logs=Logs(folder))


async def python(cloud: Any, code: str, **options: Any) -> Child:
    return await Child.start(
        cloud, [sys.executable, "-I", "-S", "-c", code], env=ENV, log_group="g", log_stream="s", **options
    )


def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def test_output_is_logged_line_by_line_and_the_exit_code_is_known(tmp_path: Path) -> None:
    cloud = cloud_in(tmp_path)

    async def run() -> None:
        code = "import sys; print('one'); print('two', file=sys.stderr); sys.stdout.write('no newline'); sys.exit(3)"
        child = await python(cloud, code)
        assert await child.wait() == 3
        assert child.returncode == 3
        assert sorted(child.tail()) == ["no newline", "one", "two"]
        assert any("two" in line for line in cloud.logs.tail("g", 10))
        ProcessTable.of(tmp_path).close()

    asyncio.run(run())


def test_a_program_that_is_not_there_is_a_named_error(tmp_path: Path) -> None:
    async def run() -> None:
        with pytest.raises(ProcessError, match="no-such-program"):
            await Child.start(cloud_in(tmp_path), ["no-such-program"], env=ENV, log_group="g", log_stream="s")
        ProcessTable.of(tmp_path).close()

    asyncio.run(run())


def test_stop_ends_the_whole_group_even_when_the_leader_ignores_the_signal(tmp_path: Path) -> None:
    async def run() -> None:
        code = (
            "import signal,subprocess,sys,time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
            "p=subprocess.Popen([sys.executable,'-I','-S','-c','import time;time.sleep(60)']);"
            "print(p.pid, flush=True); time.sleep(60)"
        )
        child = await python(cloud_in(tmp_path), code)
        while not child.tail():
            await asyncio.sleep(0.01)
        grandchild = int(child.tail()[0])
        assert await child.stop(grace_s=0.2) == -signal.SIGKILL
        until(lambda: start_mark(grandchild) is None)
        ProcessTable.of(tmp_path).close()

    asyncio.run(run())


SUPERVISOR = """
import asyncio, sys
from pathlib import Path
from types import SimpleNamespace
from klotho.localcloud.logs import Logs
from klotho.localcloud.planes.processes import Child
async def main():
    state = Path(sys.argv[1])
    cloud = SimpleNamespace(state=state, logs=Logs(state))
    code = ("import subprocess,sys,time;"
            "p=subprocess.Popen([sys.executable,'-I','-S','-c','import time;time.sleep(60)']);"
            "print(p.pid,flush=True);time.sleep(60)")
    child = await Child.start(cloud, [sys.executable,'-I','-S','-c',code], env={}, log_group='g', log_stream='s')
    while not child.tail():
        await asyncio.sleep(0.01)
    print(child.pid, child.tail()[0], flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


def start_supervisor(state: Path) -> tuple[subprocess.Popen[str], int, int]:
    source = str(Path(processes.__file__).parents[3])
    supervisor = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, str(state)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": source},
    )
    assert supervisor.stdout is not None
    child, grandchild = map(int, supervisor.stdout.readline().split())
    return supervisor, child, grandchild


def test_a_kill_9_of_the_supervisor_takes_children_and_grandchildren_with_it(tmp_path: Path) -> None:
    supervisor, child, grandchild = start_supervisor(tmp_path)
    supervisor.kill()
    supervisor.wait()
    until(lambda: start_mark(child) is None and start_mark(grandchild) is None)


def test_the_next_start_ends_what_a_dead_supervisor_and_watcher_left(tmp_path: Path) -> None:
    supervisor, child, grandchild = start_supervisor(tmp_path)
    for pid in _children_of(supervisor.pid) - {child}:
        os.kill(pid, signal.SIGKILL)  # the watcher
    supervisor.kill()
    supervisor.wait()
    time.sleep(0.1)
    assert start_mark(child) is not None
    assert child in end_leftovers(tmp_path)
    until(lambda: start_mark(child) is None and start_mark(grandchild) is None)


def test_a_strangers_process_with_a_reused_pid_is_left_alone(tmp_path: Path) -> None:
    idle = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)"]
    stranger = subprocess.Popen(idle, start_new_session=True)
    try:
        entry = {"pid": stranger.pid, "signal": 15, "grace": 0, "mark": "another-time"}
        torn = '{"pid": 1, "sig'
        (tmp_path / "processes.jsonl").write_text(json.dumps(entry) + "\n" + torn)
        assert end_leftovers(tmp_path) == []
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_process_that_ends_is_started_again_with_growing_waits(tmp_path: Path) -> None:
    cloud = cloud_in(tmp_path)
    starts: list[float] = []

    async def spawn() -> Child:
        starts.append(time.monotonic())
        return await python(cloud, "print('bye'); raise SystemExit(7)")

    async def run() -> None:
        kept = Supervised(spawn)
        await kept.start()
        while len(starts) < 4:
            await asyncio.sleep(0.01)
        await kept.stop()
        assert kept.state == "stopped"
        assert kept.restarts >= 3
        assert kept.detail == "exit code 7: bye"
        waits = [later - earlier for earlier, later in itertools.pairwise(starts)]
        assert waits[0] >= 0.2 and waits[1] >= 0.4 and waits[2] >= 0.8
        ProcessTable.of(tmp_path).close()

    asyncio.run(run())


def _children_of(pid: int) -> set[int]:
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)
    pairs = (map(int, line.split()) for line in listed.stdout.splitlines())
    return {child for child, parent in pairs if parent == pid}
