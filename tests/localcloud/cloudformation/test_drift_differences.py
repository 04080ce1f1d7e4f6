"""How the local cloud compares what a template says with what is there: as CloudFormation's drift detection does."""

from __future__ import annotations

from typing import Any

import pytest

from klotho.localcloud.cloudformation.drift import differences


@pytest.mark.parametrize(
    ("expected", "actual", "found"),
    [
        ({"A": 1}, {"A": 1, "B": 2}, []),
        ({"A": "1", "B": "true"}, {"A": 1, "B": True}, []),
        ({"A": {"B": 1}}, {"A": {"B": 2, "C": 3}}, [("NOT_EQUAL", "/A/B", "1", "2")]),
        ({"A": 1}, {}, [("REMOVE", "/A", "1", "null")]),
        ({"L": [1, 2]}, {"L": [2, 1]}, []),
        ({"L": [1]}, {"L": [1, 2]}, [("ADD", "/L/1", "null", "2")]),
        ({"L": [1, 2]}, {"L": [2]}, [("REMOVE", "/L/0", "1", "null")]),
        (
            {"T": [{"Key": "a", "Value": "1"}]},
            {"T": [{"Key": "a", "Value": "2"}]},
            [("NOT_EQUAL", "/T/0/Value", "1", "2")],
        ),
    ],
)
def test_only_what_the_template_says_is_compared(expected: Any, actual: Any, found: list[tuple[str, ...]]) -> None:
    said = [
        (item["DifferenceType"], item["PropertyPath"], item["ExpectedValue"], item["ActualValue"])
        for item in differences(expected, actual)
    ]
    assert said == found
