"""Attribute values: checking, canonical form, size, comparison.

Input: values in the wire form (`{"S": "text"}`), freshly parsed, so that they may be changed in place.
Output: the same values in canonical form and their size in bytes as DynamoDB counts it
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html).
Refuses what DynamoDB refuses, in its words: empty or doubled sets, several types at once, nesting beyond 32 levels.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from klotho.localcloud.services.dynamodb import number
from klotho.localcloud.services.dynamodb.errors import DynamoDbError, invalid_parameter, validation

Value = dict[str, Any]
Item = dict[str, Value]

MAX_DEPTH = 32
TYPE_NAMES: Mapping[str, str] = {
    "S": "STRING",
    "N": "NUMBER",
    "B": "BINARY",
    "NULL": "NULL",
    "BOOL": "BOOLEAN",
    "L": "LIST",
    "M": "MAP",
    "SS": "STRING_SET",
    "NS": "NUMBER_SET",
    "BS": "BINARY_SET",
}


def type_of(value: Value) -> str:
    """The one type tag of a checked value."""
    return next(iter(value))


def check_item(item: object) -> int:
    """Check and canonicalise every attribute in place; the item's size in bytes."""
    if not isinstance(item, dict):
        raise _serialization("Start of structure or map found where not expected.")
    total = 0
    for name, value in item.items():
        if not name:
            raise invalid_parameter("Empty attribute name")
        total += text_size(name) + check(value)
    return total


def check(value: object, depth: int = 0) -> int:
    """Check and canonicalise one value in place; its size in bytes."""
    if not isinstance(value, dict):
        raise _serialization("Unexpected value type in payload")
    if len(value) != 1:
        if not value:
            raise validation("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
        raise validation(
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the "
            "supported datatypes"
        )
    ((kind, content),) = value.items()
    if kind == "S":  # first, because most attributes are text
        if not isinstance(content, str):
            raise _serialization("Unexpected value type in payload")
        return text_size(content)
    checker = _CHECKERS.get(kind)
    if checker is None:
        raise validation("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
    return checker(value, content, depth)


def text_size(text: str) -> int:
    """Bytes of the text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


def item_size(item: Item) -> int:
    """The size in bytes of an item that was checked before."""
    return sum(text_size(name) + check(value) for name, value in item.items())


def _check_number(value: Value, content: object, depth: int) -> int:
    if not isinstance(content, str):
        raise _serialization("Unexpected value type in payload")
    value["N"] = text = number.canonical(content)
    return number.size(text)


def _check_binary(value: Value, content: object, depth: int) -> int:
    value["B"] = text = _canonical_base64(content)
    return _base64_size(text)


def _check_boolean(value: Value, content: object, depth: int) -> int:
    if not isinstance(content, bool):
        raise _serialization("Unexpected value type in payload")
    return 1


def _check_null(value: Value, content: object, depth: int) -> int:
    if content is not True:
        raise invalid_parameter("Null attribute value types must have the value of true")
    return 1


def _check_list(value: Value, content: object, depth: int) -> int:
    if not isinstance(content, list):
        raise _serialization("Unexpected value type in payload")
    _check_depth(depth)
    return 3 + sum(1 + check(child, depth + 1) for child in content)


def _check_map(value: Value, content: object, depth: int) -> int:
    if not isinstance(content, dict):
        raise _serialization("Unexpected value type in payload")
    _check_depth(depth)
    return 3 + sum(1 + text_size(name) + check(child, depth + 1) for name, child in content.items())


def _check_depth(depth: int) -> None:
    if depth >= MAX_DEPTH:
        raise validation(
            "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond "
            "supported limit"
        )


def _check_string_set(value: Value, content: object, depth: int) -> int:
    members = _members(content, "An string set  may not be empty")
    if any(not isinstance(member, str) for member in members):
        raise _serialization("Unexpected value type in payload")
    if len(set(members)) != len(members):
        raise invalid_parameter(f"Input collection [{', '.join(members)}] contains duplicates.")
    return sum(map(text_size, members))


def _check_number_set(value: Value, content: object, depth: int) -> int:
    members = _members(content, "An number set  may not be empty")
    if any(not isinstance(member, str) for member in members):
        raise _serialization("Unexpected value type in payload")
    value["NS"] = numbers = [number.canonical(member) for member in members]
    if len(set(numbers)) != len(numbers):
        raise validation("Input collection contains duplicates")
    return sum(map(number.size, numbers))


def _check_binary_set(value: Value, content: object, depth: int) -> int:
    members = _members(content, "Binary sets should not be empty")
    value["BS"] = texts = [_canonical_base64(member) for member in members]
    if len(set(texts)) != len(texts):
        raise invalid_parameter(f"Input collection [{', '.join(texts)}]of type BS contains duplicates.")
    return sum(map(_base64_size, texts))


def _members(content: object, when_empty: str) -> list[Any]:
    if not isinstance(content, list):
        raise _serialization("Unexpected value type in payload")
    if not content:
        raise invalid_parameter(when_empty)
    return content


_CHECKERS: Mapping[str, Callable[[Value, object, int], int]] = {
    "N": _check_number,
    "B": _check_binary,
    "BOOL": _check_boolean,
    "NULL": _check_null,
    "L": _check_list,
    "M": _check_map,
    "SS": _check_string_set,
    "NS": _check_number_set,
    "BS": _check_binary_set,
}


def _canonical_base64(content: object) -> str:
    if not isinstance(content, str):
        raise _serialization("Unexpected value type in payload")
    try:
        return base64.b64encode(base64.b64decode(content, validate=True)).decode()
    except (binascii.Error, ValueError):
        raise _serialization(f"'{content[:64]}' can not be converted to a Blob: invalid Base64") from None


def _base64_size(text: str) -> int:
    return len(text) // 4 * 3 - text.count("=", -2)


def _serialization(message: str) -> DynamoDbError:
    return DynamoDbError("SerializationException", message)


def equal(left: Value, right: Value) -> bool:
    """Deep equality: sets without order, numbers by value (they are canonical)."""
    kind = type_of(left)
    if kind != type_of(right):
        return False
    one, other = left[kind], right[kind]
    if kind in ("SS", "NS", "BS"):
        return set(one) == set(other)
    if kind == "L":
        return len(one) == len(other) and all(map(equal, one, other))
    if kind == "M":
        return one.keys() == other.keys() and all(equal(one[name], other[name]) for name in one)
    return bool(one == other)


def order(value: Value) -> str | bytes | Decimal | None:
    """What `<` and `>` compare for text (by UTF-8 bytes, which is by code point), numbers and binary; else None."""
    kind = type_of(value)
    if kind == "S":
        text: str = value["S"]
        return text
    if kind == "N":
        return Decimal(value["N"])
    if kind == "B":
        return base64.b64decode(value["B"])
    return None


def compare(left: Value, right: Value) -> int | None:
    """-1, 0 or 1 for two scalars of one type; None when DynamoDB does not order them."""
    if type_of(left) != type_of(right):
        return None
    one, other = order(left), order(right)
    if one is None or other is None:
        return None
    return int(one > other) - int(one < other)  # type: ignore[operator]  # both are of the same scalar type
