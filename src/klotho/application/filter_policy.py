"""Which messages of a topic a subscriber wants: SNS filter policies, checked and matched.

Input: a policy as AWS writes it (`{"kind": ["order", {"prefix": "re"}]}`) and the attributes or body of a message.
Output: every problem in the policy with its place, and whether a message is wanted: each name must be met, by any of
its conditions. Refuses by name conditions it does not know, and policies beyond AWS's limits.

Source: Amazon SNS Developer Guide, "Amazon SNS subscription filter policies", "Filter policy constraints" (five names,
150 combinations), "String value matching", "Numeric value matching", "Key matching", "AND/OR logic".
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

MAX_NAMES = 5
MAX_COMBINATIONS = 150
MAX_NUMBER = 10**9
_OR = "$or"
_OPERATORS = ("anything-but", "equals-ignore-case", "exists", "numeric", "prefix", "suffix", "wildcard")
_TEXT_OPERATORS = ("prefix", "suffix", "equals-ignore-case", "wildcard")
_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "=": lambda value, bound: value == bound,
    "<": lambda value, bound: value < bound,
    "<=": lambda value, bound: value <= bound,
    ">": lambda value, bound: value > bound,
    ">=": lambda value, bound: value >= bound,
}
_EXAMPLE = '`{"kind": ["order", "refund"]}`'


class Problem(NamedTuple):
    """One mistake of a policy."""

    path: tuple[str | int, ...]
    """Where: names and positions, outermost first."""
    expected: str
    """Reads on from "must be"."""
    help: str | None = None


def problems(policy: Any) -> Iterator[Problem]:
    """Everything that is wrong with a policy; nothing for a good one."""
    if not isinstance(policy, Mapping) or not policy:
        yield Problem((), f"a mapping that is not empty, such as {_EXAMPLE}")
        return
    yield from _mapping_problems(policy, ())
    names = list(_leaves(policy))
    if len(names) > MAX_NAMES:
        yield Problem((), f"about at most {MAX_NAMES} names (AWS), not {len(names)}")
    combinations = math.prod(len(conditions) * depth for depth, conditions in names)
    if combinations > MAX_COMBINATIONS:
        yield Problem((), f"of at most {MAX_COMBINATIONS} combinations (AWS), not {combinations}")


def is_nested(policy: Mapping[str, Any]) -> bool:
    """Whether it looks inside of objects, which only bodies have."""
    return any(
        any(is_nested(item) for item in value) if name == _OR else isinstance(value, Mapping)
        for name, value in policy.items()
    )


def _leaves(policy: Mapping[str, Any], depth: int = 1) -> Iterator[tuple[int, Sequence[Any]]]:
    """The lists of conditions, with how deep they stand."""
    for name, value in policy.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, depth + 1)
        elif name == _OR and isinstance(value, list | tuple):
            for item in value:
                yield from _leaves(item, depth) if isinstance(item, Mapping) else ()
        elif isinstance(value, list | tuple):
            yield depth, value


def _mapping_problems(policy: Mapping[Any, Any], path: tuple[str | int, ...]) -> Iterator[Problem]:
    for name, value in policy.items():
        place = (*path, str(name))
        if not isinstance(name, str) or not name:
            yield Problem(place, "named by text")
        elif name == _OR:
            yield from _or_problems(value, place)
        elif isinstance(value, Mapping):
            yield from _mapping_problems(value, place) if value else [Problem(place, "a list of conditions")]
        elif not isinstance(value, list | tuple) or not value:
            shown = f"write `[{json.dumps(value)}]`" if isinstance(value, str | int | float) else None
            yield Problem(place, "a list of conditions", shown)
        else:
            for position, condition in enumerate(value):
                yield from _condition_problems(condition, (*place, position))


def _or_problems(value: Any, path: tuple[str | int, ...]) -> Iterator[Problem]:
    if not isinstance(value, list | tuple) or len(value) < 2 or not all(isinstance(item, Mapping) for item in value):
        yield Problem(path, "a list of at least two mappings")
        return
    for position, item in enumerate(value):
        yield from _mapping_problems(item, (*path, position))


def _condition_problems(condition: Any, path: tuple[str | int, ...]) -> Iterator[Problem]:
    if condition is None or isinstance(condition, bool | str):
        return
    if isinstance(condition, int | float):
        yield from _number_problems(condition, path)
        return
    known = ", ".join(f"`{name}`" for name in _OPERATORS)
    if not isinstance(condition, Mapping) or len(condition) != 1 or next(iter(condition)) not in _OPERATORS:
        yield Problem(path, f"text, a number, True, False, None or a mapping with one of {known}")
        return
    operator, operand = next(iter(condition.items()))
    place = (*path, operator)
    if operator == "exists":
        if not isinstance(operand, bool):
            yield Problem(place, "True or False")
    elif operator == "numeric":
        yield from _numeric_problems(operand, place)
    elif operator == "anything-but":
        yield from _anything_but_problems(operand, place)
    elif not isinstance(operand, str) or not operand:
        yield Problem(place, "text that is not empty")


def _number_problems(value: float, path: tuple[str | int, ...]) -> Iterator[Problem]:
    if not math.isfinite(value) or abs(value) > MAX_NUMBER or round(value, 5) != value:
        yield Problem(path, "a number from -10⁹ to 10⁹ with at most five digits after the point")


def _numeric_problems(operand: Any, path: tuple[str | int, ...]) -> Iterator[Problem]:
    """`["=", 5]`, `[">=", 1]` or a range `[">", 0, "<=", 100]`."""
    expected = 'comparisons such as `["=", 5]`, `[">=", 1]` or `[">", 0, "<=", 100]`'
    if not isinstance(operand, list | tuple) or len(operand) not in (2, 4):
        yield Problem(path, expected)
        return
    signs, bounds = operand[::2], operand[1::2]
    known = all(isinstance(sign, str) and sign in _COMPARISONS for sign in signs)
    numbers = all(isinstance(bound, int | float) and not isinstance(bound, bool) for bound in bounds)
    is_range = len(signs) == 1 or (signs[0] in (">", ">=") and signs[1] in ("<", "<="))
    if not known or not numbers or not is_range:
        yield Problem(path, expected)
        return
    for bound in bounds:
        yield from _number_problems(bound, path)
    if len(bounds) == 2 and bounds[0] >= bounds[1]:
        yield Problem(path, "a range whose lower end is below its upper one")


def _anything_but_problems(operand: Any, path: tuple[str | int, ...]) -> Iterator[Problem]:
    if isinstance(operand, Mapping):
        if len(operand) != 1 or next(iter(operand)) not in _TEXT_OPERATORS:
            yield Problem(path, f"values, or a mapping with one of {', '.join(_TEXT_OPERATORS)}")
        elif not isinstance(next(iter(operand.values())), str) or not next(iter(operand.values())):
            yield Problem(path, "text that is not empty")
        return
    values = operand if isinstance(operand, list | tuple) else [operand]
    plain = [isinstance(item, str) or (isinstance(item, int | float) and not isinstance(item, bool)) for item in values]
    if not values or not all(plain) or len({isinstance(item, str) for item in values}) > 1:
        yield Problem(path, "texts or numbers, not both")


# ---- matching


def accepts(policy: Mapping[str, Any], document: Mapping[str, Any]) -> bool:
    """Whether a message is wanted; `document` holds its attributes, or is its parsed body."""
    return all(_meets(name, wanted, document) for name, wanted in policy.items())


def accepts_body(policy: Mapping[str, Any], body: str) -> bool:
    """Whether a message with this body is wanted; a body that is no JSON object is not."""
    try:
        document = json.loads(body)
    except ValueError:
        return False
    return isinstance(document, dict) and accepts(policy, document)


def attribute_value(kind: str, text: str) -> Any:
    """The value of a message attribute as conditions see it; None, which nothing but `exists` meets, for binary."""
    try:
        if kind == "Number":
            return float(text)
        if kind == "String.Array":
            values = json.loads(text)
            return values if isinstance(values, list) else text
    except ValueError:
        return text
    return text if kind.startswith("String") else _Opaque()


class _Opaque:
    """A binary value: it exists, and no condition can be put on what it holds."""


def _meets(name: str, wanted: Any, document: Mapping[str, Any]) -> bool:
    if name == _OR:
        return any(accepts(item, document) for item in wanted)
    if isinstance(wanted, Mapping):
        inner = document.get(name)
        parts = inner if isinstance(inner, list) else [inner]
        return any(accepts(wanted, part if isinstance(part, Mapping) else {}) for part in parts)
    if name not in document or document[name] == []:
        return {"exists": False} in [item for item in wanted if isinstance(item, Mapping)]
    found = document[name]
    values = found if isinstance(found, list) else [found]
    return any(_holds(condition, value) for condition in wanted for value in values)


def _holds(condition: Any, value: Any) -> bool:
    if not isinstance(condition, Mapping):
        return _equal(condition, value)
    operator, operand = next(iter(condition.items()))
    if operator == "exists":
        return bool(operand)
    if isinstance(value, _Opaque | Mapping):
        return False
    if operator == "numeric":
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and all(
            _COMPARISONS[sign](value, bound) for sign, bound in zip(operand[::2], operand[1::2], strict=True)
        )
    if operator == "anything-but":
        if isinstance(operand, Mapping):
            return not _holds(operand, value)
        return not any(_equal(item, value) for item in (operand if isinstance(operand, list | tuple) else [operand]))
    return isinstance(value, str) and _text_holds(operator, operand, value)


def _text_holds(operator: str, operand: str, value: str) -> bool:
    if operator == "prefix":
        return value.startswith(operand)
    if operator == "suffix":
        return value.endswith(operand)
    if operator == "equals-ignore-case":
        return value.casefold() == operand.casefold()
    # `*` is the only sign with a meaning in SNS.
    return fnmatchcase(value, operand.replace("[", "[[]").replace("?", "[?]"))


def _equal(wanted: Any, value: Any) -> bool:
    """JSON equality: True is not 1, and a number is no text."""
    if isinstance(wanted, bool) or isinstance(value, bool) or wanted is None or value is None:
        return wanted is value
    if isinstance(wanted, int | float) and isinstance(value, int | float):
        return wanted == value
    return isinstance(wanted, str) and isinstance(value, str) and wanted == value
