"""Statements of policies whose references are texts, and whether some of them allow all that another one does.

Input: policy documents as a `Landscape` gives them. Output: `Grant`s; `widened`: what of a grant others do not cover.
Refuses nothing. When in doubt a grant is not covered, so that a preview may name a permission needlessly and never
hides one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from klotho.catalogue.wildcard import Patterns

EVERYONE = "*"


@dataclass(frozen=True, slots=True)
class Grant:
    """One statement."""

    allows: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    not_actions: bool = False
    not_resources: bool = False
    condition: str = "{}"
    """As JSON with sorted keys."""
    principals: tuple[str, ...] = ()
    """`AWS:…`, `Service:…`, or `*`; empty in an identity's own policy."""
    not_principals: bool = False

    @property
    def _negated(self) -> tuple[bool, bool, bool]:
        return self.not_actions, self.not_resources, self.not_principals

    def covers(self, principal: str, action: str, resource: str, condition: str) -> bool:
        """Whether it says yes (or no) to all of this, whatever the wildcards in it stand for."""
        if any(self._negated):
            return False
        return (
            self.condition in ("{}", condition)
            and Patterns(self.actions, ignore_case=True).cover(action)
            and Patterns(self.resources).cover(resource)
            and (not self.principals or EVERYONE in self.principals or principal in self.principals)
        )

    def parts(self) -> Iterator[tuple[str, str, str]]:
        """Principal (empty where there is none), action and resource."""
        for principal in self.principals or ("",):
            for action in self.actions:
                yield from ((principal, action, resource) for resource in self.resources)


def widened(grant: Grant, by: Iterable[Grant]) -> list[tuple[str, str, str]]:
    """The principals, actions and resources of a grant that none of the others of its effect covers."""
    others = [other for other in by if other.allows is grant.allows]
    if grant in others:
        return []
    if any(grant._negated):
        return list(_shown(grant)) if not any(_is_everything(other) for other in others) else []
    return [part for part in grant.parts() if not any(other.covers(*part, grant.condition) for other in others)]


def grants(document: Any) -> list[Grant]:
    """The statements of a document; none where it is no document."""
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            return []
    listed = document.get("Statement", ()) if isinstance(document, Mapping) else ()
    return [_grant(item) for item in ([listed] if isinstance(listed, Mapping) else listed) if isinstance(item, Mapping)]


def _grant(item: Mapping[str, Any]) -> Grant:
    return Grant(
        allows=item.get("Effect") != "Deny",
        actions=_texts(item.get("Action", item.get("NotAction", ()))),
        # A trust policy has no Resource: it is about its role.
        resources=_texts(item.get("Resource", item.get("NotResource", "*"))),
        not_actions="NotAction" in item,
        not_resources="NotResource" in item,
        condition=json.dumps(item.get("Condition") or {}, sort_keys=True, default=str),
        principals=_principals(item.get("Principal", item.get("NotPrincipal"))),
        not_principals="NotPrincipal" in item,
    )


def _principals(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, Mapping):
        return ()
    found = [f"{kind}:{text}" for kind, texts in value.items() for text in _texts(texts)]
    return tuple(EVERYONE if text == "AWS:*" else text for text in found)


def _texts(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(str(item) for item in value or ())


def _is_everything(grant: Grant) -> bool:
    return grant.covers(EVERYONE, "*", "*", "{}")


def _shown(grant: Grant) -> Iterator[tuple[str, str, str]]:
    """A statement that says what it is not about."""
    for principal, action, resource in grant.parts():
        yield (
            f"everyone but {principal}" if grant.not_principals else principal,
            f"everything but {action}" if grant.not_actions else action,
            f"everything but {resource}" if grant.not_resources else resource,
        )
