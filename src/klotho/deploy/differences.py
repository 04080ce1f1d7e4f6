"""How one template differs from another, resource by resource, before anything is deployed.

Input: two templates with the values of their parameters. Output: additions, modifications, replacements and removals.
A change of a create-only property replaces (from AWS's schemas), and what names a replaced resource changes too, to
the fixed point. Refuses nothing; a type without vendored facts is taken to change in place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from klotho.catalogue.facts import PropertyPath, is_known, schema
from klotho.catalogue.retention import RETENTION
from klotho.deploy.template import construct_of

Change = Literal["add", "modify", "replace", "remove"]

UNKNOWN = "(known after deploy)"
"""The value of a parameter whose upstream has yet to change."""

REPLACED = "(of the replacement)"
"""The value of a reference to a resource that is replaced: certain to differ, whatever it will be."""

_KEEPING = ("Retain", "RetainExceptOnCreate", "Snapshot")
_SUBSTITUTION = re.compile(r"\$\{([A-Za-z0-9:.]+)\}")


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """What would happen to one resource."""

    logical_id: str
    type: str
    change: Change
    properties: tuple[str, ...] = ()
    """The changed properties, dotted; empty for an added or removed resource."""
    construct: str = ""
    loses_data: bool = False
    """Whether data it holds would be gone (or only kept as a snapshot or an orphan)."""
    uncertain: bool = False
    """It changes only if a value that is known after deploy turns out to differ."""


def holds_data(resource: Mapping[str, Any]) -> bool:
    """Whether removing it loses data: databases, tables and buckets, and whatever the template says to keep."""
    return resource.get("Type") in RETENTION or resource.get("DeletionPolicy") in _KEEPING


def differences(
    before: Mapping[str, Any], old: Mapping[str, str], after: Mapping[str, Any], new: Mapping[str, str]
) -> list[ResourceChange]:
    """Changes from template `before` with parameter values `old` to `after` with `new`, by logical id."""
    was, will = before.get("Resources", {}), after.get("Resources", {})
    changed = _changed(was, old, will, new)
    found = [_described("add", name, will[name]) for name in will.keys() - was.keys()]
    found += [_described("remove", name, was[name]) for name in was.keys() - will.keys()]
    for name, (paths, uncertain) in changed.items():
        replaces = _replaces(was[name], will[name], paths)
        shown = tuple(sorted({".".join(path) for path in paths}))
        found.append(_described("replace" if replaces else "modify", name, will[name], shown, uncertain))
    return sorted(found, key=lambda item: item.logical_id)


def additions(template: Mapping[str, Any]) -> list[ResourceChange]:
    """Every resource of a template, as added."""
    return [_described("add", name, resource) for name, resource in sorted(template.get("Resources", {}).items())]


def removals(template: Mapping[str, Any]) -> list[ResourceChange]:
    """Every resource of a template, as removed."""
    return [_described("remove", name, resource) for name, resource in sorted(template.get("Resources", {}).items())]


def unknown_outputs(
    before: Mapping[str, Any], after: Mapping[str, Any], changes: list[ResourceChange]
) -> frozenset[str]:
    """Outputs whose value can't be known before the deploy: new ones, redefined ones, those of new resources."""
    fresh = {item.logical_id for item in changes if item.change in ("add", "replace")}
    old = before.get("Outputs", {})
    return frozenset(
        name
        for name, output in after.get("Outputs", {}).items()
        if old.get(name, {}).get("Value") != output.get("Value") or fresh & set(_named(output.get("Value")))
    )


