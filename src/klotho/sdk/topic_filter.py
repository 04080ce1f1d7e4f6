"""Reads `filter=` of `subscribes_to`: an SNS filter policy, every mistake of it at its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from klotho.application import filter_policy
from klotho.sdk import readers as read

Condition = str | int | float | bool | None | Mapping[str, Any]
"""A value, or a mapping: `{"prefix": "eu-"}`, `{"anything-but": ["test"]}`, `{"numeric": [">", 0]}` …"""
Filter = Mapping[str, "Sequence[Condition] | Mapping[str, Any]"]
FilterOn = Literal["attributes", "body"]


def read_filter(value: Any) -> dict[str, Any]:
    """The policy as JSON."""
    plain = read.json_mapping(value)
    wrong = [
        read.Problem(
            problem.expected,
            None,
            (problem.help,),
            "".join(f"[{read.shown(part)}]" for part in problem.path),
            "bad-filter",
            problem.path[0] if problem.path else None,
        )
        for problem in filter_policy.problems(plain)
    ]
    if wrong:
        raise read.Wrong(*wrong)
    return plain


read_filter_on = read.choice("attributes", "body")
