"""Gives scalars the type the schema asks for, as CloudFormation does: `"256"` becomes 256 where AWS wants a number.

Input: resolved properties. Output: the same with scalars converted; what can't be converted stays as it is, for
validation to refuse.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from klotho.catalogue.facts import Schema, schema

_INTEGER = re.compile(r"-?\d{1,18}")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def coerced(type_name: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties with the scalar types of the published schema."""
    facts = schema(type_name)
    return {name: _value(facts, facts.properties.get(name, {}), value) for name, value in properties.items()}


def _value(facts: Schema, node: Mapping[str, Any], value: Any) -> Any:
    node = _target(facts, node)
    if isinstance(value, dict):
        return {name: _value(facts, _child(node, name), item) for name, item in value.items()}
    if isinstance(value, list):
        items = node.get("items")
        return [_value(facts, items, item) for item in value] if isinstance(items, Mapping) else value
    wanted = node.get("type")
    return _scalar(wanted, value) if isinstance(wanted, str) else value


def _scalar(wanted: str, value: Any) -> Any:
    if wanted == "string" and isinstance(value, bool):
        return "true" if value else "false"
    if wanted == "string" and isinstance(value, int | float):
        return str(value)
    if not isinstance(value, str):
        return value
    if wanted == "boolean" and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if wanted in ("integer", "number") and _INTEGER.fullmatch(value):
        return int(value)
    if wanted == "number" and _NUMBER.fullmatch(value):
        return float(value)
    return value


def _child(node: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = node.get("properties", {}).get(name)
    if isinstance(found, Mapping):
        return found
    for sub in node.get("patternProperties", {}).values():
        if isinstance(sub, Mapping):
            return sub
    extra = node.get("additionalProperties")
    return extra if isinstance(extra, Mapping) else {}


def _target(facts: Schema, node: Mapping[str, Any]) -> Mapping[str, Any]:
    for _ in range(16):
        reference = node.get("$ref")
        if not isinstance(reference, str):
            return node
        found: Any = facts.document
        for part in reference.removeprefix("#/").split("/"):
            found = found.get(part, {}) if isinstance(found, Mapping) else {}
        node = found
    return node
