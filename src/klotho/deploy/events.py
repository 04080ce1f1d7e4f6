"""What the deployer says while it works: plain values handed to a sink, shown by whoever owns the screen.

Input: nothing. Output: frozen events. A sink is called from several threads at once and must not raise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from klotho.diagnostics import Span

Action = Literal["create", "update", "delete", "recreate", "contract", "prove"]
"""`recreate`: a stack whose creation failed earlier is deleted and created anew. `contract`: what its consumers used
before they moved is taken out of it. `prove`: an earlier run ended before its services were known to be ready."""

AssetType = Literal["image", "zip", "site"]
"""`site`: the files of a site, made by its build command."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a stack failed: its first failure that is not the echo of another one."""

    reason: str
    logical_id: str = ""
    type: str = ""
    construct: str = ""
    """The construct id behind the resource; empty for one that belongs to no construct."""
    span: Span | None = None
    code: str = ""
    """CloudFormation's HandlerErrorCode; empty where it gives none."""
    aftermath: str = ""
    """What is left of the stack, as a sentence: rolled back, removed again, or still there."""


@dataclass(frozen=True, slots=True)
class Step:
    """Something that is no stack: the local cloud starting, a file written."""

    text: str


@dataclass(frozen=True, slots=True)
class DeploymentPlanned:
    """Sent once, before anything is deployed."""

    stacks: tuple[tuple[str, tuple[str, ...]], ...]
    """Name and upstream names, in deployment order."""


@dataclass(frozen=True, slots=True)
class AssetStarted:
    construct: str
    type: AssetType


@dataclass(frozen=True, slots=True)
class AssetProgress:
    """One line of a build's own output."""

    construct: str
    line: str


@dataclass(frozen=True, slots=True)
class AssetDone:
    construct: str
    type: AssetType
    seconds: float
    detail: str = ""
    """The digest, and whether it was built or taken from the cache."""


@dataclass(frozen=True, slots=True)
class AssetFailed:
    construct: str
    message: str
    seconds: float


@dataclass(frozen=True, slots=True)
class StackStarted:
    stack: str
    action: Action


@dataclass(frozen=True, slots=True)
class ResourceChanged:
    stack: str
    logical_id: str
    type: str
    status: str
    """CloudFormation's resource status, for example `CREATE_COMPLETE`."""
    reason: str = ""
    construct: str = ""


@dataclass(frozen=True, slots=True)
class WaitedFor:
    """One thing a wait is about: a resource, or the stack itself where nothing more is known."""

    logical_id: str
    """Empty for the stack itself."""
    type: str
    status: str
    seconds: float
    """How long it has had this status, as far as this run saw it."""

    def __str__(self) -> str:
        named = f"{self.type} {self.logical_id}" if self.logical_id else "the stack"
        return f"{named}: {self.status} for {self.seconds:.0f} s"


@dataclass(frozen=True, slots=True)
class Waiting:
    """Sent every 10 s while a stack changes: what it waits on."""

    stack: str
    on: tuple[WaitedFor, ...]
    seconds: float
    """Since the wait began."""


@dataclass(frozen=True, slots=True)
class Draining:
    """The user asked to stop: nothing new begins."""

    stacks: tuple[str, ...]
    """What is under way and waited for."""


@dataclass(frozen=True, slots=True)
class StackCancelled:
    """Not begun, because the user asked to stop."""

    stack: str


@dataclass(frozen=True, slots=True)
class ResourceLeft:
    """AWS would not let go of a resource: it is there and belongs to no stack, or is not as its template says."""

    stack: str
    logical_id: str
    type: str
    physical_id: str
    why: str


@dataclass(frozen=True, slots=True)
class StackDone:
    stack: str
    action: Action
    seconds: float


@dataclass(frozen=True, slots=True)
class StackUnchanged:
    stack: str


@dataclass(frozen=True, slots=True)
class StackFailed:
    stack: str
    action: Action
    cause: Cause
    seconds: float


@dataclass(frozen=True, slots=True)
class StackSkipped:
    """Not touched because something it needs failed."""

    stack: str
    because: str


@dataclass(frozen=True, slots=True)
class SiteStarted:
    """A site's changed files are on their way into its bucket."""

    construct: str
    changed: int
    removed: int


@dataclass(frozen=True, slots=True)
class SiteProgress:
    construct: str
    text: str


@dataclass(frozen=True, slots=True)
class SiteDone:
    construct: str
    seconds: float
    detail: str


@dataclass(frozen=True, slots=True)
class SiteUnchanged:
    construct: str


@dataclass(frozen=True, slots=True)
class SiteFailed:
    construct: str
    message: str
    seconds: float


Event = (
    Step
    | DeploymentPlanned
    | AssetStarted
    | AssetProgress
    | AssetDone
    | AssetFailed
    | StackStarted
    | ResourceChanged
    | Waiting
    | Draining
    | StackCancelled
    | ResourceLeft
    | StackDone
    | StackUnchanged
    | StackFailed
    | StackSkipped
    | SiteStarted
    | SiteProgress
    | SiteDone
    | SiteUnchanged
    | SiteFailed
)
Sink = Callable[[Event], None]
