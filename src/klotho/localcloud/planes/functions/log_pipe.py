"""The output of a worker: a pipe that can be emptied at a given moment.

Input: what a process writes to standard output and error. Output: one log event a line, and the end of the log of the
current invocation. Refuses nothing; bytes that are not UTF-8 are replaced.

A runtime writes its output before it posts its answer, so what it wrote is in the pipe by then: emptying the pipe
before END and REPORT are written gives AWS's order, which a reader of its own could not promise.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

TAIL_BYTES = 4096
"""AWS: `LogType: Tail` returns "the last 4 KB of the execution log"."""
LONGEST_LINE = 256 * 1024
_CHUNK = 65536


class LogPipe:
    """The read end lives on the event loop, the write end goes to the process."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._reader: int | None = None
        self._writer: int | None = None
        self._rest = b""
        self._tail: list[str] = []

    def open(self) -> int:
        """The write end, to be given to the process and closed here after."""
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        asyncio.get_running_loop().add_reader(self._reader, self.drain)
        return self._writer

    def close_write_end(self) -> None:
        if self._writer is not None:
            os.close(self._writer)
            self._writer = None

    def drain(self) -> None:
        """Log everything written so far."""
        while self._reader is not None:
            try:
                chunk = os.read(self._reader, _CHUNK)
            except BlockingIOError:
                return
            if not chunk:
                self.close()
                return
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            for line in lines:
                self._line(line)
            if len(self._rest) > LONGEST_LINE:
                self._line(self._rest)
                self._rest = b""
            if len(chunk) < _CHUNK:
                return

    def close(self) -> None:
        """Log an unfinished last line and stop reading. Safe to call twice."""
        reader, self._reader = self._reader, None
        if reader is not None:
            asyncio.get_running_loop().remove_reader(reader)
            os.close(reader)
        if self._rest:
            self._line(self._rest)
            self._rest = b""
        self.close_write_end()

    def begin(self) -> None:
        """A new invocation: its tail starts here."""
        self.drain()
        self._tail.clear()

    def write(self, line: str) -> None:
        """A line of the platform itself."""
        self._tail.append(line)
        self._write(line)

    def tail(self) -> str:
        """The last 4 KB since `begin`."""
        text = "\n".join([*self._tail[-200:], ""])
        return text if len(text) <= TAIL_BYTES else text.encode()[-TAIL_BYTES:].decode("utf-8", "ignore")

    def _line(self, line: bytes) -> None:
        # Runtimes separate the lines of one event by carriage returns.
        self.write(line.decode("utf-8", "replace").rstrip("\r").replace("\r", "\n"))
        if len(self._tail) > 400:
            del self._tail[:200]
