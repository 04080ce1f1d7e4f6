"""One value of an event pattern: exact, or an operator.

Input: an entry of a pattern's list (`"running"`, `{"prefix": "us-"}`). Output: a test of one value of an event, or
`ABSENCE` for `{"exists": false}`. Refuses, as `InvalidPatternError` in AWS's words, operators AWS does not have and
operands they do not take.

Sources: EventBridge User Guide, "Comparison operators for use in event patterns"; what it leaves open as AWS's
published matcher does it (github.com/aws/event-ruler): numbers are equal by value, `anything-but` holds for values of
other types.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any

from klotho.localcloud.planes.events.errors import InvalidPatternError

Test = Callable[[Any], bool]
"""Of one JSON scalar."""

NUMERIC_LIMIT = 5.0e9
"""Numeric matching works "from -5.0e9 to +5.0e9 inclusive" (User Guide, "Numeric matching")."""


def ABSENCE(value: Any) -> bool:
    """`{"exists": false}`: no value passes; the pattern asks for it where there is none."""
    return False


def test_of(entry: Any) -> Test:
    """The test of one entry of a pattern's list."""
    if isinstance(entry, Mapping):
        if len(entry) != 1:
            raise InvalidPatternError("Only one key allowed in match expression")
        ((name, operand),) = entry.items()
        make = _OPERATORS.get(name)
        if make is None:
            raise InvalidPatternError(f"Unrecognized match type {name}")
        return make(operand)
    if isinstance(entry, list):
        raise InvalidPatternError("Match value must be String, number, true, false, or null")
    return _exactly(entry)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _exactly(wanted: Any) -> Test:
    if is_number(wanted):
        return lambda value: is_number(value) and value == wanted
    # `True == 1` in Python, and not in JSON.
    return lambda value: type(value) is type(wanted) and value == wanted


def _text(operand: Any, what: str) -> str:
    if not isinstance(operand, str):
        raise InvalidPatternError(f"{what} match pattern must be a string")
    return operand


def _texts(operand: Any, what: str) -> tuple[str, ...]:
    """A text or a list of texts, none of them empty, as `anything-but` takes them."""
    found = operand if isinstance(operand, list) else [operand]
    if not found or not all(isinstance(text, str) for text in found):
        raise InvalidPatternError(f"{what} match pattern must be a string")
    if not all(found):
        raise InvalidPatternError("Null prefix/suffix not allowed")
    return tuple(found)


def _ignoring_case(operand: Any) -> str | None:
    """The text of `{"equals-ignore-case": …}` inside another operator; None when it is something else."""
    if isinstance(operand, Mapping) and list(operand) == ["equals-ignore-case"]:
        return _text(operand["equals-ignore-case"], "equals-ignore-case").lower()
    return None


def _prefix(operand: Any) -> Test:
    folded = _ignoring_case(operand)
    if folded is not None:
        return lambda value: isinstance(value, str) and value.lower().startswith(folded)
    text = _text(operand, "prefix")
    return lambda value: isinstance(value, str) and value.startswith(text)


def _suffix(operand: Any) -> Test:
    folded = _ignoring_case(operand)
    if folded is not None:
        return lambda value: isinstance(value, str) and value.lower().endswith(folded)
    text = _text(operand, "suffix")
    return lambda value: isinstance(value, str) and value.endswith(text)


def _equals_ignore_case(operand: Any) -> Test:
    folded = _text(operand, "equals-ignore-case").lower()
    return lambda value: isinstance(value, str) and value.lower() == folded


def _wildcard(operand: Any) -> Test:
    expression = _wildcard_expression(_text(operand, "wildcard"))
    return lambda value: isinstance(value, str) and expression.fullmatch(value) is not None


def _wildcard_expression(text: str) -> re.Pattern[str]:
    r"""`*` is any run of characters; `\*` and `\\` are an asterisk and a backslash."""
    parts: list[str] = [""]
    rest = iter(text)
    for character in rest:
        if character == "\\":
            escaped = next(rest, "")
            if escaped not in ("*", "\\"):
                raise InvalidPatternError("Invalid escape character in wildcard match pattern")
            parts[-1] += escaped
        elif character == "*":
            if len(parts) > 1 and not parts[-1]:
                raise InvalidPatternError("Consecutive wildcard characters are not allowed")
            parts.append("")
        else:
            parts[-1] += character
    first, *others = (re.escape(part) for part in parts)
    if not others:
        return re.compile(first, re.DOTALL)
    # The leftmost place of each part is good enough: no backtracking over earlier stars.
    middle = "".join(f"(?>.*?{part})" for part in others[:-1])
    return re.compile(f"{first}{middle}.*{others[-1]}", re.DOTALL)


