"""What became of stacks: the result of one run of the deployer.

Input: nothing. Output: plain values. Refuses nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from klotho.deploy.events import Cause
from klotho.diagnostics import Diagnostic, ExitCode

Result = Literal["created", "updated", "unchanged", "failed", "skipped", "cancelled", "deleted"]
"""`skipped`: something it needs failed. `cancelled`: not begun because the user asked to stop."""


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """A resource that belongs to no stack any more, or is not as its template says, because AWS would not let go."""

    logical_id: str
    type: str
    physical_id: str
    why: str


@dataclass(frozen=True, slots=True)
class StackOutcome:
    """What became of one stack."""

    stack: str
    """Its short name."""
    result: Result
    outputs: Mapping[str, str] = field(default_factory=dict)
    cause: Cause | None = None
    diagnostic: Diagnostic | None = None
    """What a failed asset or a refused call had to say."""
    exit_code: ExitCode = ExitCode.RESOURCE_FAILED
    """What the command should end with if this is what failed."""
    left: tuple[LeftBehind, ...] = ()
    expanded: bool = False
    """It still holds what its consumers used before: a later step takes that away."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """What became of every stack, in manifest order, then the deleted ones."""

    outcomes: tuple[StackOutcome, ...]
    drained: bool = False
    """The user asked to stop: what had begun is done, the rest was not begun."""

    @property
    def failed(self) -> tuple[StackOutcome, ...]:
        return tuple(item for item in self.outcomes if item.result == "failed")

    @property
    def cancelled(self) -> tuple[str, ...]:
        """The stacks that were not begun because the user asked to stop."""
        return tuple(item.stack for item in self.outcomes if item.result == "cancelled")

    @property
    def left(self) -> tuple[tuple[str, LeftBehind], ...]:
        """Stack and resource of everything AWS would not let go of."""
        return tuple((item.stack, left) for item in self.outcomes for left in item.left)

    @property
    def ok(self) -> bool:
        return not self.drained and all(item.result in _GOOD for item in self.outcomes)

    def outputs_of(self, stack: str) -> Mapping[str, str]:
        return next((item.outputs for item in self.outcomes if item.stack == stack), {})


_GOOD = ("created", "updated", "unchanged", "deleted")
