"""Who listens on which TCP port of this machine, for messages that name the culprit.

Input: a port, or process ids. Output: ports and process names. Reads /proc on Linux and asks `lsof` elsewhere; where
neither tells (no permission, not installed) the answer is None or empty, and messages do without it.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import subprocess
from collections.abc import Collection
from pathlib import Path

_LISTEN = "0A"
"""The state `LISTEN` in /proc/net/tcp (include/net/tcp_states.h of Linux)."""
_HAS_PROC = Path("/proc/net/tcp").exists()


def free_port() -> int:
    """A loopback port nobody listens on now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def accepts(port: int, timeout_s: float = 1.0) -> bool:
    """Whether something accepts connections on this loopback port now."""
    try:
        async with asyncio.timeout(timeout_s):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True


def holder_of(port: int) -> str | None:
    """`name (pid 123)` of the process that listens on the port; None when it can't be told."""
    if not _HAS_PROC:
        return _lsof_holder(port)
    inodes = {inode for inode, found in _listening_inodes().items() if found == port}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and inodes_of(int(folder.name)) & inodes:
            with contextlib.suppress(OSError):
                return f"{(folder / 'comm').read_text().strip()} (pid {folder.name})"
    return None


def listening_ports(pids: Collection[int]) -> set[int]:
    """The TCP ports these processes listen on."""
    if not _HAS_PROC:
        return _lsof_ports(pids)
    listening = _listening_inodes()
    return {listening[inode] for pid in pids for inode in inodes_of(pid) & listening.keys()}


def client_inode(client_port: int, server_port: int) -> str | None:
    """The inode of the client's end of a loopback connection (Linux); None where that can't be told."""
    if not _HAS_PROC:
        return None
    for name in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
                fields = line.split()
                ends = tuple(int(fields[index].rpartition(":")[2], 16) for index in (1, 2))
                if ends == (client_port, server_port) and fields[9] != "0":
                    return fields[9]
    return None


def client_pid(client_port: int, server_port: int) -> int | None:
    """The process at the client's end of a loopback connection, by `lsof`; None where that can't be told."""
    program = None if _HAS_PROC else shutil.which("lsof")
    if program is None:
        return None
    command = [program, "-nP", f"-iTCP@127.0.0.1:{client_port}", "-sTCP:ESTABLISHED", "-Fpn"]
    lines = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    pid = None
    for line in lines:
        if line.startswith("p"):
            pid = int(line[1:])
        elif (
            line.startswith("n")
            and line[1:].startswith(f"127.0.0.1:{client_port}->")
            and line.endswith(str(server_port))
        ):
            return pid
    return None


def group_members(leader: int) -> list[int]:
    """The processes of the process group led by `leader` (at least the leader)."""
    if not Path("/proc/self/stat").exists():
        asked = subprocess.run(["ps", "-A", "-o", "pid=,pgid="], capture_output=True, text=True, check=False)
        pairs = [line.split() for line in asked.stdout.splitlines()]
        return [int(pid) for pid, group in pairs if int(group) == leader] or [leader]
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (folder / "stat").read_bytes().rpartition(b")")[2].split()
                if int(fields[2]) == leader:
                    found.append(int(folder.name))
    return found or [leader]


def _listening_inodes() -> dict[str, int]:
    found: dict[str, int] = {}
    for name in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTEN:
                    found[fields[9]] = int(fields[1].rpartition(":")[2], 16)
    return found


def inodes_of(pid: int) -> set[str]:
    """The sockets a process has open; empty for one that may not be looked at."""
    found = set()
    with contextlib.suppress(OSError):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                target = str(link.readlink())
                if target.startswith("socket:["):
                    found.add(target[8:-1])
    return found


def _lsof(*options: str) -> list[str]:
    program = shutil.which("lsof")
    if program is None:
        return []
    command = [program, "-nP", "-a", "-sTCP:LISTEN", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()


def _lsof_holder(port: int) -> str | None:
    pid = name = None
    for line in _lsof(f"-iTCP:{port}", "-Fpc"):
        pid, name = (line[1:], name) if line.startswith("p") else (pid, line[1:] if line.startswith("c") else name)
    return f"{name} (pid {pid})" if pid else None


def _lsof_ports(pids: Collection[int]) -> set[int]:
    lines = _lsof("-iTCP", "-p", ",".join(map(str, pids)), "-Fn")
    ports = [line.rpartition(":")[2] for line in lines if line.startswith("n")]
    return {int(port) for port in ports if port.isdigit()}
