"""Child processes of the local cloud: started in their own group, logged line by line, and never left behind.

Input: a command with its complete environment. Output: a `Child` (one life) or a `Supervised` (restarted with
backoff). Refuses, as `ProcessError`, a command that can't be started, with the operating system's reason.

Three things together keep the promise that nothing is left behind:

* `Child.stop` ends the whole process group: the stop signal, then SIGKILL after a grace.
* One watcher (`reaper.py`) per supervisor ends all registered groups when the supervisor dies, even by kill -9.
* The state folder's `processes.jsonl` lists what runs; the next supervisor ends what both a supervisor and its
  watcher left (someone killed everything but the children). A pid counts as ours only while its start mark fits. On
  Linux a mark in the environment also finds children that were started but not yet listed when the supervisor died.

There is no shell anywhere: commands are argument lists.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal, TypedDict, cast

from klotho.localcloud.planes.reaper import end_groups, signal_group, start_mark

if TYPE_CHECKING:
    from klotho.localcloud.cloud import Cloud

TAIL_LINES = 50
"""How many of a child's last lines are kept in memory for messages."""
MAX_LINE = 256 * 1024
"""Bytes: the longest event CloudWatch Logs takes; a longer line is cut into several."""
ENVIRONMENT_MARK = "KLOTHO_LOCAL_CLOUD"
"""Set in every child: which state folder's supervisor started it (a digest, not a path)."""
FIRST_BACKOFF_S, LAST_BACKOFF_S, HEALTHY_S = 0.2, 10.0, 30.0


class ProcessError(Exception):
    """A command could not be started."""


class _Entry(TypedDict):
    pid: int
    signal: int
    grace: float
    mark: str


