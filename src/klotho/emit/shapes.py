"""Which names in a resource's properties are AWS's, and which are the user's data.

Input: a resource type and its properties. Output: the same values in which objects are told apart by the type's
published schema: `Fields` have names that each tool spells its own way, `Entries` are maps whose keys are data, and a
`Document` is JSON that AWS takes whole (a policy). A number or boolean under a property that takes text becomes text,
and the other way round, as CloudFormation does it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from klotho.catalogue.facts import Schema, is_custom, schema
from klotho.emit.exported import Input


@dataclass(frozen=True, slots=True)
class Fields:
    """An object whose names are AWS's."""

    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Entries:
    """A map whose keys are data."""

    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Document:
    """JSON of any shape."""

    value: Any


@dataclass(frozen=True, slots=True)
class Numeric:
    """A value from outside, which is text, where AWS takes a number."""

    value: Input


class _Node(NamedTuple):
    """A place in a schema."""

    properties: Mapping[str, Any] | None
    keyed: Any
    """The schema of a map's values, None for what is no map."""
    items: Any
    types: frozenset[str]


def shaped(type_name: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of a resource; KeyError for a type whose schema is not vendored."""
    if is_custom(type_name):
        return {name: Document(value) for name, value in properties.items()}
    facts = schema(type_name)
    return {name: _shaped(facts, value, facts.properties.get(name, {})) for name, value in properties.items()}


def _shaped(facts: Schema, value: Any, published: Mapping[str, Any]) -> Any:
    kind = type(value)
    if kind is dict:
        node = _node(facts, published)
        if {"object", "string"} <= node.types:  # AWS takes it as JSON text too, and no tool looks into it
            return Document(value)
        if node.properties is not None and value.keys() <= node.properties.keys():
            return Fields({name: _shaped(facts, item, node.properties[name]) for name, item in value.items()})
        if node.keyed is not None:
            return Entries({name: _shaped(facts, item, node.keyed) for name, item in value.items()})
        return Document(value)
    if kind is list:
        node = _node(facts, published)
        return [_shaped(facts, item, node.items or {}) for item in value]
    if kind is str or kind is int or kind is bool or kind is float:
        return _plain(value, _node(facts, published).types)
    if kind is Input:
        types = _node(facts, published).types
        return Numeric(value) if types and types <= {"integer", "number"} else value
    return value


def _plain(value: Any, types: frozenset[str]) -> Any:
    """The value in the type AWS publishes."""
    if types == {"string"} and not isinstance(value, str):
        return str(value).lower() if isinstance(value, bool) else str(value)
    if types == {"boolean"} and value in ("true", "false"):
        return value == "true"
    if types and types <= {"integer", "number"} and isinstance(value, str) and value.isdigit():
        return int(value)
    return value


def _node(facts: Schema, published: Mapping[str, Any]) -> _Node:
    reference = published.get("$ref")
    if isinstance(reference, str) and len(published) == 1:
        return _defined(facts.type_name, reference)
    return _read(facts, published)


@cache
def _defined(type_name: str, reference: str) -> _Node:
    facts = schema(type_name)
    return _read(facts, facts.definitions[reference.rpartition("/")[2]])


def _read(facts: Schema, published: Mapping[str, Any]) -> _Node:
    properties: dict[str, Any] = {}
    keyed = items = None
    types: set[str] = set()
    for one in _alternatives(facts, published):
        properties.update(one.get("properties", {}))
        named = one.get("type", ())
        types.update([named] if isinstance(named, str) else named)
        patterns = one.get("patternProperties")
        if patterns:
            keyed = next(iter(patterns.values()))
        elif isinstance(one.get("additionalProperties"), dict):
            keyed = one["additionalProperties"]
        items = items or one.get("items")
    return _Node(properties or None, None if properties else keyed, items, frozenset(types))


def _alternatives(facts: Schema, published: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    reference = published.get("$ref")
    if isinstance(reference, str):
        yield from _alternatives(facts, facts.definitions[reference.rpartition("/")[2]])
    yield published
    for group in ("anyOf", "oneOf", "allOf"):
        for one in published.get(group, ()):
            yield from _alternatives(facts, one)
