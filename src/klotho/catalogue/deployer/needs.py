"""Which actions of a resource type's handlers one resource of a template needs.

Input: type, properties and attributes of the resource. Output: `service:Action` names. AWS's schemas say what any
resource of the type could need; `tables/deployer.toml` says what belongs to which property.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from klotho.catalogue.facts import CUSTOM_RESOURCE, is_custom, schema
from klotho.catalogue.facts.actions import iam_action
from klotho.catalogue.tables import table

OPERATIONS = ("create", "read", "update", "delete")
"""What CloudFormation does with a resource of a stack; `list` handlers serve the resource scanner and Cloud Control."""


def needed_actions(type_name: str, resource: Mapping[str, Any]) -> tuple[set[str], set[str]]:
    """The actions, in the case AWS's reference has, and those that it does not have, which no policy can name."""
    used = set(_used(resource))
    wanted = {name for name in _possible(type_name) if _kept(type_name, name, used)}
    known = {action.name for name in wanted if (action := iam_action(name)) is not None}
    return known, {name for name in wanted if iam_action(name) is None}


def entry_of(type_name: str) -> Mapping[str, Any]:
    """What the table says about a type. KeyError for one it does not have."""
    found: Mapping[str, Any] = table("deployer")["types"][_published(type_name)]
    return found


@cache
def _possible(type_name: str) -> frozenset[str]:
    published = schema(_published(type_name))
    named = {name for operation in OPERATIONS for name in published.permissions(operation)}
    if published.tag_property is not None:
        # CloudFormation hands the stack's tags to every resource that takes some.
        named |= set(published.document.get("tagging", {}).get("permissions", ()))
    return frozenset(named | set(entry_of(type_name).get("actions", ())))


def _published(type_name: str) -> str:
    return CUSTOM_RESOURCE if is_custom(type_name) else type_name


def _kept(type_name: str, action: str, used: set[str]) -> bool:
    """Every rule about the action asks for one of its properties."""
    rules = [rule for rule in _rules(_published(type_name)) if any(_same(action, form) for form in rule["actions"])]
    return all(used & set(rule["when"]) for rule in rules) and not _pass_without_role(type_name, action, used)


def _pass_without_role(type_name: str, action: str, used: set[str]) -> bool:
    """A role is passed only by a property that names one."""
    return action == "iam:PassRole" and not used & set(entry_of(type_name).get("passes", {}).get("property", ()))


def _same(action: str, form: str) -> bool:
    return fnmatchcase(action.lower(), form.lower())


@cache
def _rules(type_name: str) -> tuple[Mapping[str, Any], ...]:
    return tuple(rule for rule in table("deployer")["rules"] if rule["type"] in ("*", type_name))


def _used(resource: Mapping[str, Any]) -> Iterator[str]:
    """The paths of everything the resource sets: `P`, `P.Q`, with `P=value` for texts, `@Attribute=value`."""
    yield from _paths(resource.get("Properties") or {}, "")
    for name in ("DeletionPolicy", "UpdateReplacePolicy"):
        yield f"@{name}={resource.get(name, 'Delete')}"


def _paths(value: Any, above: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            path = f"{above}.{name}" if above else str(name)
            yield path
            if isinstance(item, str):
                yield f"{path}={item}"
            yield from _paths(item, path)
    elif isinstance(value, list):
        for item in value:
            yield from _paths(item, above)
