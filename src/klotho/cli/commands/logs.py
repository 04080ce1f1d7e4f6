"""`klotho logs [-f] [SERVICE]...`."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterable
from pathlib import Path

from klotho.cli.commands.program import show_notice, where_at
from klotho.cli.console import Console
from klotho.diagnostics import ExitCode, Failure
from klotho.driver.logs import KeptLogReader, LogLine, open_logs
from klotho.driver.machine import now_ms

_COLOURS = ("cyan", "green", "yellow", "blue")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def run(
    services: list[str],
    follow: bool,
    since: str,
    path: Path,
    env: str | None,
    application: str | None,
    project: str | None,
    as_json: bool,
) -> None:
    console = Console(as_json)
    start = now_ms() - seconds_of(since) * 1000
    where = where_at(path, "klotho logs --program", application, project)
    identity, reader = open_logs(where, env, services)
    show_notice(console, identity)
    writer = Writer(console, reader.services)
    if isinstance(reader, KeptLogReader):
        also = ", so there is nothing to follow" if follow else ""
        console.note(f"{identity.application} is stopped: this is what its logs have kept{also}")
        writer.write(reader.since(start))
        return
    if not follow:
        writer.write(reader.since(start))
        return
    with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C is how following ends, from the first line on.
        writer.write(reader.since(start))
        writer.write(reader.follow())


def seconds_of(text: str) -> int:
    """`30s`, `10m`, `2h` or `1d` in seconds; Failure (`usage`, exit 2) for anything else."""
    match = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if match is None:
        raise Failure(
            "usage",
            f"`--since {text}` is no time span",
            helps=("write a number and a unit: 30s, 10m, 2h, 1d",),
            exit_code=ExitCode.USAGE,
        )
    return int(match[1]) * _UNITS[match[2]]


class Writer:
    """Shows lines of logs, each service in a colour of its own; services it was not told of get theirs as they come."""

    def __init__(self, console: Console, services: list[str]) -> None:
        self._console = console
        self._width = max(map(len, services), default=0)
        self._colours = {name: _COLOURS[index % len(_COLOURS)] for index, name in enumerate(services)}

    def write(self, lines: Iterable[LogLine]) -> None:
        """One line each; under `--json` one JSON object a line, so that following can be piped."""
        for line in lines:
            if self._console.as_json:
                self._console.out(_json(line))
                continue
            self._width = max(self._width, len(line.service))
            colour = self._colours.setdefault(line.service, _COLOURS[len(self._colours) % len(_COLOURS)])
            prefix = self._console.paint_out(line.service.ljust(self._width), colour)
            shown = time.strftime("%H:%M:%S", time.localtime(line.timestamp_ms / 1000))
            for part in line.message.split("\n"):
                self._console.out(f"{prefix} {shown} | {part}")


def _json(line: LogLine) -> str:
    import orjson

    return orjson.dumps(
        {"timestamp": line.timestamp_ms, "service": line.service, "message": line.message, "group": line.group}
    ).decode()
