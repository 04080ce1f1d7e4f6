"""Which processes belong to a local cloud, read from /proc (Linux).

Input: a local cloud's state folder. Output: process ids with their start times, so that an id that was given to
another process since is not taken for the old one. Zombies do not count: they run nothing and wait for their parent.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

Processes = dict[int, str]
"""Start time (clock ticks after boot) by process id."""


def of_state(state: Path) -> Processes:
    """Every process that names the folder in its command, environment or working directory, and its descendants."""
    alive = _alive()
    ours = {pid for pid in alive if _mentions(pid, str(state))}
    grown = True
    while grown:
        children = {pid for pid, (parent, _) in alive.items() if parent in ours and pid not in ours}
        ours |= children
        grown = bool(children)
    return {pid: alive[pid][1] for pid in ours - {os.getpid()}}


def still_alive(before: Processes) -> Processes:
    alive = _alive()
    return {pid: start for pid, start in before.items() if pid in alive and alive[pid][1] == start}


def wait_until_gone(before: Processes, seconds: float) -> Processes:
    """What is left of them after at most so many seconds."""
    end = time.monotonic() + seconds
    while (left := still_alive(before)) and time.monotonic() < end:
        time.sleep(0.02)
    return left


def kill(before: Processes) -> None:
    for pid in still_alive(before):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def command_of(pid: int) -> str:
    return _read(pid, "cmdline").replace(b"\0", b" ").decode(errors="replace").strip()


def environment_of(pid: int) -> str:
    return _read(pid, "environ").replace(b"\0", b"\n").decode(errors="replace")


def _alive() -> dict[int, tuple[int, str]]:
    """Parent and start time by process id; zombies and dead ones left out."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        # The command's name may hold spaces and parentheses; the fields after it do not (proc(5)).
        fields = _read(int(entry.name), "stat").rpartition(b")")[2].split()
        if len(fields) > 19 and fields[0] not in (b"Z", b"X"):
            found[int(entry.name)] = (int(fields[1]), fields[19].decode())
    return found


def _mentions(pid: int, text: str) -> bool:
    needle = text.encode()
    if needle in _read(pid, "cmdline") or needle in _read(pid, "environ"):
        return True
    try:
        return os.readlink(f"/proc/{pid}/cwd").startswith(text)
    except OSError:
        return False


def _read(pid: int, name: str) -> bytes:
    """Empty for a process that has ended meanwhile or that belongs to somebody else."""
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""
