"""How one template differs from another, resource by resource, before anything is deployed.

Input: two templates with the values of their parameters. Output: additions, modifications, replacements and removals.
What replaces is said by `klotho.catalogue.facts` and nowhere else; what names a replaced resource changes too, to the
fixed point. Refuses nothing; a type without vendored facts is taken to change in place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from klotho.catalogue.facts import PropertyPath, edited, is_known, schema
from klotho.catalogue.retention import retention
from klotho.deploy.comparison import REPLACED as REPLACED
from klotho.deploy.comparison import STACK_TAGS, PropertyDifference, Side, compared
from klotho.deploy.comparison import UNKNOWN as UNKNOWN
from klotho.deploy.template import construct_of, is_remade

Change = Literal["add", "modify", "replace", "remove", "moved"]
"""`moved`: it keeps what it holds under another logical id or in another stack."""

WORDS: Mapping[Change, str] = {
    "add": "create", "modify": "update", "replace": "replace", "remove": "delete", "moved": "moved",
}  # fmt: skip
"""What people and `--json` call a resource's change; in the order of summaries."""

_KEEPING = ("Retain", "RetainExceptOnCreate", "Snapshot")


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
    details: tuple[PropertyDifference, ...] = field(default=(), repr=False)
    """Each place where it differs, with its values; empty for an added or removed resource."""
    moved_from: str = ""
    """`stack/LogicalId` where it was before, of a moved one."""


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
    before: Mapping[str, Any],
    old: Mapping[str, str],
    after: Mapping[str, Any],
    new: Mapping[str, str],
    *,
    tags_differ: bool = False,
) -> list[ResourceChange]:
    """Changes from template `before` with parameter values `old` to `after` with `new`, by logical id.

    `tags_differ`: so do the stack's tags, which CloudFormation hands to every resource that takes some.
    """
    was, will = before.get("Resources", {}), after.get("Resources", {})
    found = [_described("add", name, will[name]) for name in will.keys() - was.keys()]
    found += [_described("remove", name, was[name]) for name in was.keys() - will.keys()]
    found += [_changed(name, will[name], how) for name, how in _compared(was, old, will, new, tags_differ).items()]
    return sorted(found, key=lambda item: item.logical_id)


def additions(template: Mapping[str, Any]) -> list[ResourceChange]:
    """Every resource of a template, as added."""
    return [_described("add", name, resource) for name, resource in sorted(template.get("Resources", {}).items())]


def removals(template: Mapping[str, Any]) -> list[ResourceChange]:
    """Every resource of a template, as removed."""
    return [_described("remove", name, resource) for name, resource in sorted(template.get("Resources", {}).items())]


def changed_outputs(
    before: Mapping[str, Any],
    old: Mapping[str, str],
    after: Mapping[str, Any],
    new: Mapping[str, str],
    changes: list[ResourceChange],
) -> dict[str, str]:
    """What stands for the outputs that will differ, or may: `REPLACED` where that is certain, the new value where it is
    known already, else `UNKNOWN`."""
    certain = {item.logical_id for item in changes if item.change == "replace" and not item.uncertain}
    fresh = {item.logical_id for item in changes if item.change in ("add", "replace")} - certain
    left = Side(old, {})
    right = Side(new, {**dict.fromkeys(fresh, UNKNOWN), **dict.fromkeys(certain, REPLACED)})
    was = before.get("Outputs", {})
    found = {}
    for name, output in after.get("Outputs", {}).items():
        value = str(right.filled(output.get("Value")))
        if name not in was or str(left.filled(was[name].get("Value"))) != value:
            found[name] = next((mark for mark in (REPLACED, UNKNOWN) if mark in value), _if_known(value))
    return found


def _if_known(value: str) -> str:
    """The text of an output that names no resource."""
    return UNKNOWN if "${" in value or "{'Fn::" in value else value


@dataclass(frozen=True, slots=True)
class _Difference:
    """How a resource that stays differs."""

    details: tuple[PropertyDifference, ...]
    fixed: tuple[str, ...]
    """Which of the changed properties replace the resource."""
    uncertain: bool
    """Every difference, or every one that replaces, depends on a value known after deploy."""


def _compared(
    was: Mapping[str, Any], old: Mapping[str, str], will: Mapping[str, Any], new: Mapping[str, str], tags_differ: bool
) -> dict[str, _Difference]:
    """What differs, by logical id; repeated until no replacement is new."""
    replaced: dict[str, str] = {}
    while True:
        left, right = Side(old, {}), Side(new, replaced)
        changed = {}
        for name in sorted(was.keys() & will.keys()):
            found = _difference(was[name], left, will[name], right, tags_differ)
            if found is not None:
                changed[name] = found
        now = {name: UNKNOWN if how.uncertain else REPLACED for name, how in changed.items() if how.fixed}
        if now == replaced:
            return changed
        replaced = now


def _difference(
    was: Mapping[str, Any], left: Side, will: Mapping[str, Any], right: Side, tags_differ: bool
) -> _Difference | None:
    """Between two resources of the same logical id."""
    if was.get("Type") != will.get("Type"):
        return _Difference((PropertyDifference(("Type",), was.get("Type"), will.get("Type")),), ("Type",), False)
    before, after = was.get("Properties", {}), will.get("Properties", {})
    details = tuple(compared(before, left, after, right))
    tagged = _tag_property(will) if tags_differ else None
    if tagged is not None and all(item.place[0] != tagged for item in details):
        details = (*details, PropertyDifference((tagged,), None, None, (STACK_TAGS,)))
    if not details:
        return None
    edits = edited(str(will.get("Type")), left.filled(before), right.filled(after))
    fixing = [item for item in details if item.place[0] in edits or _is_fixed(will, item.path)]
    uncertain = all(item.unknown for item in fixing or details)
    return _Difference(details, tuple(sorted({item.path[0] for item in fixing})), uncertain)


def _tag_property(resource: Mapping[str, Any]) -> str | None:
    type_name = str(resource.get("Type", ""))
    return schema(type_name).tag_property if is_known(type_name) else None


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
        properties=tuple(sorted({".".join(item.path) for item in how.details})),
        replaced_by=how.fixed,
        construct=construct_of(resource),
        loses_data=bool(how.fixed) and holds_data(resource) and not how.uncertain,
        uncertain=how.uncertain,
        details=how.details,
    )


def _described(change: Literal["add", "remove"], name: str, resource: Mapping[str, Any]) -> ResourceChange:
    return ResourceChange(
        logical_id=name,
        type=str(resource.get("Type", "")),
        change=change,
        construct=construct_of(resource),
        loses_data=change == "remove" and holds_data(resource),
    )
