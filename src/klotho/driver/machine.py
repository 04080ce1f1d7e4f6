"""What the driver knows about this machine: folders, time, and whether a CI service runs it.

Input: environment variables (XDG_CACHE_HOME, XDG_STATE_HOME, CI). Output: paths and clocks. Refuses nothing: a
relative XDG path is ignored, as the XDG base directory specification says.
"""

from __future__ import annotations

import hashlib
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from klotho.deploy.place import Pace


def cache_folder() -> Path:
    """What can be made again: installed packages, zips, image layers."""
    return _xdg("XDG_CACHE_HOME", ".cache") / "klotho"


def state_root() -> Path:
    """What must not be lost: local clouds' data, crash logs."""
    return _xdg("XDG_STATE_HOME", ".local/state") / "klotho"


def runs_in_ci() -> bool:
    """Whether CI is set to anything but an empty text, `0` or `false`: GitHub, GitLab and others set it to `true`."""
    return os.environ.get("CI", "").casefold() not in ("", "0", "false")


def local_pace() -> Pace:
    """Polling a local cloud costs nothing to speak of."""
    return Pace(time.monotonic, time.sleep, fastest=0.02, slowest=0.2)


def aws_pace() -> Pace:
    """CloudFormation's API throttles who asks often; stacks take a minute or more."""
    return Pace(time.monotonic, time.sleep, fastest=1.0, slowest=5.0)


def new_run_id() -> str:
    """Unique per run: the time, so that tokens sort, and random digits."""
    return f"{time.time_ns() // 1_000_000:x}-{os.urandom(4).hex()}"


def machine_name() -> str:
    """This machine and user, as letters and digits that tell nobody which."""
    return hashlib.sha256(f"{platform.node()}/{os.getuid()}".encode()).hexdigest()[:12]


def process_runs(pid: int) -> bool:
    """Whether a process of this machine is there, whoever owns it."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return True


def _xdg(variable: str, default: str) -> Path:
    configured = os.environ.get(variable, "")
    return Path(configured) if configured.startswith("/") else Path.home() / default


def elapsed_clock() -> Callable[[], float]:
    """Seconds since this call."""
    begun = time.monotonic()
    return lambda: time.monotonic() - begun


def colour_wanted(stream: TextIO) -> bool:
    """Whether a stream is a terminal that shows colours and cursor moves, and nobody set NO_COLOR."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def write_crash_log(text: str) -> Path | None:
    """Keep what is needed to report a bug of ours; returns the file, None when no folder takes it."""
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
    try:
        folder = state_root() / "crashes"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / name
        path.write_text(text, encoding="utf-8", errors="replace")
    except (OSError, RuntimeError):  # RuntimeError: no home folder is known
        return None
    return path


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000
