"""What `klotho dev` tells while it runs: values, shown by the command line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from klotho.diagnostics import Diagnostic
from klotho.driver.deployment import UpResult
from klotho.driver.logs import LogLine


@dataclass(frozen=True, slots=True)
class Watching:
    """The application is up (or its program has mistakes, which were told), and files are watched."""

    application: str
    folder: str


@dataclass(frozen=True, slots=True)
class Reloaded:
    """A saved file serves."""

    service: str
    """The construct's name."""
    kind: str
    """`function`, `container` or `site`."""
    files: tuple[str, ...]
    """Relative to the program's folder."""
    ms: int
    """From the save until it serves."""


@dataclass(frozen=True, slots=True)
class Refused:
    """What was saved can't serve; what served before goes on."""

    service: str | None
    """None when it is about the program."""
    diagnostics: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class Planned:
    """A deployment of what differs has ended, well or not."""

    result: UpResult
    files: tuple[str, ...]
    """What was saved; empty for the first and the last one."""


@dataclass(frozen=True, slots=True)
class Lines:
    """What the services printed, oldest first."""

    lines: tuple[LogLine, ...]


@dataclass(frozen=True, slots=True)
class Ended:
    """It is over."""

    deployed: bool
    """Whether what is deployed is what `klotho up` would deploy."""
    taken_back: tuple[str, ...] = ()
    """Services whose last code could not be deployed: they run what is deployed."""


DevEvent = Watching | Reloaded | Refused | Planned | Lines | Ended
Show = Callable[[DevEvent], None]
"""Called from several threads."""