def _exists(operand: Any) -> Test:
    if not isinstance(operand, bool):
        raise InvalidPatternError("exists match pattern must be either true or false.")
    return (lambda value: True) if operand else ABSENCE


def _cidr(operand: Any) -> Test:
    try:
        network = ipaddress.ip_network(_text(operand, "cidr"), strict=False)
    except ValueError:
        raise InvalidPatternError(f"Malformed CIDR, one '/' required: {operand}") from None

    def inside(value: Any) -> bool:
        try:
            return isinstance(value, str) and ipaddress.ip_address(value) in network
        except ValueError:
            return False

    return inside


def _limit(value: Any, operator: str) -> float:
    if not is_number(value):
        raise InvalidPatternError(f"Value of {operator} must be numeric")
    if not -NUMERIC_LIMIT <= value <= NUMERIC_LIMIT:
        raise InvalidPatternError(f"Value must be between {-NUMERIC_LIMIT} and {NUMERIC_LIMIT}, inclusive")
    return float(value)


_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "=": lambda value, bound: value == bound,
    "<": lambda value, bound: value < bound,
    "<=": lambda value, bound: value <= bound,
    ">": lambda value, bound: value > bound,
    ">=": lambda value, bound: value >= bound,
}


def _numeric(operand: Any) -> Test:
    if not isinstance(operand, list):
        raise InvalidPatternError("Value of numeric must be an array.")
    if len(operand) not in (2, 4):
        raise InvalidPatternError("Too many elements in numeric expression" if operand else "Invalid numeric match")
    pairs = [(operand[index], operand[index + 1]) for index in range(0, len(operand), 2)]
    for operator, _ in pairs:
        if operator not in _COMPARISONS:
            raise InvalidPatternError(f"Unrecognized numeric range operator: {operator}")
    if len(pairs) == 2 and (pairs[0][0] not in (">", ">=") or pairs[1][0] not in ("<", "<=")):
        raise InvalidPatternError(f"Bad numeric range operator: {pairs[1][0]}")
    bounds = [(_COMPARISONS[operator], _limit(value, operator)) for operator, value in pairs]
    if len(bounds) == 2 and bounds[0][1] >= bounds[1][1]:
        raise InvalidPatternError("Bottom must be less than top")

    def holds(value: Any) -> bool:
        if not is_number(value) or not -NUMERIC_LIMIT <= value <= NUMERIC_LIMIT:
            return False
        return all(compare(value, bound) for compare, bound in bounds)

    return holds


def _anything_but(operand: Any) -> Test:
    unwanted = _unwanted(operand)
    return lambda value: not any(test(value) for test in unwanted)


def _unwanted(operand: Any) -> list[Test]:
    if isinstance(operand, Mapping):
        if len(operand) != 1:
            raise InvalidPatternError("Only one key allowed in match expression")
        ((name, inner),) = operand.items()
        if name not in ("prefix", "suffix", "equals-ignore-case", "wildcard"):
            raise InvalidPatternError(f"Unsupported anything-but pattern: {name}")
        if name == "wildcard":  # may be empty: that is the empty text
            return [_wildcard(text) for text in (inner if isinstance(inner, list) and inner else [inner])]
        return [_OPERATORS[name](text) for text in _texts(inner, name)]
    values = operand if isinstance(operand, list) else [operand]
    numbers = [is_number(value) for value in values]
    if not all(isinstance(value, str) or is_number(value) for value in values):
        raise InvalidPatternError("Inside anything but list, start|null|boolean is not supported.")
    if not values or (any(numbers) and not all(numbers)):
        raise InvalidPatternError(
            "Inside anything but list, either all values are number or string, mixed type is not supported"
        )
    return [_exactly(value) for value in values]


_OPERATORS: Mapping[str, Callable[[Any], Test]] = {
    "anything-but": _anything_but,
    "cidr": _cidr,
    "equals-ignore-case": _equals_ignore_case,
    "exists": _exists,
    "numeric": _numeric,
    "prefix": _prefix,
    "suffix": _suffix,
    "wildcard": _wildcard,
}
RESERVED = frozenset(_OPERATORS)
"""Names that can't be fields inside `$or`."""
