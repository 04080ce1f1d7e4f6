"""A tiny process beside the supervisor that ends the supervisor's children when the supervisor is gone.

Input: lines on standard input, written by `processes.ProcessTable`: `+ <pid> <signal> <grace ms> <start mark>` when a
child starts, `- <pid>` when it has ended. Output: nothing. The end of the input means that the supervisor is gone,
however it went (a kill -9 closes its pipes too): every registered process group gets its signal and, after its
grace, SIGKILL. A pid whose start mark no longer fits belongs to a stranger and is left alone.

A pipe works the same on Linux and macOS and reaches grandchildren, which PR_SET_PDEATHSIG does not; one watcher
serves all children, so that starting a child costs one write. Run as a plain file with `python -I -S`: only the
standard library, and as little of it as possible.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

_POLL_S = 0.02
_HAS_PROC = os.access("/proc/self/stat", os.R_OK)


def start_mark(pid: int) -> str | None:
    """When the process started, in the machine's own terms; None when there is no such (or only a dead) process.

    Linux: clock ticks since boot, with the boot's id. Elsewhere: what `ps -o lstart` says (seconds).
    """
    if _HAS_PROC:
        try:
            with open(f"/proc/{pid}/stat", "rb") as stat:  # noqa: PTH123 - pathlib would double this process's start time
                # The command may hold spaces and brackets: fields are counted after its last bracket.
                fields = stat.read().rpartition(b")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        if fields[0] in (b"Z", b"X"):
            return None
        return f"{_boot_id()}.{fields[19].decode()}"
    found = subprocess.run(["ps", "-ww", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return "-".join(found.stdout.split()) or None


def _boot_id() -> str:
    with open("/proc/sys/kernel/random/boot_id") as boot:  # noqa: PTH123 - as above
        return boot.read().strip()[:8]


def signal_group(pid: int, number: int) -> bool:
    """Send a signal to the group led by `pid`; False when it is gone."""
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        # macOS answers EPERM for a group of which only zombies are left.
        return False
    return True


def end_groups(children: dict[int, tuple[int, float, str]]) -> None:
    """End every group: its own signal first, SIGKILL after its grace; returns when all are gone (or after 2 s more).

    `children`: pid -> (signal, grace in seconds, start mark).
    """
    begun = time.monotonic()
    left = {pid: entry for pid, entry in children.items() if start_mark(pid) == entry[2]}
    for pid, (number, _grace, _mark) in left.items():
        signal_group(pid, number)
    last = max((grace for _, grace, _ in left.values()), default=0.0) + 2.0
    while left and time.monotonic() - begun < last:
        for pid, (_number, grace, mark) in list(left.items()):
            if start_mark(pid) != mark:
                # The leader has ended by itself; what it left behind in its group has no one to answer to.
                signal_group(pid, signal.SIGKILL)
                del left[pid]
            elif time.monotonic() - begun >= grace:
                signal_group(pid, signal.SIGKILL)
        time.sleep(_POLL_S)


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    children: dict[int, tuple[int, float, str]] = {}
    for line in sys.stdin:
        words = line.split()
        if len(words) == 5 and words[0] == "+":
            children[int(words[1])] = (int(words[2]), int(words[3]) / 1000, words[4])
        elif len(words) == 2 and words[0] == "-":
            children.pop(int(words[1]), None)
    end_groups(children)


if __name__ == "__main__":
    main()
