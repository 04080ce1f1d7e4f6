"""Errors of the DynamoDB API, in AWS's codes and wording.

Input: what an operation found wrong. Output: an exception that `service` renders as DynamoDB's JSON error.
Refuses nothing itself. Source of the texts: the DynamoDB API reference and the service's observable answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from klotho.localcloud.service import ApiError

_CORAL = "com.amazon.coral.validate#"
_DYNAMODB = "com.amazonaws.dynamodb.v20120810#"
_CORAL_SERVICE = "com.amazon.coral.service#"
_PREFIXES = {
    "ValidationException": _CORAL,
    "SerializationException": _CORAL_SERVICE,
    "UnknownOperationException": _CORAL_SERVICE,
    "InternalServerError": _DYNAMODB,
}


class DynamoDbError(ApiError):
    """An answer other than success; `extra` is merged into the JSON body (`Item`, `CancellationReasons`)."""

    def __init__(self, code: str, message: str, extra: Mapping[str, Any] | None = None, status: int = 400) -> None:
        super().__init__(code, message, status)
        self.extra = dict(extra or {})

    @property
    def type_name(self) -> str:
        """The `__type` field, with the namespace AWS puts before the code."""
        return _PREFIXES.get(self.code, _DYNAMODB) + self.code


def validation(message: str) -> DynamoDbError:
    return DynamoDbError("ValidationException", message)


def invalid_parameter(message: str) -> DynamoDbError:
    """A ValidationException of the family that starts with AWS's fixed phrase."""
    return validation(f"One or more parameter values were invalid: {message}")


def unsupported(what: str) -> DynamoDbError:
    """Something AWS has and this store does not: refused by name, never ignored."""
    return validation(f"{what} is not supported by the local cloud")


def condition_failed(item: Mapping[str, Any] | None = None) -> DynamoDbError:
    """`item` is given only when the caller asked for it by ReturnValuesOnConditionCheckFailure=ALL_OLD."""
    extra = {"Item": item} if item else {}
    return DynamoDbError("ConditionalCheckFailedException", "The conditional request failed", extra)


def table_missing(detail: str = "") -> DynamoDbError:
    text = f"Requested resource not found: {detail}" if detail else "Requested resource not found"
    return DynamoDbError("ResourceNotFoundException", text)
