"""Conditions on properties: a closed list of tests, none of which runs anything a bundle brings.

Input: a condition of the form, properties of a resource, construct or relationship. Output: whether it holds, and how
it would be said. A value that is known only at deploy fails every test but `present`: a rule that can't be proved kept
is not kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from klotho.guardrails.vocabulary import TESTS
from klotho.resources import is_deferred

Condition = Mapping[str, Any]
_WORDS = {
    "equals": "be {}",
    "in": "be one of {}",
    "not_in": "be none of {}",
    "matches": "look like {}",
    "contains": "contain {}",
    "at_least": "be {} or more",
    "at_most": "be {} or less",
}


def fits(name: str, patterns: Iterable[str]) -> bool:
    """Whether a name is of one of these shapes (`*`, `?`)."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def holds(condition: Condition, properties: Mapping[str, Any]) -> bool:
    """Whether it holds of everything the path leads to. Nothing there: only `present = false` and `not_in` hold."""
    test = test_of(condition)
    found = list(values_at(properties, condition["property"].split(".")))
    if test == "present":
        return bool(found) is condition["present"]
    if not found:
        return test == "not_in"
    return all(_passes(test, condition[test], value) for value in found)


def selects(condition: Condition, properties: Mapping[str, Any]) -> bool:
    """Whether it holds of anything the path leads to. What is known only at deploy may be it, and so it is."""
    test = test_of(condition)
    found = list(values_at(properties, condition["property"].split(".")))
    if test == "present":
        return bool(found) is condition["present"]
    if not found:
        return test == "not_in"
    return any(is_deferred(value) or _passes(test, condition[test], value) for value in found)


def test_of(condition: Condition) -> str:
    return next(name for name in TESTS if name in condition)


def values_at(value: Any, path: list[str]) -> Iterator[Any]:
    """What the path leads to; `*` is every item."""
    if not path:
        yield value
    elif is_deferred(value):
        yield value  # what is inside is known at deploy
    elif isinstance(value, Mapping):
        for item in value.values() if path[0] == "*" else [value[path[0]]] if path[0] in value else []:
            yield from values_at(item, path[1:])
    elif isinstance(value, list | tuple) and path[0] == "*":
        for item in value:
            yield from values_at(item, path[1:])


def wanted(condition: Condition) -> str:
    """`must be true`, `must be 7 or more`."""
    test = test_of(condition)
    if test == "present":
        return "must be there" if condition["present"] else "must not be there"
    value = condition[test]
    shown = ", ".join(map(spoken, value)) if test in ("in", "not_in") else spoken(value)
    return f"must {_WORDS[test].format(shown)}"


def had(condition: Condition, properties: Mapping[str, Any]) -> str:
    """`is false`, `is not there`."""
    found = list(values_at(properties, condition["property"].split(".")))
    if not found:
        return "is not there"
    if test_of(condition) == "present":
        return "is there"
    test = test_of(condition)
    wrong = next((value for value in found if not _passes(test, condition[test], value)), found[0])
    return f"is {spoken(wrong)}"


def spoken(value: Any) -> str:
    """A value for people."""
    if is_deferred(value):
        return "known only at deploy"
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        return "put together at deploy"
    return f"`{text if len(text) <= 60 else text[:57] + '…'}`"


def _passes(test: str, expected: Any, value: Any) -> bool:
    if is_deferred(value):
        return False
    if test == "equals":
        return _same(value, expected)
    if test == "in":
        return any(_same(value, item) for item in expected)
    if test == "not_in":
        return not any(_same(value, item) for item in expected)
    if test == "matches":
        return isinstance(value, str) and fnmatchcase(value, expected)
    if test == "contains":
        if isinstance(value, list | tuple):
            return any(_same(item, expected) for item in value)
        return isinstance(value, str) and isinstance(expected, str) and expected in value
    number = _number(value)
    return number is not None and (number >= expected if test == "at_least" else number <= expected)


def _same(value: Any, expected: Any) -> bool:
    """Numbers that templates write as text (`"7"`) are the number; true is not 1."""
    if isinstance(value, bool) or isinstance(expected, bool):
        return value is expected
    if isinstance(value, list | tuple) and isinstance(expected, list):
        return list(value) == expected
    if isinstance(expected, int | float) and isinstance(value, str):
        return _number(value) == expected
    return bool(value == expected)


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    try:
        return float(value) if isinstance(value, str) else None
    except ValueError:
        return None
