"""Conditions that compare numbers, times and addresses."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klotho.localcloud.permissions.caller import caller_facts
from klotho.localcloud.permissions.conditions import parse_conditions

FACTS = {
    "aws:currenttime": "2026-11-20T12:00:00Z",
    "aws:epochtime": "1795176000",
    "aws:sourceip": "127.0.0.1",
}


def holds(condition: Any, facts: Any = FACTS) -> bool:
    return all(item.holds(facts) for item in parse_conditions(condition))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}}, True),
        ({"DateLessThan": {"aws:CurrentTime": "2020-01-01"}}, False),
        ({"DateGreaterThan": {"aws:CurrentTime": "2026-11-20T13:59:59+02:00"}}, True),
        ({"DateEquals": {"aws:CurrentTime": "1795176000"}}, True),
        ({"DateNotEquals": {"aws:CurrentTime": "1795176000"}}, False),
        ({"NumericGreaterThanEquals": {"aws:EpochTime": "1795176000"}}, True),
        ({"NumericLessThan": {"aws:EpochTime": [1, 2]}}, False),
        ({"NumericNotEquals": {"aws:EpochTime": 5}}, True),
        ({"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "127.0.0.0/8"]}}, True),
        ({"IpAddress": {"aws:SourceIp": "2001:db8::/32"}}, False),
        ({"NotIpAddress": {"aws:SourceIp": "127.0.0.1"}}, False),
    ],
)
def test_a_condition_compares(condition: Any, expected: bool) -> None:
    assert holds(condition) is expected


@pytest.mark.parametrize(
    "condition",
    [
        {"NumericEquals": {"aws:EpochTime": "soon"}},
        {"DateLessThan": {"aws:CurrentTime": "tomorrow"}},
        {"IpAddress": {"aws:SourceIp": "localhost"}},
    ],
)
def test_values_that_are_none_are_malformed(condition: Any) -> None:
    with pytest.raises(ValueError):
        parse_conditions(condition)


def test_every_call_has_a_time_and_an_address() -> None:
    facts = caller_facts("arn:aws:iam::000000000000:role/r", "us-east-1", "000000000000")
    assert holds(
        {"DateGreaterThan": {"aws:CurrentTime": "2026-01-01"}, "IpAddress": {"aws:SourceIp": "127.0.0.1"}}, facts
    )


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_compare_as_numbers(one: float, other: float) -> None:
    facts = {"aws:epochtime": repr(one)}
    assert holds({"NumericLessThan": {"aws:EpochTime": repr(other)}}, facts) is (one < other)
    assert holds({"NumericGreaterThanEquals": {"aws:EpochTime": repr(other)}}, facts) is (one >= other)


@given(st.text(max_size=20))
def test_any_value_of_a_request_is_compared_without_an_error(text: str) -> None:
    facts = dict.fromkeys(FACTS, text)
    for condition in (
        {"NumericLessThan": {"aws:EpochTime": 5}},
        {"DateLessThan": {"aws:CurrentTime": "2030-01-01"}},
        {"IpAddress": {"aws:SourceIp": "127.0.0.1"}},
    ):
        assert holds(condition, facts) in (True, False)
