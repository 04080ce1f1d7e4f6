"""Policy documents as values.

Input: a PolicyDocument as the deployed template holds it, intrinsic functions resolved. Output: `Policy` with compiled
statements. Refuses, as `PolicyError`, a document IAM would call malformed. What IAM knows and the local cloud can't
evaluate (a condition operator or key, a policy variable) is kept in the statement as `refused`: it grants nothing, and
a Deny that holds one denies.

Source: "Grammar of the IAM JSON policy language", IAM User Guide.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from klotho.catalogue.wildcard import Patterns
from klotho.localcloud.permissions.conditions import Condition, UnevaluableError, parse_conditions

_DOCUMENT = frozenset({"Version", "Id", "Statement"})
_STATEMENT = frozenset({"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"})
_VERSIONS = ("2012-10-17", "2008-10-17")


class PolicyError(Exception):
    """A document IAM would refuse as malformed."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of one policy."""

    policy: str
    """The policy's name, for explanations."""
    allows: bool
    """Effect: Allow; otherwise Deny."""
    actions: Patterns
    resources: Patterns
    not_actions: bool = False
    """`actions` are those of NotAction."""
    not_resources: bool = False
    conditions: tuple[Condition, ...] = ()
    refused: str | None = None
    """What of it the local cloud can't evaluate."""

    def covers(self, action: str, resource: str) -> bool:
        """Whether action and resource match, conditions aside."""
        return (
            self.actions.match(action) is not self.not_actions
            and self.resources.match(resource) is not self.not_resources
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """One identity-based policy or permissions boundary."""

    name: str
    statements: tuple[Statement, ...]


def parse_policy(name: str, document: Any) -> Policy:
    """The policy of a document (a JSON object, or its text). `PolicyError` when it is malformed."""
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            raise PolicyError(f"policy {name} is no JSON") from None
    if not isinstance(document, Mapping):
        raise PolicyError(f"policy {name} is no JSON object")
    _known(name, document, _DOCUMENT)
    version = document.get("Version", "2008-10-17")
    if version not in _VERSIONS:
        raise PolicyError(f"policy {name} has an unknown Version")
    statements = document.get("Statement")
    if isinstance(statements, Mapping):
        statements = [statements]
    if not isinstance(statements, list) or not statements:
        raise PolicyError(f"policy {name} has no Statement")
    return Policy(name, tuple(_statement(name, item) for item in statements))


def _statement(policy: str, item: Any) -> Statement:
    if not isinstance(item, Mapping):
        raise PolicyError(f"a statement of policy {policy} is no JSON object")
    _known(policy, item, _STATEMENT)
    effect = item.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise PolicyError(f"a statement of policy {policy} has neither Effect Allow nor Deny")
    actions, not_actions = _either(policy, item, "Action", "NotAction")
    resources, not_resources = _either(policy, item, "Resource", "NotResource")
    refused: str | None = None
    conditions: tuple[Condition, ...] = ()
    try:
        conditions = parse_conditions(item.get("Condition") or {})
        for text in resources:
            if "${" in text:
                raise UnevaluableError(f"the policy variable in {text}")
    except UnevaluableError as error:
        refused = str(error)
    except ValueError as error:
        raise PolicyError(f"policy {policy}: {error}") from None
    return Statement(
        policy=policy,
        allows=effect == "Allow",
        actions=Patterns(actions, ignore_case=True),
        resources=Patterns(resources),
        not_actions=not_actions,
        not_resources=not_resources,
        conditions=conditions,
        refused=refused,
    )


def _known(policy: str, item: Mapping[str, Any], names: frozenset[str]) -> None:
    for name in item:
        if name not in names:
            raise PolicyError(f"policy {policy} has {name}, which an identity-based policy can't have")


def _either(policy: str, item: Mapping[str, Any], name: str, opposite: str) -> tuple[list[str], bool]:
    """The texts of one of two elements, of which a statement has exactly one."""
    if (name in item) is (opposite in item):
        raise PolicyError(f"a statement of policy {policy} needs either {name} or {opposite}")
    negated = opposite in item
    value = item[opposite if negated else name]
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise PolicyError(f"{opposite if negated else name} of policy {policy} must be a text or a list of texts")
    return texts, negated
