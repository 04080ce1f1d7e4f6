"""Checks a resource's properties against AWS's published schema.

Used twice on the same facts: by the engine before anything is emitted (values known at deploy time are opaque), and
by the local cloud on the resolved template, as AWS itself would.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any

from klotho.catalogue.facts import PropertyPath, Schema, schema

Opaque = Callable[[object], bool]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing AWS would refuse."""

    path: PropertyPath
    message: str

    def __str__(self) -> str:
        return f"{'.'.join(self.path) or '(resource)'}: {self.message}"


def validate(type_name: str, properties: Mapping[str, Any], opaque: Opaque = lambda value: False) -> list[Problem]:
    """Every problem of these properties; `opaque(value)` says which values are not known yet and pass any check."""
    facts = schema(type_name)
    problems = [
        Problem((name,), f"is decided by AWS and can't be set on {type_name}")
        for name in properties
        if (name,) in facts.read_only
    ]
    problems += _object(facts, facts.document, properties, (), opaque)
    return problems


def _object(
    facts: Schema, node: Mapping[str, Any], value: Mapping[str, Any], path: PropertyPath, opaque: Opaque
) -> Iterator[Problem]:
    known = node.get("properties", {})
    patterns = node.get("patternProperties", {})
    for name in node.get("required", ()):
        if name not in value:
            yield Problem((*path, name), "is required")
    for name, item in value.items():
        child = known.get(name)
        if child is None:
            child = next((sub for pattern, sub in patterns.items() if _compiled(pattern).search(name)), None)
        if child is not None:
            yield from _value(facts, child, item, (*path, name), opaque)
        elif isinstance(node.get("additionalProperties"), Mapping):
            yield from _value(facts, node["additionalProperties"], item, (*path, name), opaque)
        elif node.get("additionalProperties") is False:
            near = get_close_matches(name, list(known), n=1)
            yield Problem((*path, name), "is no property here" + (f"; did you mean `{near[0]}`?" if near else ""))


def _value(facts: Schema, node: Mapping[str, Any], value: Any, path: PropertyPath, opaque: Opaque) -> Iterator[Problem]:
    if opaque(value):
        return
    node = _resolved(facts, node)
    expected = node.get("type")
    if expected is not None and not _has_type(value, expected):
        yield Problem(path, f"is {_type_name(value)}, AWS wants {_wanted(expected)}")
        return
    if "enum" in node and value not in node["enum"]:
        yield Problem(path, f"`{value}` is not one of {', '.join(map(str, node['enum']))}")
    if isinstance(value, str):
        yield from _string(node, value, path)
    elif isinstance(value, Mapping):
        yield from _object(facts, node, value, path, opaque)
    elif isinstance(value, list):
        yield from _list(facts, node, value, path, opaque)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _number(node, value, path)


def _list(facts: Schema, node: Mapping[str, Any], value: list[Any], path: PropertyPath, opaque: Opaque) -> Iterator[Problem]:
    if len(value) < node.get("minItems", 0):
        yield Problem(path, f"has {len(value)} items, AWS wants at least {node['minItems']}")
    if len(value) > node.get("maxItems", len(value)):
        yield Problem(path, f"has {len(value)} items, AWS takes at most {node['maxItems']}")
    if isinstance(node.get("items"), Mapping):
        for index, item in enumerate(value):
            yield from _value(facts, node["items"], item, (*path, str(index)), opaque)


def _string(node: Mapping[str, Any], value: str, path: PropertyPath) -> Iterator[Problem]:
    if len(value) < node.get("minLength", 0):
        yield Problem(path, f"is {len(value)} characters long, AWS wants at least {node['minLength']}")
    if len(value) > node.get("maxLength", len(value)):
        yield Problem(path, f"is {len(value)} characters long, AWS takes at most {node['maxLength']}")
    pattern = _compiled(node["pattern"]) if isinstance(node.get("pattern"), str) else None
    if pattern is not None and not pattern.search(value):
        yield Problem(path, f"`{value}` does not match {node['pattern']}")


def _number(node: Mapping[str, Any], value: float, path: PropertyPath) -> Iterator[Problem]:
    if value < node.get("minimum", value):
        yield Problem(path, f"is {value}, AWS wants at least {node['minimum']}")
    if value > node.get("maximum", value):
        yield Problem(path, f"is {value}, AWS takes at most {node['maximum']}")


def _resolved(facts: Schema, node: Mapping[str, Any]) -> Mapping[str, Any]:
    for _ in range(16):
        reference = node.get("$ref")
        if not isinstance(reference, str):
            return node
        target = reference.split("/")
        node = facts.definitions.get(target[2], {}) if target[1] == "definitions" else facts.properties.get(target[2], {})
        for part in target[3:]:
            node = node.get(part, {})
    return node


_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "array": (list,),
    "object": (dict, Mapping),
    "null": (type(None),),
}


def _has_type(value: Any, expected: str | list[str]) -> bool:
    """Whether CloudFormation would take the value: it coerces scalars both ways between text, numbers and booleans."""
    names = [expected] if isinstance(expected, str) else expected
    for name in names:
        if isinstance(value, bool):
            if name in ("boolean", "string"):
                return True
        elif isinstance(value, _TYPES[name]):
            return True
        elif isinstance(value, str) and _coerces(value, name):
            return True
        elif isinstance(value, int | float) and name == "string":
            return True
    return False


def _coerces(text: str, name: str) -> bool:
    if name == "boolean":
        return text in ("true", "false")
    if name in ("integer", "number"):
        return re.fullmatch(r"-?\d+(\.\d+)?" if name == "number" else r"-?\d+", text) is not None
    return False


def _type_name(value: Any) -> str:
    names = {bool: "a boolean", int: "a number", float: "a number", str: "text", list: "a list", type(None): "null"}
    return names.get(type(value), "an object")


def _wanted(expected: str | list[str]) -> str:
    return expected if isinstance(expected, str) else " or ".join(expected)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """AWS writes ECMA-262 patterns; one Python can't read is treated as matching anything."""
    try:
        return re.compile(pattern)
    except re.error:
        return re.compile("")
