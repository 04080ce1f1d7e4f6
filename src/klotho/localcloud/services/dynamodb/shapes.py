"""The JSON shapes of request parameters.

Input: a parameter's name and its parsed value. Output: nothing; a value of another shape is refused with
SerializationException, a required member that is absent with ValidationException, as the API's own decoder does.
Attribute values are only required to be maps here: `values.check` looks into them.
Source: the DynamoDB API reference (a parameter's name has one shape in all operations, with two exceptions that
`batches` and `transactions` check themselves: RequestItems and TransactItems).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from klotho.localcloud.services.dynamodb.errors import DynamoDbError, validation

Shape = Any
"""`str`, `int`, `bool`, `dict` (any map), `[shape]` for a list, or a dict of members; a name with `!` is required."""

_KEY_SCHEMA: Shape = [{"AttributeName!": str, "KeyType!": str}]
_THROUGHPUT: Shape = {"ReadCapacityUnits!": int, "WriteCapacityUnits!": int}
_ON_DEMAND: Shape = {"MaxReadRequestUnits": int, "MaxWriteRequestUnits": int}
_INDEX: Shape = {
    "IndexName!": str,
    "KeySchema!": _KEY_SCHEMA,
    "Projection!": {"ProjectionType": str, "NonKeyAttributes": [str]},
    "ProvisionedThroughput": _THROUGHPUT,
    "OnDemandThroughput": _ON_DEMAND,
}
_INDEX_UPDATE: Shape = {
    "Create": _INDEX,
    "Update": {"IndexName!": str, "ProvisionedThroughput": _THROUGHPUT, "OnDemandThroughput": _ON_DEMAND},
    "Delete": {"IndexName!": str},
}
SHAPES: Mapping[str, Shape] = {
    "AttributeDefinitions": [{"AttributeName!": str, "AttributeType!": str}],
    "BillingMode": str,
    "DeletionProtectionEnabled": bool,
    "ExclusiveStartKey": dict,
    "ExpressionAttributeNames": dict,
    "ExpressionAttributeValues": dict,
    "GlobalSecondaryIndexUpdates": [_INDEX_UPDATE],
    "GlobalSecondaryIndexes": [_INDEX],
    "Item": dict,
    "Key": dict,
    "KeySchema": _KEY_SCHEMA,
    "Keys": [dict],
    "LocalSecondaryIndexes": [_INDEX],
    "OnDemandThroughput": _ON_DEMAND,
    "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled!": bool, "RecoveryPeriodInDays": int},
    "ProvisionedThroughput": _THROUGHPUT,
    "RequestItems": dict,
    "ResourceArn": str,
    "ReturnConsumedCapacity": str,
    "ReturnItemCollectionMetrics": str,
    "ReturnValues": str,
    "ReturnValuesOnConditionCheckFailure": str,
    "SSESpecification": {"Enabled": bool, "SSEEnabled": bool, "SSEType": str, "KMSMasterKeyId": str},
    "Select": str,
    "TableClass": str,
    "TableName": str,
    "TagKeys": [str],
    "Tags": [{"Key!": str, "Value!": str}],
    "TimeToLiveSpecification": {"Enabled!": bool, "AttributeName!": str},
    "TransactItems": [dict],
}
_NAMES = {str: "an String", int: "an Integer", bool: "an Boolean"}


def check_shape(name: str, value: Any) -> None:
    """Refuse a parameter whose value has another shape; parameters without an entry are checked where they are used."""
    shape = SHAPES.get(name)
    if shape is not None:
        _check(shape, value, name[0].lower() + name[1:])


def _check(shape: Shape, value: Any, where: str) -> None:
    if isinstance(shape, type):
        # A boolean is an integer to Python, not to the API.
        if not isinstance(value, shape) or (shape is int and isinstance(value, bool)):
            raise _mismatch(where, _NAMES.get(shape, "a structure or map"))
    elif isinstance(shape, list):
        if not isinstance(value, list):
            raise _mismatch(where, "a list")
        for position, member in enumerate(value, 1):
            _check(shape[0], member, f"{where}.{position}.member")
    else:
        _check_members(shape, value, where)


def _check_members(shape: Mapping[str, Shape], value: Any, where: str) -> None:
    if not isinstance(value, dict):
        raise _mismatch(where, "a structure or map")
    for label, inner in shape.items():
        name = label.rstrip("!")
        place = f"{where}.{name[0].lower()}{name[1:]}"
        if value.get(name) is not None:
            _check(inner, value[name], place)
        elif name != label:
            raise validation(
                f"1 validation error detected: Value null at '{place}' failed to satisfy constraint: Member must not "
                "be null"
            )
        elif name in value:
            del value[name]  # a null is an absent member


def _mismatch(where: str, wanted: str) -> DynamoDbError:
    return DynamoDbError("SerializationException", f"Unexpected value type in payload: {where} is not {wanted}")
