"""Condition operators that compare: numbers, times and addresses.

Input: the values of a policy. Output: a test of a request's value. Refuses, as ValueError, values that are no numbers,
times or addresses: IAM does when the policy is written. Source: "IAM JSON policy elements: Condition operators".
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network

Test = Callable[[tuple[str, ...]], Callable[[str], bool]]

_RELATIONS: Mapping[str, tuple[Callable[[float, float], bool], bool]] = {
    "Equals": (operator.eq, False),
    "NotEquals": (operator.eq, True),
    "LessThan": (operator.lt, False),
    "LessThanEquals": (operator.le, False),
    "GreaterThan": (operator.gt, False),
    "GreaterThanEquals": (operator.ge, False),
}


def _compared(relation: Callable[[float, float], bool], read: Callable[[str], float]) -> Test:
    def test(values: tuple[str, ...]) -> Callable[[str], bool]:
        wanted = [read(value) for value in values]

        def matches(value: str) -> bool:
            try:
                found = read(value)
            except ValueError:
                return False
            return any(relation(found, item) for item in wanted)

        return matches

    return test


def _time(text: str) -> float:
    """Seconds since 1970; IAM takes those, or a date or time of ISO 8601."""
    if text.isdecimal() and len(text) > 8:
        return float(text)
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _address(values: tuple[str, ...]) -> Callable[[str], bool]:
    ranges = [ip_network(value, strict=False) for value in values]

    def matches(value: str) -> bool:
        try:
            found = ip_address(value)
        except ValueError:
            return False
        return any(found in item for item in ranges)

    return matches


COMPARISONS: Mapping[str, tuple[Test, bool]] = {
    **{f"Numeric{name}": (_compared(relation, float), negated) for name, (relation, negated) in _RELATIONS.items()},
    **{f"Date{name}": (_compared(relation, _time), negated) for name, (relation, negated) in _RELATIONS.items()},
    "IpAddress": (_address, False),
    "NotIpAddress": (_address, True),
}
"""Each operator's test, and whether it is negated."""
