"""The Condition element.

Input: a statement's Condition, and the facts of a request (`Facts`). Output: whether it holds. Refuses, as
`UnevaluableError`, operators and keys it does not know and policy variables; as ValueError what IAM would call
malformed. A key that is known but absent from the request is no refusal: IAM says what each operator makes of that.

Source: "IAM JSON policy elements: Condition operators" and "AWS global condition context keys", IAM User Guide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from klotho.catalogue.wildcard import Patterns
from klotho.localcloud.permissions.comparisons import COMPARISONS, Test

Facts = Mapping[str, Any]
"""The request's condition keys, in lower case: a text, a tuple of texts, or a function that gives one of them or None
when the request does not have the key (asked only if a policy uses it). Absent keys are left out."""

KEYS: Mapping[str, str] = {
    key.lower(): key
    for key in (
        "aws:CalledVia",
        "aws:CurrentTime",
        "aws:EpochTime",
        "aws:PrincipalAccount",
        "aws:PrincipalArn",
        "aws:PrincipalIsAWSService",
        "aws:PrincipalType",
        "aws:RequestedRegion",
        "aws:ResourceAccount",
        "aws:SecureTransport",
        "aws:SourceAccount",
        "aws:SourceArn",
        "aws:SourceIp",
        "aws:ViaAWSService",
        "dynamodb:EnclosingOperation",
        "dynamodb:LeadingKeys",
        "iam:AWSServiceName",
        "iam:PassedToService",
        "events:detail-type",
        "events:source",
        "lambda:FunctionArn",
        "lambda:FunctionUrlAuthType",
        "lambda:InvokedViaFunctionUrl",
        "s3:VersionId",
        "s3:delimiter",
        "s3:max-keys",
        "s3:prefix",
        "secretsmanager:SecretId",
        "secretsmanager:VersionId",
        "secretsmanager:VersionStage",
    )
}
"""Every key whose presence and value in a request is known; in policies their case does not matter."""


class UnevaluableError(Exception):
    """IAM knows it and the local cloud does not; the text names it."""


def _equal(values: tuple[str, ...]) -> Callable[[str], bool]:
    return frozenset(values).__contains__


def _equal_ignoring_case(values: tuple[str, ...]) -> Callable[[str], bool]:
    folded = frozenset(value.lower() for value in values)
    return lambda value: value.lower() in folded


def _like(values: tuple[str, ...]) -> Callable[[str], bool]:
    return Patterns(values).match


def _arn(values: tuple[str, ...]) -> Callable[[str], bool]:
    """Each of the six parts of an ARN is compared by itself."""
    patterns = [[Patterns([part]) for part in value.split(":", 5)] for value in values]

    def matches(value: str) -> bool:
        parts = value.split(":", 5)
        return any(
            len(parts) == len(pattern) == 6 and all(one.match(part) for one, part in zip(pattern, parts, strict=True))
            for pattern in patterns
        )

    return matches


_TESTS: Mapping[str, tuple[Test, bool]] = {
    "StringEquals": (_equal, False),
    "StringNotEquals": (_equal, True),
    "StringEqualsIgnoreCase": (_equal_ignoring_case, False),
    "StringNotEqualsIgnoreCase": (_equal_ignoring_case, True),
    "StringLike": (_like, False),
    "StringNotLike": (_like, True),
    "ArnEquals": (_arn, False),
    "ArnLike": (_arn, False),
    "ArnNotEquals": (_arn, True),
    "ArnNotLike": (_arn, True),
    "Bool": (_equal_ignoring_case, False),
    **COMPARISONS,
}
"""Each operator's test, and whether it is negated. ArnEquals behaves as ArnLike does, so says AWS."""
OPERATORS = (*_TESTS, "Null")


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator, one key, its values."""

    operator: str
    key: str
    """In lower case."""
    test: Callable[[str], bool]
    negated: bool
    quantifier: str
    """`ForAllValues`, `ForAnyValue` or empty."""
    if_exists: bool

    def holds(self, facts: Facts) -> bool:
        """Whether the request meets it. `UnevaluableError` when a fact of the request can't be known."""
        found = facts.get(self.key)
        if callable(found):
            found = found()
        present = found is not None and found != ()
        if self.operator == "Null":
            return self.test("false" if present else "true")
        if not present:
            absent_is_fine = self.if_exists or self.quantifier == "ForAllValues" or self.negated
            return absent_is_fine and self.quantifier != "ForAnyValue"
        values = (found,) if isinstance(found, str) else tuple(found or ())
        outcomes = [self.test(value) is not self.negated for value in values]
        return any(outcomes) if self.quantifier == "ForAnyValue" else all(outcomes)


def parse_conditions(block: Any) -> tuple[Condition, ...]:
    """The conditions of one statement; all of them must hold."""
    if not isinstance(block, Mapping):
        raise ValueError("Condition must be a JSON object")
    found: list[Condition] = []
    for operator, keys in block.items():
        if not isinstance(keys, Mapping):
            raise ValueError(f"Condition {operator} must be a JSON object")
        found += [_condition(str(operator), str(key), values) for key, values in keys.items()]
    return tuple(found)


def _condition(operator: str, key: str, values: Any) -> Condition:
    quantifier, _, rest = operator.rpartition(":")
    if quantifier not in ("", "ForAllValues", "ForAnyValue"):
        raise UnevaluableError(f"the condition operator {operator}")
    base = rest.removesuffix("IfExists")
    if base not in OPERATORS or (base == "Null" and (quantifier or base != rest)):
        raise UnevaluableError(f"the condition operator {operator}")
    if key.lower() not in KEYS:
        raise UnevaluableError(f"the condition key {key}")
    texts = tuple(_text(value) for value in (values if isinstance(values, list) else [values]))
    if any("${" in text for text in texts):
        raise UnevaluableError(f"the policy variable in the condition on {key}")
    if base == "Null":
        return Condition(base, key.lower(), _equal_ignoring_case(texts), False, "", False)
    test, negated = _TESTS[base]
    return Condition(base, key.lower(), test(texts), negated, quantifier, base != rest)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise ValueError("a condition's value must be a text, a number or a boolean")
