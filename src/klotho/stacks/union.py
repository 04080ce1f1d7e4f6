"""The template of a stack that several applications need: everything that any of them needs, once.

Input: a template for each application. Output: one template, the same for the same set whatever their order, and
what they disagree about. Resources that have a name in common are one; their lists are joined. Nothing is refused
here: whoever asks has the disagreements.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Template = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Two applications want different values at one place."""

    logical_id: str
    place: tuple[str, ...]
    """Below the resource: `Properties`, `CidrBlock`."""
    wanted: Mapping[str, Any]
    """By application; two."""


@dataclass
class _Joined:
    document: dict[str, Any]
    owners: dict[str, str] = field(default_factory=dict)
    """By logical id: the first application that has the resource."""
    disagreements: list[Disagreement] = field(default_factory=list)


def union(templates: Mapping[str, Template]) -> tuple[dict[str, Any], tuple[Disagreement, ...]]:
    """Everything in any of the templates; of values that differ the first application's, by name."""
    joined = _Joined({})
    for application, template in sorted(templates.items()):
        for section in ("AWSTemplateFormatVersion", "Description"):
            joined.document.setdefault(section, template[section])
        for section in ("Parameters", "Outputs", "Resources"):
            there = joined.document.setdefault(section, {})
            for name, entry in template.get(section, {}).items():
                first = joined.owners.setdefault(name, application)
                there[name] = (
                    _both(there[name], entry, joined, (first, application), name, ()) if name in there else entry
                )
    return joined.document, tuple(joined.disagreements)


def covers(template: Template, other: Template) -> bool:
    """Whether everything of `other` is in `template`, with the same values."""
    document, disagreements = union({"a": template, "b": other})
    return not disagreements and document == template


def _both(mine: Any, theirs: Any, joined: _Joined, owners: tuple[str, str], name: str, place: tuple[str, ...]) -> Any:
    if mine == theirs:
        return mine
    if isinstance(mine, Mapping) and isinstance(theirs, Mapping) and not (_is_function(mine) or _is_function(theirs)):
        merged = dict(mine)
        for key, value in theirs.items():
            merged[key] = _both(mine[key], value, joined, owners, name, (*place, key)) if key in mine else value
        return merged
    if isinstance(mine, list) and isinstance(theirs, list) and not _is_argument(place):
        return [*mine, *(item for item in theirs if item not in mine)]
    if place[-1:] == ("RouteTableId",):
        # A subnet whose zone has a way out of its own keeps it: the plain table is the one that is named first.
        return max(mine, theirs, key=lambda value: json.dumps(value, sort_keys=True))
    joined.disagreements.append(Disagreement(name, place, {owners[0]: mine, owners[1]: theirs}))
    return mine


def _is_function(value: Mapping[str, Any]) -> bool:
    return len(value) == 1 and next(iter(value)).startswith(("Ref", "Fn::"))


def _is_argument(place: tuple[str, ...]) -> bool:
    return bool(place) and place[-1].startswith("Fn::")
