"""Values of a template that are not known yet: what `Ref` gives for a resource that is still to be made.

Input: resolved template values. Output: plain JSON values, or `Unknown` with the reasons why it can't be known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

Source = Literal["ResourceReference", "ResourceAttribute"]


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing whose value is only known when the operation runs."""

    entity: str
    """The logical id, with the attribute when `source` is ResourceAttribute (`Db.Endpoint.Address`)."""
    source: Source
    certain: bool
    """Whether the value will change for sure (the resource is new or certainly replaced)."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Stands for a value; compares unequal to every plain one."""

    causes: frozenset[Cause]


class NoValue:
    """`AWS::NoValue`: the property or list item that holds it disappears."""


NO_VALUE = NoValue()


def is_unknown(value: object) -> bool:
    return isinstance(value, Unknown)


def unknowns(value: Any) -> Iterator[Unknown]:
    """Every unknown inside a resolved value."""
    if isinstance(value, Unknown):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from unknowns(item)
    elif isinstance(value, list):
        for item in value:
            yield from unknowns(item)


def merged(value: Any) -> Unknown | None:
    """One unknown with all causes inside `value`, None when everything is known."""
    causes: frozenset[Cause] = frozenset().union(*(item.causes for item in unknowns(value)))
    return Unknown(causes) if causes else None