class ProcessTable:
    """What this supervisor has started: tells the watcher and the durable list. One per state folder."""

    _tables: dict[Path, ProcessTable] = {}  # noqa: RUF012 - the registry of this class itself

    def __init__(self, state: Path) -> None:
        state.mkdir(parents=True, exist_ok=True)
        self.mark = environment_mark(state)
        self._state = state
        self._path = state / "processes.jsonl"
        self._watcher: subprocess.Popen[bytes] | None = None
        end_leftovers(state)
        self._file: IO[bytes] = self._path.open("ab", buffering=0)

    @classmethod
    def of(cls, state: Path) -> ProcessTable:
        """The table of this state folder; the first call ends what an earlier supervisor left running."""
        found = cls._tables.get(state)
        if found is None:
            found = cls._tables[state] = cls(state)
        return found

    def add(self, pid: int, stop_signal: int, grace_s: float) -> None:
        mark = start_mark(pid)
        if mark is None:
            return
        entry: _Entry = {"pid": pid, "signal": int(stop_signal), "grace": grace_s, "mark": mark}
        self._file.write(json.dumps(entry).encode() + b"\n")
        self._tell(f"+ {pid} {int(stop_signal)} {int(grace_s * 1000)} {mark}\n")

    def discard(self, pid: int) -> None:
        self._file.write(json.dumps({"ended": pid}).encode() + b"\n")
        self._tell(f"- {pid}\n")

    def close(self) -> None:
        """End the watcher and anything still registered; call it last when the supervisor stops."""
        self._tables.pop(self._state, None)
        if self._watcher is not None and self._watcher.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._watcher.stdin.close()
            self._watcher.wait()
            self._watcher = None
        self._file.close()

    def _tell(self, line: str) -> None:
        if self._watcher is None or self._watcher.poll() is not None:
            self._start_watcher()
            # A watcher that died and was replaced must learn of everything alive, not just of this line.
            line = _registrations(self._path) or line
        assert self._watcher is not None and self._watcher.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            # A watcher that dies right here is noticed at the next line; the durable list has this one already.
            self._watcher.stdin.write(line.encode())

    def _start_watcher(self) -> None:
        program = Path(__file__).with_name("reaper.py")
        self._watcher = subprocess.Popen(
            [sys.executable, "-I", "-S", str(program)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,
            cwd="/",
            env={},
        )


def environment_mark(state: Path) -> str:
    return hashlib.sha256(str(state.resolve()).encode()).hexdigest()[:20]


def end_leftovers(state: Path) -> list[int]:
    """End children of an earlier supervisor of this state folder; returns their pids. Blocks until they are gone.

    Never ends a stranger's process: a listed pid counts only while its start mark fits, an unlisted one only if its
    environment carries this state folder's mark (Linux; other systems do not show another process's environment).
    """
    path = state / "processes.jsonl"
    listed = {
        entry["pid"]: (entry["signal"], min(entry["grace"], 5.0), entry["mark"])
        for entry in _live_entries(path)
        if start_mark(entry["pid"]) == entry["mark"]
    }
    end_groups(listed)
    unlisted = _marked(environment_mark(state))
    for pid in unlisted:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    path.unlink(missing_ok=True)
    return [*listed, *unlisted]


def _live_entries(path: Path) -> list[_Entry]:
    """What the list says runs; a line torn by a kill -9 is passed over (its process carries the mark)."""
    live: dict[int, _Entry] = {}
    for line in path.read_bytes().splitlines() if path.exists() else ():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if not isinstance(entry, Mapping):  # damaged
            continue
        if "ended" in entry:
            live.pop(entry["ended"], None)
        elif {"pid", "signal", "grace", "mark"} <= entry.keys():
            live[entry["pid"]] = cast(_Entry, entry)
    return list(live.values())


def _registrations(path: Path) -> str:
    """Everything the list says runs, as the watcher reads it."""
    lines = [
        f"+ {entry['pid']} {entry['signal']} {int(entry['grace'] * 1000)} {entry['mark']}\n"
        for entry in _live_entries(path)
    ]
    return "".join(lines)


def _marked(mark: str) -> list[int]:
    """Processes whose environment says that a supervisor of this state folder started them."""
    if not os.access("/proc/self/environ", os.R_OK):
        return []
    wanted = f"{ENVIRONMENT_MARK}={mark}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):  # gone meanwhile, or another user's
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found


class Child:
    """One started process with its group; its output goes to a log stream, the last lines are kept."""

    def __init__(self, process: asyncio.subprocess.Process, table: ProcessTable, argv: Sequence[str]) -> None:
        self._process = process
        self._table = table
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._grace = 0.0
        self._signal = int(signal.SIGTERM)
        self._tasks: list[asyncio.Task[None]] = []
        self.argv = tuple(argv)
        self.started = time.monotonic()

    @classmethod
    async def start(
        cls,
        cloud: Cloud,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        log_group: str,
        log_stream: str,
        cwd: Path | None = None,
        stop_signal: int = signal.SIGTERM,
        grace_s: float = 5.0,
        pass_fds: Sequence[int] = (),
        on_line: Callable[[str], None] | None = None,
    ) -> Child:
        """Start `argv` in its own process group with exactly this environment (and the local cloud's mark).

        Standard output and error go line by line to `cloud.logs` and to `on_line`. `grace_s`: seconds between the
        stop signal and SIGKILL. Raises `ProcessError` when the program can't be started.
        """
        table = ProcessTable.of(cloud.state)
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                cwd=cwd,
                env={**env, ENVIRONMENT_MARK: table.mark},
                start_new_session=True,
                pass_fds=tuple(pass_fds),
            )
        except (OSError, ValueError) as error:
            raise ProcessError(f"can't start `{argv[0]}`: {error}") from error
        table.add(process.pid, stop_signal, grace_s)
        child = cls(process, table, argv)
        child._grace, child._signal = grace_s, int(stop_signal)

        def write(line: str) -> None:
            cloud.logs.write(log_group, log_stream, line)
            if on_line is not None:
                on_line(line)

        child._tasks = [asyncio.create_task(child._run(write))]
        return child

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """None while it runs; negative for the signal that ended it."""
        return self._done.result() if self._done.done() else None

    def tail(self, count: int = 10) -> list[str]:
        """The last lines it wrote, oldest first (at most `TAIL_LINES`)."""
        return list(self._tail)[-count:]

    async def wait(self) -> int:
        """The exit code, once the process has ended and its output is logged."""
        return await asyncio.shield(self._done)

    async def stop(self, grace_s: float | None = None) -> int:
        """The stop signal to the whole group, SIGKILL after the grace; returns the exit code. Safe to call twice."""
        if not self._done.done():
            signal_group(self.pid, self._signal)
            try:
                return await asyncio.wait_for(self.wait(), self._grace if grace_s is None else grace_s)
            except TimeoutError:
                signal_group(self.pid, signal.SIGKILL)
        return await self.wait()

    async def _run(self, write: Callable[[str], None]) -> None:
        reader = asyncio.create_task(self._read(write))
        code = await self._process.wait()
        # What the program left in its group would hold ports and the log's pipe for ever.
        signal_group(self.pid, signal.SIGKILL)
        self._table.discard(self.pid)
        # A grandchild that left the group may keep the pipe open: the exit must be known all the same.
        await asyncio.wait({reader}, timeout=1.0)
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)
        self._done.set_result(code)

    async def _read(self, write: Callable[[str], None]) -> None:
        assert self._process.stdout is not None
        rest = b""
        while chunk := await self._process.stdout.read(65536):
            *lines, rest = (rest + chunk).split(b"\n")
            while len(rest) > MAX_LINE:
                lines.append(rest[:MAX_LINE])
                rest = rest[MAX_LINE:]
            for line in lines:
                self._line(line, write)
        if rest:
            self._line(rest, write)

    def _line(self, line: bytes, write: Callable[[str], None]) -> None:
        text = line.decode("utf-8", "replace").rstrip("\r")
        self._tail.append(text)
        try:
            write(text)
        except OSError as error:
            # A full disk must not stop the program by a full pipe: the line is lost to the log, and that is said.
            self._tail.append(f"(the line above could not be logged: {error})")


