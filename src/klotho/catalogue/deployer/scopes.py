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
    project_bucket: str
    """Where the models of projects lie."""
    project: str
    """As the first part of its objects' names there."""
    shared_prefix: str | None = None
    """What the names of the project's own stacks begin with, where there is a project."""

    def filled(self, pattern: str, names: Iterable[str] = ()) -> list[str]:
        """The ARNs of a pattern of the table. `names`: those that templates give; without any, all that it may get."""
        found: list[str] = []
        for prefix in (self.prefix, *([self.shared_prefix] if self.shared_prefix else [])):
            cut, short = _beginning(prefix[:_KEPT]), _beginning(prefix[:_KEPT_SHORT])
            for long, shortened in [(name, name) for name in names] or [(cut, short)]:
                found.append(
                    pattern.format(
                        region=self.region,
                        account=self.account,
                        artifacts=self.artifact_bucket,
                        projects=self.project_bucket,
                        project=self.project,
                        stacks=f"{prefix}*",
                        cluster=cut,
                        name=long,
                        short=shortened,
                    )
                )
        return list(dict.fromkeys(found))


def _beginning(prefix: str) -> str:
    """What names made from stacks of this prefix match: most types' handlers make one dash of two, older ones do not.

    Source: `IdentifierUtils` of AWS's cloudformation-cli-java-plugin.
    """
    return f"{prefix.rstrip('-').replace('--', '-*')}-*" if prefix.endswith("-") else f"{prefix.replace('--', '-*')}*"


class Names:
    """The names that the templates give to resources, by the patterns of their ARNs."""

    def __init__(self, resources: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        self._given: dict[str, set[str]] = {}
        self._of_type: dict[str, set[str]] = {}
        for type_name, resource in resources:
            given = _given(type_name, resource)
            if given is None:
                continue
            self._of_type.setdefault(type_name, set()).add(given)
            for pattern in entry_of(type_name)["arns"]:
                self._given.setdefault(pattern, set()).add(given)

    def arns(self, pattern: str, target: Target, named_by: str | None = None) -> list[str]:
        """All ARNs that resources of this pattern have in the application. `named_by`: the type with their names."""
        known = self._given.get(pattern, set()) | self._of_type.get(named_by or "", set())
        given = sorted(known) if "{name}" in pattern or "{short}" in pattern else []
        return [*target.filled(pattern), *(target.filled(pattern, given) if given else [])]


def scopes(
    type_name: str, resource: Mapping[str, Any], action: IamAction, target: Target, names: Names
) -> tuple[str, ...]:
    """The resources an action of a handler is allowed on, sorted."""
    service = action.name.partition(":")[0]
    if not action.scoped and service not in _UNPUBLISHED:
        return ("*",)
    patterns = _patterns(type_name, resource, target, names)
    own = tuple(sorted({item for item in patterns if item.split(":")[2] == service}))
    if service in _UNPUBLISHED:
        return own
    # The reference lags behind the schemas: a type may take tags before it says so. What belongs to another service
    # (a file system, a certificate authority) may be any of its kind.
    fitting = tuple(sorted({item for item in patterns if action.takes(item)}))
    return fitting or (own if own and "Tag" in action.name else _any(action, target))


def _any(action: IamAction, target: Target) -> tuple[str, ...]:
    """Every resource of the kinds that the action takes."""
    known = {"Region": target.region, "Account": target.account}
    arns = (*action.required, *action.optional)
    return tuple(sorted({re.sub(r"\$\{(\w+)\}", lambda found: known.get(found[1], "*"), arn) for arn in arns}))


def _patterns(type_name: str, resource: Mapping[str, Any], target: Target, names: Names) -> list[str]:
    given = _given(type_name, resource)
    entry = entry_of(type_name)
    arns, named_by = entry["arns"], entry.get("names_of")
    if given is not None:
        return [arn for pattern in arns for arn in target.filled(pattern, [given])]
    return [arn for pattern in arns for arn in names.arns(pattern, target, named_by)]


def _given(type_name: str, resource: Mapping[str, Any]) -> str | None:
    """The name that the template gives, None when CloudFormation makes one up."""
    name = (resource.get("Properties") or {}).get(entry_of(type_name).get("name", ""))
    return name.rpartition(":")[2] if isinstance(name, str) else None
