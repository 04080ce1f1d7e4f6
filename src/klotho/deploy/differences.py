"""How one template differs from another, resource by resource, before anything is deployed.

Input: two templates with the values of their parameters. Output: additions, modifications, replacements and removals.
What replaces is said by `klotho.catalogue.facts` and nowhere else; what names a replaced resource changes too, to the
fixed point. Refuses nothing; a type without vendored facts is taken to change in place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from klotho.catalogue.facts import PropertyPath, edited, is_known, schema
from klotho.catalogue.retention import retention
from klotho.deploy.template import construct_of, is_remade

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
    replaced_by: tuple[str, ...] = ()
    """The properties (top-level) that can't change in place; empty unless it is replaced."""
    construct: str = ""
    loses_data: bool = False
    """Whether data it holds would be gone (or only kept as a snapshot or an orphan)."""
    uncertain: bool = False
    """It changes only if a value that is known after deploy turns out to differ."""


def holds_data(resource: Mapping[str, Any]) -> bool:
    """Whether removing it loses data: databases, tables and buckets, and whatever the template says to keep.

    What the template says to delete along with its stack holds none that anybody would miss.
    """
    if is_remade(resource):
        return False
    policy = resource.get("DeletionPolicy")
    kept = retention(str(resource.get("Type", "")), resource.get("Properties") or {})
    return policy in _KEEPING or (kept is not None and policy != "Delete")


def differences(
    before: Mapping[str, Any], old: Mapping[str, str], after: Mapping[str, Any], new: Mapping[str, str]
) -> list[ResourceChange]:
    """Changes from template `before` with parameter values `old` to `after` with `new`, by logical id."""
    was, will = before.get("Resources", {}), after.get("Resources", {})
    found = [_described("add", name, will[name]) for name in will.keys() - was.keys()]
    found += [_described("remove", name, was[name]) for name in was.keys() - will.keys()]
    found += [_changed(name, will[name], how) for name, how in _compared(was, old, will, new).items()]
    return sorted(found, key=lambda item: item.logical_id)


def additions(template: Mapping[str, Any]) -> list[ResourceChange]:
    """Every resource of a template, as added."""
    return [_described("add", name, resource) for name, resource in sorted(template.get("Resources", {}).items())]


def removals(template: Mapping[str, Any]) -> list[ResourceChange]:
    """Every resource of a template, as removed."""
    return [_described("remove", name, resource) for name, resource in sorted(template.get("Resources", {}).items())]


def unknown_outputs(
    before: Mapping[str, Any], after: Mapping[str, Any], changes: list[ResourceChange]
) -> dict[str, str]:
    """Outputs whose value can't be known before the deploy, as `UNKNOWN`; as `REPLACED` if it is certain to differ."""
    replaced = {item.logical_id for item in changes if item.change == "replace" and not item.uncertain}
    fresh = {item.logical_id for item in changes if item.change in ("add", "replace")}
    old = before.get("Outputs", {})
    found = {}
    for name, output in after.get("Outputs", {}).items():
        named = set(named_in(output.get("Value")))
        if replaced & named:
            found[name] = REPLACED
        elif fresh & named or old.get(name, {}).get("Value") != output.get("Value"):
            found[name] = UNKNOWN
    return found


@dataclass(frozen=True, slots=True)
class _Difference:
    """How a resource that stays differs."""

    paths: tuple[PropertyPath, ...]
    fixed: tuple[str, ...]
    """Which of the changed properties replace the resource."""
    uncertain: bool
    """Every difference, or every one that replaces, depends on a value known after deploy."""


def _compared(
    was: Mapping[str, Any], old: Mapping[str, str], will: Mapping[str, Any], new: Mapping[str, str]
) -> dict[str, _Difference]:
    """What differs, by logical id; repeated until no replacement is new."""
    replaced: dict[str, str] = {}
    while True:
        changed = {}
        for name in sorted(was.keys() & will.keys()):
            left = _filled(was[name].get("Properties", {}), old, {})
            right = _filled(will[name].get("Properties", {}), new, replaced)
            found = _difference(was[name], left, will[name], right)
            if found is not None:
                changed[name] = found
        now = {name: UNKNOWN if how.uncertain else REPLACED for name, how in changed.items() if how.fixed}
        if now == replaced:
            return changed
        replaced = now


