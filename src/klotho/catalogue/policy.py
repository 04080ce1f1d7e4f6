"""What an environment's entry in klotho.yaml decides about what is made.

Input: nothing; the driver fills it in from the settings. Output: a value that rules and passes may look at. It says how
careful an environment is, never where it is: the same templates go to AWS and to this machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from klotho.application import Construct
from klotho.resources import Resource
from klotho.resources.changes import Path


@dataclass(frozen=True, slots=True)
class Enforced:
    """Properties that a rule of somebody else's sets, whatever the program says."""

    rule: str
    """Its name: `acme-platform/encrypted-buckets`."""
    owner: str
    """Whom to ask."""
    message: str
    """What is demanded."""
    values: Mapping[Path, Any]
    concerns: Callable[[Resource], bool] = field(compare=False)
    """Whether it is about a resource."""


@dataclass(frozen=True, slots=True)
class EnvironmentPolicy:
    """The defaults are those of an environment nobody said anything about."""

    protect: bool = False
    """Its data must not get lost: deletion protection, longer backups, stacks that can't be deleted."""
    alarms: bool = False
    """Whether alarms watch what is made."""
    alarm_emails: tuple[str, ...] = ()
    """Who is written to when an alarm goes off."""
    encrypted_in_transit: bool = False
    """Whether everything that goes through its network must be encrypted."""
    enter: bool = False
    """Whether running containers may be entered: `exec`, `shell` and `tunnel` of klotho.yaml's `allow:`."""

    enforced: tuple[Enforced, ...] = ()
    """What guardrails set."""
    refuses: Callable[[Construct, str], str | None] = lambda construct, implementation: None
    """Which rule, if one does, keeps a construct from being made by an implementation: that one is no candidate."""

    @property
    def log_days(self) -> int:
        """How long logs are kept. A month covers most incidents; who protects data is asked about last year's, too."""
        return 365 if self.protect else 30
