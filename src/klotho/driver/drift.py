"""`drift` for the command line: what was changed behind the deployer's back, at the user's lines.

Input: where a command looks, an environment. Output: a `DriftReport`. Lines are those of the last deployment, kept with
its revision: the program is not run. A local cloud that is stopped is started for the question.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from klotho.deploy.drift import ResourceDrift, StackDrift, detect
from klotho.deploy.events import Sink
from klotho.deploy.revisions import Revisions
from klotho.driver.identity import Identity, Where, identify
from klotho.driver.session import Session, for_a_question
from klotho.stacks import Origin


@dataclass(frozen=True, slots=True)
class DriftReport:
    identity: Identity
    stacks: tuple[StackDrift, ...] = ()
    origins: Mapping[tuple[str, str], Origin] = field(default_factory=dict)
    """By stack and logical id, as far as known."""

    @property
    def drifted(self) -> list[tuple[str, ResourceDrift]]:
        """Stack and resource."""
        return [(stack.stack, item) for stack in self.stacks for item in stack.resources]

    def origin(self, stack: str, item: ResourceDrift) -> Origin | None:
        return self.origins.get((stack, item.logical_id))

    def to_json(self) -> dict[str, Any]:
        return {
            "application": self.identity.application,
            "environment": self.identity.environment.name,
            "drifted": bool(self.drifted),
            "stacks": [
                {
                    "name": stack.stack,
                    "checked": stack.checked,
                    "resources": [self._json(stack.stack, item) for item in stack.resources],
                }
                for stack in self.stacks
            ],
        }

    def _json(self, stack: str, item: ResourceDrift) -> dict[str, Any]:
        origin = self.origin(stack, item)
        return {
            "logical_id": item.logical_id,
            "type": item.type,
            "physical_id": item.physical_id,
            "change": "deleted" if item.deleted else "modified",
            "construct": origin.construct if origin else None,
            "span": origin.span if origin else None,
            "differences": [
                {"path": found.path, "expected": found.expected, "actual": found.actual, "kind": found.kind}
                for found in item.differences
            ],
        }


def drift(where: Where, environment: str | None, sink: Sink) -> DriftReport:
    identity = identify(where, environment)
    with for_a_question(identity.environment, identity.project, sink) as opened:
        if opened is None:
            return DriftReport(identity)
        deployed = opened.calls.deployed(
            project=identity.project, environment=identity.environment.name, application=identity.application
        )
        found = tuple(detect(opened.clients, deployed.values(), opened.pace))
        lines = _origins(identity, opened) if any(stack.resources for stack in found) else {}
        return DriftReport(identity, found, lines)


def _origins(identity: Identity, opened: Session) -> dict[tuple[str, str], Origin]:
    kept = Revisions(opened.clients, identity.project, identity.environment.name, identity.application)
    numbers = kept.numbers()
    if not numbers:
        return {}
    stacks = kept.read(numbers[-1]).manifest.stacks
    return {(stack.name, logical_id): origin for stack in stacks for logical_id, origin in stack.origins.items()}
