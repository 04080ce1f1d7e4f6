"""The logs of everything the local cloud runs, kept on disk and followed from any position.

Input: lines of compute units and planes by CloudWatch group and stream. Output: events in the order written. One
folder per group holds append-only segment files named by the logical offset they start at, so that an event's id is
its offset and following costs only what is new. A kill -9 in the middle of a write leaves at most one torn line at
the end of a segment: the next writer starts on a fresh line and readers skip what does not parse. Refuses empty
group or stream names and group names no folder can have (ValueError).
"""

from __future__ import annotations

import asyncio
import bisect
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

import orjson

SEGMENT_BYTES = 8 * 1024 * 1024
"""A segment that has grown past this is closed and the next begun."""
KEPT_SEGMENTS = 8
"""Older segments of a group are deleted: 64 MiB a group at most."""
MAX_MESSAGE_BYTES = 256 * 1024
"""Longer lines are split (CloudWatch Logs quota "event size", as it was until 2025)."""
MAX_FOLDER_NAME = 255
"""Bytes in a file name on Linux and macOS."""


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One line of a log."""

    id: int
    """The event's position in its group: grows with every event, survives restarts. Pass it as `after` to go on."""
    timestamp_ms: int
    stream: str
    message: str


class _Group:
    """The segments of one log group."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bases: list[int] = sorted(int(path.stem) for path in folder.glob("*.jsonl")) if folder.exists() else []
        self._descriptor: int | None = None
        self._end = 0

    def append(self, line: bytes) -> int:
        """Write one line in one system call; returns its offset."""
        if self._descriptor is None:
            self._open()
        elif self._end - self.bases[-1] > SEGMENT_BYTES:
            self._roll()
        assert self._descriptor is not None
        offset = self._end
        self._end += os.write(self._descriptor, line)
        return offset

    def path(self, base: int) -> Path:
        return self.folder / f"{base:020d}.jsonl"

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self.bases:
            self.bases.append(0)
        path = self.path(self.bases[-1])
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        size = os.fstat(self._descriptor).st_size
        if size and os.pread(self._descriptor, 1, size - 1) != b"\n":
            size += os.write(self._descriptor, b"\n")
        self._end = self.bases[-1] + size

    def _roll(self) -> None:
        self.close()
        self.bases.append(self._end)
        self._open()
        while len(self.bases) > KEPT_SEGMENTS:
            self.path(self.bases.pop(0)).unlink(missing_ok=True)


class Logs:
    """The log groups of one local cloud, under `<state>/logs`. Used from the supervisor's event loop only."""

    def __init__(self, state: Path) -> None:
        self._root = state / "logs"
        self._groups: dict[str, _Group] = {}
        if self._root.exists():
            for folder in self._root.iterdir():
                self._groups[unquote(folder.name)] = _Group(folder)

    def write(self, group: str, stream: str, message: str, timestamp_ms: int | None = None) -> None:
        """Append one event (now, unless a time in milliseconds since 1970 is given)."""
        if not group or not stream:
            raise ValueError("a log event needs a group and a stream")
        stamp = int(time.time() * 1000) if timestamp_ms is None else timestamp_ms
        text = message.encode("utf-8", "replace")
        for start in range(0, max(len(text), 1), MAX_MESSAGE_BYTES):
            piece = text[start : start + MAX_MESSAGE_BYTES].decode("utf-8", "replace")
            safe_stream = stream.encode("utf-8", "replace").decode()
            self._group(group).append(orjson.dumps([stamp, safe_stream, piece], option=orjson.OPT_APPEND_NEWLINE))

    def read(self, group: str, start_ms: int = 0, after: int | None = None, limit: int = 10_000) -> list[LogEvent]:
        """Events in the order written: those after the event with id `after`, not older than `start_ms`."""
        found: list[LogEvent] = []
        for event in self.events(group, after):
            if event.timestamp_ms >= start_ms:
                found.append(event)
                if len(found) >= limit:
                    break
        return found

    def events(self, group: str, after: int | None = None) -> Iterator[LogEvent]:
        """Every event after the one with id `after`, oldest first."""
        known = self._groups.get(group)
        if known is None:
            return
        first = 0 if after is None else max(0, bisect.bisect_right(known.bases, after) - 1)
        for base in list(known.bases[first:]):
            yield from _segment(known.path(base), base, after)

    def tail(self, group: str, lines: int) -> list[str]:
        """The last messages of a group, oldest first."""
        known = self._groups.get(group)
        if known is None or lines <= 0:
            return []
        found: list[str] = []
        for base in reversed(known.bases):
            found = [event.message for event in _segment(known.path(base), base, None)][-(lines - len(found)) :] + found
            if len(found) >= lines:
                break
        return found

    def groups(self) -> list[str]:
        """The names of all groups that were ever written to."""
        return sorted(self._groups)

    def size(self, group: str) -> int:
        """Stored bytes."""
        known = self._groups.get(group)
        return sum(known.path(base).stat().st_size for base in known.bases) if known else 0

    async def capture(self, reader: asyncio.StreamReader, group: str, stream: str) -> None:
        """Copy a subprocess's output line by line until it ends; a last line without a newline counts too."""
        rest = b""
        while chunk := await reader.read(65536):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self.write(group, stream, line.rstrip(b"\r").decode("utf-8", "replace"))
            if len(rest) > MAX_MESSAGE_BYTES:
                self.write(group, stream, rest.decode("utf-8", "replace"))
                rest = b""
        if rest:
            self.write(group, stream, rest.rstrip(b"\r").decode("utf-8", "replace"))

    def close(self) -> None:
        for group in self._groups.values():
            group.close()

    def _group(self, name: str) -> _Group:
        known = self._groups.get(name)
        if known is None:
            # A dot must be quoted too: a group called ".." is not a way out of the folder.
            folder = quote(name, safe="").replace(".", "%2E")
            if len(folder) > MAX_FOLDER_NAME:
                raise ValueError(f"the log group name {name[:40]}… is too long to keep on this machine")
            known = self._groups[name] = _Group(self._root / folder)
        return known


def _segment(path: Path, base: int, after: int | None) -> Iterator[LogEvent]:
    try:
        file = path.open("rb")
    except FileNotFoundError:  # rolled away while a reader was on its way
        return
    with file:
        offset = base
        if after is not None and after >= base:
            file.seek(after - base)
            offset = after + len(file.readline())
        for line in file:
            event = _event(offset, line)
            offset += len(line)
            if event is not None:
                yield event


def _event(offset: int, line: bytes) -> LogEvent | None:
    try:
        stamp, stream, message = orjson.loads(line)
    except ValueError:  # a line torn by a kill -9
        return None
    return LogEvent(offset, int(stamp), str(stream), str(message))
