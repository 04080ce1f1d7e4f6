"""Follows the logs of everything that is deployed, in a thread of its own, while deployments come and go."""

from __future__ import annotations

import contextlib
import threading

from klotho.diagnostics import Failure, ProgramError
from klotho.driver.dev.events import Lines, Show
from klotho.driver.identity import Where
from klotho.driver.logs import LogReader, open_logs
from klotho.driver.machine import now_ms

_EVERY_S = 0.25


class Follower:
    """Use as a context manager; `restart` after each deployment, which may have added services."""

    def __init__(self, where: Where, environment: str | None, show: Show) -> None:
        self._where = where
        self._environment = environment
        self._show = show
        self._reader: LogReader | None = None
        self._from_ms = now_ms()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="klotho-logs", daemon=True)

    def __enter__(self) -> Follower:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()

    def restart(self) -> None:
        """Follow what is deployed now; lines come from where it had got to."""
        with contextlib.suppress(Failure, ProgramError):  # told already by who deployed
            _, reader = open_logs(self._where, self._environment, [])
            if isinstance(reader, LogReader):
                with self._lock:
                    self._read()
                    lines = reader.since(self._from_ms)
                    self._reader = reader
                if lines:
                    self._show(Lines(tuple(lines)))

    def _run(self) -> None:
        while not self._stop.wait(_EVERY_S):
            with self._lock, contextlib.suppress(Failure):  # a local cloud that restarts answers again soon
                self._read()

    def _read(self) -> None:
        if self._reader is None:
            return
        lines = self._reader.fresh()
        if lines:
            self._from_ms = max(self._from_ms, lines[-1].timestamp_ms + 1)
            self._show(Lines(tuple(lines)))
