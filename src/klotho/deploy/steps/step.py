"""What one step is given to work with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from klotho.deploy.place import Clients
from klotho.diagnostics import Span


@dataclass(frozen=True, slots=True)
class Task:
    """One step of one construct."""

    construct: str
    """The construct's id; its name follows the slash."""
    properties: Mapping[str, Any]
    clients: Clients
    program_root: Path
    tags: Mapping[str, str]
    """What tells the things made for it from those of other applications, environments and constructs."""
    say: Callable[[str], None]
    """One line to the person who waits."""
    span: Span | None