def _changed(
    was: Mapping[str, Any], old: Mapping[str, str], will: Mapping[str, Any], new: Mapping[str, str]
) -> dict[str, tuple[list[PropertyPath], bool]]:
    """Changed property paths and whether they are uncertain, by logical id; repeated until no replacement is new."""
    replaced: frozenset[str] = frozenset()
    while True:
        changed = {}
        for name in sorted(was.keys() & will.keys()):
            left = _filled(was[name].get("Properties", {}), old, frozenset())
            right = _filled(will[name].get("Properties", {}), new, replaced)
            paths = list(_paths(left, right))
            if was[name].get("Type") != will[name].get("Type"):
                paths = [("Type",)]
            if paths:
                changed[name] = (paths, all(_unknown_at(right, path) for path in paths))
        now = frozenset(name for name, (paths, _) in changed.items() if _replaces(was[name], will[name], paths))
        if now == replaced:
            return changed
        replaced = now


def _filled(value: Any, parameters: Mapping[str, str], replaced: frozenset[str]) -> Any:
    """The value with parameters put in, and every reference to a replaced resource marked as different."""
    if isinstance(value, Mapping):
        if len(value) == 1:
            (key, argument), *_ = value.items()
            if key == "Ref" and argument in parameters:
                return parameters[argument]
            if key == "Fn::Sub":
                return _substituted(argument, parameters, replaced)
            if key in ("Ref", "Fn::GetAtt") and set(_named(value)) & replaced:
                return REPLACED
        return {key: _filled(item, parameters, replaced) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, parameters, replaced) for item in value]
    return value


def _substituted(argument: Any, parameters: Mapping[str, str], replaced: frozenset[str]) -> Any:
    text, local = (argument[0], argument[1]) if isinstance(argument, list) else (argument, {})

    def put(match: re.Match[str]) -> str:
        name = match[1]
        if name in local:
            return str(_filled(local[name], parameters, replaced))
        if name.split(".")[0] in replaced:
            return REPLACED
        return parameters.get(name, match[0])

    return _SUBSTITUTION.sub(put, str(text))


def _named(value: Any) -> Iterator[str]:
    """The logical ids (and parameter names) a value refers to."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == "Ref":
                yield str(item)
            elif key == "Fn::GetAtt":
                yield str(item[0] if isinstance(item, list) else item).split(".")[0]
            elif key == "Fn::Sub":
                text = item[0] if isinstance(item, list) else item
                yield from (match[1].split(".")[0] for match in _SUBSTITUTION.finditer(str(text)))
            yield from _named(item)
    elif isinstance(value, list):
        for item in value:
            yield from _named(item)


def _paths(left: Any, right: Any, at: PropertyPath = ()) -> Iterator[PropertyPath]:
    """Where two values differ; `*` for an item of two lists of the same length."""
    if left == right:
        return
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        for key in sorted({*left, *right}):
            yield from _paths(left.get(key), right.get(key), (*at, key))
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for old, new in zip(left, right, strict=True):
            yield from _paths(old, new, (*at, "*"))
    else:
        yield at


def _unknown_at(value: Any, path: PropertyPath) -> bool:
    """Whether the new value at a path holds something known only after deploy."""
    for part in path:
        if isinstance(value, list):
            return any(UNKNOWN in str(item) for item in value)
        value = value.get(part) if isinstance(value, Mapping) else None
    return UNKNOWN in str(value)


def _replaces(was: Mapping[str, Any], will: Mapping[str, Any], paths: list[PropertyPath]) -> bool:
    type_name = str(will.get("Type", ""))
    if was.get("Type") != type_name:
        return True
    if not is_known(type_name):
        return False
    return any(_covers(fixed, path) for fixed in schema(type_name).create_only for path in paths)


def _covers(fixed: PropertyPath, path: PropertyPath) -> bool:
    """Whether a change at `path` touches the create-only property `fixed`: one is the beginning of the other."""
    return all(one == other or "*" in (one, other) for one, other in zip(fixed, path, strict=False))


def _described(
    change: Change, name: str, resource: Mapping[str, Any], properties: tuple[str, ...] = (), uncertain: bool = False
) -> ResourceChange:
    return ResourceChange(
        logical_id=name,
        type=str(resource.get("Type", "")),
        change=change,
        properties=properties,
        construct=construct_of(resource),
        loses_data=change in ("remove", "replace") and holds_data(resource) and not uncertain,
        uncertain=uncertain,
    )
