"""On which resources an action is allowed.

Input: a type, a resource of it, an action, and where it is deployed. Output: ARNs with `*` where AWS decides the rest;
`*` alone only for an action that AWS allows on nothing narrower.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from klotho.catalogue.deployer.needs import entry_of
from klotho.catalogue.facts.actions import IamAction

_KEPT, _KEPT_SHORT = 24, 5
"""How much of a stack's name is left in names of 64 and of 32 characters, where CloudFormation cuts."""
_UNPUBLISHED = ("apigateway",)
"""Services whose part of AWS's reference is about another API: HTTP APIs are /apis, not /restapis."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where an application is deployed."""

    region: str
    account: str
    """12 digits."""
    artifact_bucket: str
    prefix: str
    """What CloudFormation's names of its stacks begin with (`stack_prefix`)."""

    def filled(self, pattern: str, name: str | None = None) -> str:
        """An ARN of the table. `name`: the one the template gives."""
        cut, short = self.prefix[:_KEPT], self.prefix[:_KEPT_SHORT]
        return pattern.format(
            region=self.region,
            account=self.account,
            artifacts=self.artifact_bucket,
            stacks=f"{self.prefix}*",
            name=name or f"{cut}*",
            short=name or f"{short}*",
        )


def scopes(type_name: str, resource: Mapping[str, Any], action: IamAction, target: Target) -> tuple[str, ...]:
    """The resources an action of a handler is allowed on, sorted."""
    if not action.scoped and not action.name.startswith(_UNPUBLISHED):
        return ("*",)
    patterns = _patterns(type_name, resource, target)
    service = action.name.partition(":")[0]
    if service in _UNPUBLISHED:
        return tuple(sorted(item for item in patterns if _service(item) == service))
    fitting = tuple(sorted({item for item in patterns if action.takes(item)}))
    # The reference lags behind the schemas: a type may take tags before it says so.
    return fitting or tuple(sorted({item for item in patterns if _service(item) == service}))


def _patterns(type_name: str, resource: Mapping[str, Any], target: Target) -> Iterable[str]:
    entry = entry_of(type_name)
    given = (resource.get("Properties") or {}).get(entry.get("name", ""))
    return [target.filled(pattern, given if isinstance(given, str) else None) for pattern in entry["arns"]]


def _service(arn: str) -> str:
    found = re.match(r"arn:aws:([^:]+):", arn)
    return found.group(1) if found else ""
