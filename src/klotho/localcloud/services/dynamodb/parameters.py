"""Request parameters: which an operation takes, and which are refused.

Input: a parsed request. Output: the request without nulls. Refuses by name DynamoDB's legacy parameters (AWS itself
advises against them) and parameters this store does not have; values outside AWS's enumerations in AWS's words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from klotho.localcloud.services.dynamodb.errors import DynamoDbError, unsupported, validation
from klotho.localcloud.services.dynamodb.shapes import check_shape

Request = dict[str, Any]

_LEGACY: Mapping[str, str] = {
    "AttributesToGet": "ProjectionExpression",
    "AttributeUpdates": "UpdateExpression",
    "ConditionalOperator": "ConditionExpression or FilterExpression",
    "Expected": "ConditionExpression",
    "KeyConditions": "KeyConditionExpression",
    "QueryFilter": "FilterExpression",
    "ScanFilter": "FilterExpression",
}


def admit(request: Request, allowed: frozenset[str], operation: str) -> Request:
    """The request without nulls, or a refusal of the first parameter that is not `allowed` or has another shape."""
    if not isinstance(request, dict):
        raise DynamoDbError("SerializationException", f"Start of structure or map expected in {operation}")
    if None in request.values():
        request = {name: value for name, value in request.items() if value is not None}
    if not request.keys() <= allowed:
        name = min(request.keys() - allowed)
        if name in _LEGACY:
            raise unsupported(f"{name} is a legacy parameter (use {_LEGACY[name]}); it")
        raise unsupported(f"Parameter {name} of {operation}")
    for name, value in request.items():
        check_shape(name, value)
    return request


def one_of(request: Mapping[str, Any], name: str, choices: Iterable[str]) -> str | None:
    """An enumeration's value, or None when absent."""
    value = request.get(name)
    if value is None or value in choices:
        return value
    raise validation(
        f"1 validation error detected: Value '{value}' at '{_camel(name)}' failed to satisfy constraint: Member must "
        f"satisfy enum value set: [{', '.join(choices)}]"
    )


def integer(request: Mapping[str, Any], name: str, low: int, high: int | None = None) -> int | None:
    value = request.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise DynamoDbError("SerializationException", f"{name} can not be converted to an Integer")
    if value < low:
        wanted = f"greater than or equal to {low}"
    elif high is not None and value > high:
        wanted = f"less than or equal to {high}"
    else:
        return value
    raise validation(
        f"1 validation error detected: Value '{value}' at '{_camel(name)}' failed to satisfy constraint: Member must "
        f"have value {wanted}"
    )


def boolean(request: Mapping[str, Any], name: str, default: bool) -> bool:
    value = request.get(name, default)
    if not isinstance(value, bool):
        raise DynamoDbError("SerializationException", f"{name} can not be converted to an Boolean")
    return value


def text(request: Mapping[str, Any], name: str) -> str | None:
    value = request.get(name)
    if value is not None and not isinstance(value, str):
        raise DynamoDbError("SerializationException", f"{name} can not be converted to an String")
    return value


def mapping(request: Mapping[str, Any], name: str) -> Request:
    """A required structure."""
    value = request.get(name)
    if value is None:
        raise validation(
            f"1 validation error detected: Value null at '{_camel(name)}' failed to satisfy constraint: Member must "
            "not be null"
        )
    if not isinstance(value, dict):
        raise DynamoDbError("SerializationException", f"Start of structure or map expected: {name}")
    return value


def sequence(request: Mapping[str, Any], name: str, limit: int) -> list[Any]:
    """A required list of 1 to `limit` members."""
    value = request.get(name)
    if not isinstance(value, list):
        raise validation(
            f"1 validation error detected: Value null at '{_camel(name)}' failed to satisfy constraint: Member must "
            "not be null"
        )
    if not 1 <= len(value) <= limit:
        wanted = "greater than or equal to 1" if not value else f"less than or equal to {limit}"
        raise validation(
            f"1 validation error detected: Value at '{_camel(name)}' failed to satisfy constraint: Member must have "
            f"length {wanted}"
        )
    return value


def _camel(name: str) -> str:
    return name[0].lower() + name[1:]
