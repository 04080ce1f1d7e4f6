"""Event patterns: which events a rule takes.

Input: an EventPattern, as text or as an object. Output: a `Pattern` that says whether an event matches. Refuses what
AWS refuses, as `InvalidPatternError`: no JSON object, empty objects and lists, values that are no list, bad operators.

A field matches when any of its values does; all fields must. Arrays in events are looked through: a field matches when
any element does, and fields inside objects of one array must match in the *same* element. `exists` and all
other operators look at leaves only. A `$or` list makes one alternative of each entry; a field named both beside and
inside `$or` is the later one's, as AWS's matcher has it.

Sources: EventBridge User Guide, "Event pattern syntax", "Matching array values"; github.com/aws/event-ruler, "JSON
Array Matching", "And and Or With Ruler".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from klotho.localcloud.planes.events.errors import InvalidPatternError
from klotho.localcloud.planes.events.operators import ABSENCE, RESERVED, Test, test_of

MAX_PATTERN = 4096
"""Characters (EventBridge API, PutRule: "EventPattern … Maximum length of 4096")."""
MAX_ALTERNATIVES = 1000
"""AWS: "There are over 1000 rule combinations" is refused (User Guide, "Or matching")."""
OR = "$or"

Path = tuple[str, ...]
Fields = dict[Path, tuple[Test, ...]]
_ABSENT = object()


@dataclass(slots=True)
class _Node:
    """What a pattern asks of one place in an event."""

    tests: tuple[Test, ...] = ()
    children: dict[str, _Node] = field(default_factory=dict)
    may_be_absent: bool = True
    """Whether all that is asked here and below holds where the event has nothing."""


class Pattern:
    """A compiled pattern."""

    def __init__(self, source: Any) -> None:
        """`source`: the pattern's text or its object."""
        self.document = _document(source)
        self._alternatives = [_tree(fields) for fields in _alternatives(self.document, (), [{}], within_or=False)]

    def matches(self, event: Mapping[str, Any]) -> bool:
        return any(_holds(root, event) for root in self._alternatives)


def _document(source: Any) -> Mapping[str, Any]:
    text = source if isinstance(source, str) else orjson.dumps(source).decode()
    if len(text) > MAX_PATTERN:
        raise InvalidPatternError(f"the pattern has {len(text)} characters, at most {MAX_PATTERN} are allowed")
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidPatternError(f"the pattern is no JSON: {error}") from None
    if not isinstance(document, dict):
        raise InvalidPatternError("Filter is not an object")
    return document


def _alternatives(item: Mapping[str, Any], path: Path, found: list[Fields], *, within_or: bool) -> list[Fields]:
    """The combinations of fields that match, each a map from path to tests; `found` are those so far."""
    if not item:
        raise InvalidPatternError("Empty objects are not allowed")
    for name, value in item.items():
        if name == OR and _is_or(value):
            found = [
                fields
                for branch in value
                for fields in _alternatives(branch, path, [dict(one) for one in found], within_or=True)
            ]
            if len(found) > MAX_ALTERNATIVES:
                raise InvalidPatternError(f"There are over {MAX_ALTERNATIVES} rule combinations")
        elif within_or and name in RESERVED:
            raise InvalidPatternError(f"{name} is Ruler reserved fieldName which cannot be used inside {OR}.")
        elif isinstance(value, Mapping):
            found = _alternatives(value, (*path, name), found, within_or=within_or)
        elif isinstance(value, list):
            tests = _tests(value)
            for fields in found:
                fields[*path, name] = tests
        else:
            raise InvalidPatternError(f'"{name}" must be an object or an array')
    return found


def _is_or(value: Any) -> bool:
    """AWS takes `$or` for an operator when at least two objects follow; everything else it refuses."""
    if not isinstance(value, list):
        raise InvalidPatternError(f"It must be an Array followed with {OR}.")
    if not all(isinstance(branch, Mapping) for branch in value):
        raise InvalidPatternError(f"Only JSON object is allowed in array of {OR} relationship.")
    if len(value) < 2:
        raise InvalidPatternError(f"There must have at least 2 Objects in {OR} relationship.")
    return True


def _tests(values: Sequence[Any]) -> tuple[Test, ...]:
    if not values:
        raise InvalidPatternError("Empty arrays are not allowed")
    return tuple(test_of(value) for value in values)


def _tree(fields: Fields) -> _Node:
    root = _Node()
    for path, tests in fields.items():
        node = root
        for name in path:
            node = node.children.setdefault(name, _Node())
        node.tests = tests
    _mark(root)
    return root


def _mark(node: _Node) -> None:
    for child in node.children.values():
        _mark(child)
    below = all(child.may_be_absent for child in node.children.values())
    node.may_be_absent = below and (not node.tests or ABSENCE in node.tests)


def _holds(node: _Node, value: Any) -> bool:
    if node.tests and not _any_leaf(node.tests, value):
        return False
    if not node.children:
        return True
    elements = list(_objects(value))
    fitting = [all(_holds(child, item.get(name, _ABSENT)) for name, child in _items(node)) for item in elements]
    if not node.may_be_absent:
        return any(fitting)
    # Only what must be missing is asked: one element that has it is enough to fail, unless another one really matches.
    return all(fitting) or any(
        fits and any(_present(child, item.get(name, _ABSENT)) for name, child in _items(node))
        for fits, item in zip(fitting, elements, strict=True)
    )


def _items(node: _Node) -> Iterator[tuple[str, _Node]]:
    yield from node.children.items()


def _any_leaf(tests: tuple[Test, ...], value: Any) -> bool:
    leaves = list(_leaves(value))
    if not leaves:
        return ABSENCE in tests
    return any(test(leaf) for leaf in leaves for test in tests)


def _present(node: _Node, value: Any) -> bool:
    """Whether the event has a leaf where the pattern asks for one."""
    if node.tests and any(True for _ in _leaves(value)):
        return True
    return any(
        _present(child, item.get(name, _ABSENT)) for item in _objects(value) for name, child in node.children.items()
    )


def _leaves(value: Any) -> Iterator[Any]:
    """The scalars of a value; arrays are looked through, objects are no leaves."""
    if isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif value is not _ABSENT and not isinstance(value, Mapping):
        yield value


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, list):
        for item in value:
            yield from _objects(item)
    elif isinstance(value, Mapping):
        yield value