State = Literal["starting", "running", "restarting", "stopped"]


class Supervised:
    """Keeps one process running: a process that ends is started again, ever more slowly while it keeps ending.

    `spawn` starts one life. The wait before the next is 0.2 s, doubling to 10 s, and starts over once a life has
    lasted 30 s. `on_exit` is told of each end that nobody asked for.
    """

    def __init__(
        self, spawn: Callable[[], Awaitable[Child]], on_exit: Callable[[Child | None], None] | None = None
    ) -> None:
        self._spawn = spawn
        self._on_exit = on_exit
        self._loop: asyncio.Task[None] | None = None
        self._backoff = FIRST_BACKOFF_S
        self.child: Child | None = None
        self.state: State = "stopped"
        self.restarts = 0
        self.detail: str | None = None
        """Why the last life ended, in one line with its last log line; None while all is well."""

    async def start(self) -> Child:
        """Start the first life; raises what `spawn` raises, without trying again."""
        self.state = "starting"
        try:
            self.child = await self._spawn()
        except BaseException:
            self.state = "stopped"
            raise
        self.adopt(self.child)
        return self.child

    def adopt(self, child: Child) -> None:
        """Take over a process that runs already."""
        self.child = child
        self.state = "running"
        self._loop = asyncio.create_task(self._keep())

    async def stop(self, grace_s: float | None = None) -> None:
        """End the process and stop restarting it. Safe to call twice."""
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await loop
        self.state = "stopped"
        if self.child is not None:
            await self.child.stop(grace_s)

    async def _keep(self) -> None:
        while True:
            child = self.child
            if child is not None:
                code = await child.wait()
                self.detail = describe_exit(code, child.tail(1))
                if time.monotonic() - child.started >= HEALTHY_S:
                    self._backoff = FIRST_BACKOFF_S
                self.child = None
            self.state = "restarting"
            if self._on_exit is not None:
                self._on_exit(child)
            await asyncio.sleep(self._backoff)
            self._backoff = min(self._backoff * 2, LAST_BACKOFF_S)
            self.restarts += 1
            await self._again()

    async def _again(self) -> None:
        try:
            self.child = await self._spawn()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            # Whatever keeps it from starting (a missing file, a port in use) may pass: said, and tried again.
            self.detail = str(error)
        else:
            self.state = "running"


def describe_exit(code: int, lines: Sequence[str] = ()) -> str:
    """`exit code 3: last line` or `ended by SIGKILL`, for people."""
    if code < 0:
        try:
            how = f"ended by {signal.Signals(-code).name}"
        except ValueError:
            how = f"ended by signal {-code}"
    else:
        how = f"exit code {code}"
    last = next((line for line in reversed(lines) if line.strip()), None)
    return f"{how}: {last.strip()}" if last else how
