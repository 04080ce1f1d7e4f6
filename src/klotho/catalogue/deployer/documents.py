"""Grants as policy documents.

Input: grants. Output: as few IAM policies as hold them. One statement for all actions with the same resources and
condition; what a wider statement already allows is left out. The order is that of the text, so the same application
gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

MAX_CHARACTERS = 6_144
"""Of a customer managed policy, spaces aside (IAM User Guide, "IAM and AWS STS quotas")."""


class Grant(NamedTuple):
    """An action allowed on resources."""

    action: str
    resources: frozenset[str]
    condition: tuple[str, str, tuple[str, ...]] | None = None
    """Operator, key, values."""


def documents(grants: Iterable[Grant]) -> tuple[dict[str, Any], ...]:
    """Policies with at most `MAX_CHARACTERS` each."""
    policies: list[list[dict[str, Any]]] = [[]]
    for statement in _statements(grants):
        for part in _parts(statement):
            if policies[-1] and size(_document([*policies[-1], part])) > MAX_CHARACTERS:
                policies.append([])
            policies[-1].append(part)
    return tuple(_document(statements) for statements in policies if statements)


def size(document: Any) -> int:
    """Characters as IAM counts them."""
    return len(json.dumps(document, separators=(",", ":")))


def _statements(grants: Iterable[Grant]) -> list[dict[str, Any]]:
    by_action: dict[tuple[str, Any], set[str]] = {}
    for grant in grants:
        by_action.setdefault((grant.action, grant.condition), set()).update(grant.resources)
    together: dict[tuple[tuple[str, ...], Any], list[str]] = {}
    for (action, condition), resources in by_action.items():
        together.setdefault((_widest(resources), condition), []).append(action)
    return [
        _statement(sorted(actions), list(resources), condition)
        for (resources, condition), actions in sorted(together.items(), key=lambda item: (item[0][0], str(item[0][1])))
    ]


def _widest(resources: set[str]) -> tuple[str, ...]:
    """Without those that another one covers."""
    return tuple(
        sorted(item for item in resources if not any(other != item and fnmatchcase(item, other) for other in resources))
    )


def _statement(actions: list[str], resources: list[str], condition: Any) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": "Allow", "Action": actions, "Resource": resources}
    if condition is not None:
        operator, key, values = condition
        statement["Condition"] = {operator: {key: list(values)}}
    return statement


def _parts(statement: dict[str, Any]) -> list[dict[str, Any]]:
    """The statement, halved until a policy can hold each part."""
    actions, resources = statement["Action"], statement["Resource"]
    if size(_document([statement])) <= MAX_CHARACTERS or len(actions) + len(resources) <= 2:
        return [statement]
    key = "Action" if len(actions) >= len(resources) else "Resource"
    half = len(statement[key]) // 2
    left, right = {**statement, key: statement[key][:half]}, {**statement, key: statement[key][half:]}
    return [*_parts(left), *_parts(right)]


def _document(statements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": statements}