def _difference(
    was: Mapping[str, Any], left: Mapping[str, Any], will: Mapping[str, Any], right: Mapping[str, Any]
) -> _Difference | None:
    """Between two resources whose properties are `left` and `right`."""
    if was.get("Type") != will.get("Type"):
        return _Difference((("Type",),), ("Type",), uncertain=False)
    paths = tuple(_paths(left, right))
    if not paths:
        return None
    edits = edited(str(will.get("Type")), left, right)
    fixing = [path for path in paths if path[0] in edits or _is_fixed(will, path)]
    decisive = fixing or paths
    uncertain = all(_unknown_at(right, path) for path in decisive)
    return _Difference(paths, tuple(sorted({path[0] for path in fixing})), uncertain)


def _filled(value: Any, parameters: Mapping[str, str], replaced: Mapping[str, str]) -> Any:
    """The value with parameters put in, and every reference to a replaced resource by what `replaced` has for it."""
    if isinstance(value, Mapping):
        if len(value) == 1:
            (key, argument), *_ = value.items()
            if key == "Ref" and argument in parameters:
                return parameters[argument]
            if key == "Fn::Sub":
                return _substituted(argument, parameters, replaced)
            if key in ("Ref", "Fn::GetAtt"):
                return next((replaced[name] for name in named_in(value) if name in replaced), value)
        return {key: _filled(item, parameters, replaced) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, parameters, replaced) for item in value]
    return value


def _substituted(argument: Any, parameters: Mapping[str, str], replaced: Mapping[str, str]) -> Any:
    text, local = (argument[0], argument[1]) if isinstance(argument, list) else (argument, {})

    def put(match: re.Match[str]) -> str:
        name = match[1]
        if name in local:
            return str(_filled(local[name], parameters, replaced))
        if name.split(".")[0] in replaced:
            return replaced[name.split(".")[0]]
        return parameters.get(name, match[0])

    return _SUBSTITUTION.sub(put, str(text))


def named_in(value: Any) -> Iterator[str]:
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
            yield from named_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from named_in(item)


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


def _is_fixed(resource: Mapping[str, Any], path: PropertyPath) -> bool:
    """Whether a change at the path replaces the resource. What replaces in some cases only does where data is at
    stake: asking once too often loses nothing."""
    type_name = str(resource.get("Type", ""))
    if not is_known(type_name):
        return False
    facts = schema(type_name)
    fixed = facts.create_only | (facts.conditional_create_only if holds_data(resource) else frozenset())
    return any(_covers(item, path) for item in fixed)


def _covers(fixed: PropertyPath, path: PropertyPath) -> bool:
    """Whether a change at `path` touches the create-only property `fixed`: one is the beginning of the other."""
    return all(one == other or "*" in (one, other) for one, other in zip(fixed, path, strict=False))


def _changed(name: str, resource: Mapping[str, Any], how: _Difference) -> ResourceChange:
    return ResourceChange(
        logical_id=name,
        type=str(resource.get("Type", "")),
        change="replace" if how.fixed else "modify",
        properties=tuple(sorted({".".join(path) for path in how.paths})),
        replaced_by=how.fixed,
        construct=construct_of(resource),
        loses_data=bool(how.fixed) and holds_data(resource) and not how.uncertain,
        uncertain=how.uncertain,
    )


def _described(change: Literal["add", "remove"], name: str, resource: Mapping[str, Any]) -> ResourceChange:
    return ResourceChange(
        logical_id=name,
        type=str(resource.get("Type", "")),
        change=change,
        construct=construct_of(resource),
        loses_data=change == "remove" and holds_data(resource),
    )
