"""What a plane says of each thing it runs; shown by `klotho status`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["starting", "running", "idle", "restarting", "failed", "stopped"]


@dataclass(frozen=True, slots=True)
class UnitStatus:
    """One process, server or endpoint of the local cloud."""

    name: str
    """The construct's name in the user's program where there is one."""
    kind: str
    """`container`, `function`, `postgres`, `api`."""
    state: State
    address: str | None = None
    """A URL or host:port a person can use."""
    log_group: str | None = None
    restarts: int = 0
    detail: str | None = None
    """Why it is not running, in one line."""
    pid: int | None = None
    application: str | None = None
    """The application it belongs to; None for what was made with another tool."""
