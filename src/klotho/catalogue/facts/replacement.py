"""What replaces a resource beyond its published schema: `replacement.toml`, read over the schemas.

Input: the table beside this module. Output: rules by resource type and property. Refuses (`ValueError`) an entry
without a reason or source, of an unknown effect, or of a property the schema does not have.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

_TABLE = Path(__file__).with_suffix(".toml")
Effect = Literal["always", "never", "edit"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What a change of one top-level property does."""

    property: str
    replaces: Effect
    reason: str
    source: str
    """Where AWS says so."""
    item: str | None = None
    """For `edit`: the key by which a list item is found again."""


def rules(type_name: str) -> tuple[Rule, ...]:
    """The rules of a type; none for most."""
    return _table().get(type_name, ())


def edited_items(before: Any, after: Any, key: str) -> bool:
    """Whether an item of both lists, found again by `key`, differs. What is no list of objects has no items."""
    was, will = _by_key(before, key), _by_key(after, key)
    return any(was[name] != will[name] for name in was.keys() & will.keys())


def check_against(type_name: str, properties: Collection[str]) -> None:
    """ValueError for a rule about a property that the type does not have (a new schema may have renamed it)."""
    for rule in rules(type_name):
        if rule.property not in properties:
            raise ValueError(f"{_TABLE.name}: {type_name} has no property {rule.property}")


def _by_key(value: Any, key: str) -> dict[str, Any]:
    items = value if isinstance(value, list) else ()
    return {str(item[key]): item for item in items if isinstance(item, Mapping) and key in item}


@cache
def _table() -> Mapping[str, tuple[Rule, ...]]:
    data = tomllib.loads(_TABLE.read_text(encoding="utf-8"))
    return {name: tuple(_rule(name, entry) for entry in entries) for name, entries in data.items()}


def _rule(type_name: str, entry: Mapping[str, Any]) -> Rule:
    rule = Rule(**entry)
    if rule.replaces not in ("always", "never", "edit") or not rule.reason or not rule.source:
        raise ValueError(f"{_TABLE.name}: {type_name} {rule.property} needs an effect, a reason and a source")
    if (rule.replaces == "edit") != (rule.item is not None):
        raise ValueError(f"{_TABLE.name}: {type_name} {rule.property}: `item` belongs to `edit`")
    return rule
