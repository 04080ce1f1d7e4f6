"""Keys as bytes that SQLite's indexes keep in DynamoDB's order.

Input: checked key attributes and a key schema. Output: partition and sort key columns.
The partition column starts with four bytes of a hash, so that a Scan walks items in no meaningful order (as on AWS)
and a Segment of it is one contiguous range. Refuses missing, mistyped, empty and oversized keys in AWS's words.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from klotho.localcloud.services.dynamodb import number
from klotho.localcloud.services.dynamodb.errors import invalid_parameter, validation
from klotho.localcloud.services.dynamodb.values import Item, Value, type_of

MAX_PARTITION_BYTES = 2048
MAX_SORT_BYTES = 1024
_HASH_BYTES = 4

Key = tuple[bytes, bytes]
"""Partition column and sort column; the sort column is empty where the schema has no sort key."""


@dataclass(frozen=True, slots=True)
class KeySchema:
    """Partition key name and type, and the sort key's if there is one."""

    partition: str
    partition_type: str
    sort: str | None = None
    sort_type: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return (self.partition,) if self.sort is None else (self.partition, self.sort)

    @property
    def types(self) -> Mapping[str, str]:
        found = {self.partition: self.partition_type}
        if self.sort is not None and self.sort_type is not None:
            found[self.sort] = self.sort_type
        return found

    def of_key(self, key: Item) -> Key:
        """Columns of a `Key` parameter, which must hold the key attributes and nothing else."""
        if len(key) != len(self.names) or any(name not in key for name in self.names):
            raise validation("The provided key element does not match the schema")
        for name, kind in self.types.items():
            if type_of(key[name]) != kind:
                raise validation("The provided key element does not match the schema")
        return self._columns(key)

    def of_item(self, item: Item) -> Key:
        """Columns of a whole item."""
        for name, kind in self.types.items():
            value = item.get(name)
            if value is None:
                raise invalid_parameter(f"Missing the key {name} in the item")
            if type_of(value) != kind:
                raise invalid_parameter(f"Type mismatch for key {name} expected: {kind} actual: {type_of(value)}")
        return self._columns(item)

    def of_index(self, item: Item, index: str, strict: bool) -> Key | None:
        """Columns in a secondary index, None when the item lacks a key attribute (the index is sparse).

        `strict` raises for a key attribute of another type or empty; without it (backfill) the item is left out.
        """
        for name, kind in self.types.items():
            value = item.get(name)
            if value is None:
                return None
            if type_of(value) != kind:
                if not strict:
                    return None
                raise invalid_parameter(
                    f"Type mismatch for Index Key {name} Expected: {kind} Actual: {type_of(value)} IndexName: {index}"
                )
            if kind != "N" and not value[kind]:
                if not strict:
                    return None
                what = "string" if kind == "S" else "binary"
                raise validation(
                    "One or more parameter values are not valid. A value specified for a secondary index key is not "
                    f"supported. The AttributeValue for a key attribute cannot contain an empty {what} value. "
                    f"IndexName: {index}, IndexKey: {name}"
                )
        return self._columns(item)

    def _columns(self, item: Item) -> Key:
        value = item[self.partition]
        partition = partition_column(value)
        if len(partition) > MAX_PARTITION_BYTES + _HASH_BYTES:
            raise invalid_parameter("Size of hashkey has exceeded the maximum size limit of2048 bytes")
        if len(partition) == _HASH_BYTES:
            raise _empty_key(self.partition, self.partition_type)
        if self.sort is None:
            return partition, b""
        sort = sort_column(item[self.sort])
        if len(sort) > MAX_SORT_BYTES:
            raise invalid_parameter("Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
        if not sort:
            raise _empty_key(self.sort, self.sort_type or "S")
        return partition, sort


def _empty_key(name: str, kind: str) -> Exception:
    what = "string" if kind == "S" else "binary"
    return validation(
        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty "
        f"{what} value. Key: {name}"
    )


def partition_column(value: Value) -> bytes:
    encoded = sort_column(value)
    # md5 for its spread only; nothing here is a secret.
    return hashlib.md5(encoded, usedforsecurity=False).digest()[:_HASH_BYTES] + encoded


def sort_column(value: Value) -> bytes:
    """Bytes in DynamoDB's order: UTF-8 for text, by value for numbers, unsigned bytes for binary."""
    kind = type_of(value)
    if kind == "S":
        text: str = value["S"]
        return text.encode()
    if kind == "N":
        return number.encode(value["N"])
    return base64.b64decode(value["B"])


def after_prefix(prefix: bytes) -> bytes | None:
    """The first bytes after everything that starts with `prefix`; None when there is no such bound."""
    stripped = prefix.rstrip(b"\xff")
    return stripped[:-1] + bytes([stripped[-1] + 1]) if stripped else None


def segment_bounds(segment: int, total: int) -> tuple[bytes, bytes | None]:
    """The half-open range of partition columns that belongs to one Scan segment."""
    span = 1 << (8 * _HASH_BYTES)
    low, high = -(-span * segment // total), -(-span * (segment + 1) // total)
    return low.to_bytes(_HASH_BYTES, "big"), high.to_bytes(_HASH_BYTES, "big") if high < span else None
