"""A table's definition: keys, indexes, settings; checked as CreateTable checks it.

Input: the fields of a CreateTable request (CloudFormation uses the same names and shapes). Output: a `Definition`.
Refuses, in AWS's words, key schemas and indexes that do not fit the attribute definitions; refuses streams, replicas
and other things this store does not have by name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from klotho.localcloud.services.dynamodb.errors import invalid_parameter, unsupported, validation
from klotho.localcloud.services.dynamodb.keys import KeySchema
from klotho.localcloud.services.dynamodb.projections import Tree

_NAME = re.compile(r"[a-zA-Z0-9_.\-]{3,255}")
MAX_GLOBAL_INDEXES = 20
MAX_LOCAL_INDEXES = 5
SETTINGS = frozenset(
    {
        "AttributeDefinitions",
        "BillingMode",
        "DeletionProtectionEnabled",
        "GlobalSecondaryIndexes",
        "KeySchema",
        "LocalSecondaryIndexes",
        "OnDemandThroughput",
        "ProvisionedThroughput",
        "SSESpecification",
        "TableClass",
    }
)
"""What a definition holds, by the names of CreateTable."""


@dataclass(frozen=True, slots=True)
class Index:
    """One secondary index."""

    name: str
    local: bool
    schema: KeySchema
    projected: frozenset[str] | None
    """Attributes the index carries, keys included; None for all."""

    @property
    def kind(self) -> str:
        return "local" if self.local else "global"

    @property
    def tree(self) -> Tree | None:
        """The projection to apply to an item read through the index, None for the whole item."""
        return None if self.projected is None else dict.fromkeys(sorted(self.projected))


@dataclass(frozen=True, slots=True)
class Definition:
    """What CreateTable said, and what follows from it."""

    name: str
    settings: Mapping[str, Any]
    schema: KeySchema
    indexes: Mapping[str, Index]

    @property
    def on_demand(self) -> bool:
        return self.settings.get("BillingMode") == "PAY_PER_REQUEST"

    @property
    def protected(self) -> bool:
        return _truth(self.settings.get("DeletionProtectionEnabled", False))


def define(name: str, settings: Mapping[str, Any]) -> Definition:
    """Check everything CreateTable checks."""
    check_table_name(name)
    if unknown := sorted(set(settings) - SETTINGS):
        raise unsupported(f"{unknown[0]} of a table")
    types = _attribute_types(settings.get("AttributeDefinitions", ()))
    schema = _key_schema(settings.get("KeySchema", ()), types, "")
    _check_billing(settings)
    indexes: dict[str, Index] = {}
    for local, field, limit in (
        (True, "LocalSecondaryIndexes", MAX_LOCAL_INDEXES),
        (False, "GlobalSecondaryIndexes", MAX_GLOBAL_INDEXES),
    ):
        listed = settings.get(field) or ()
        if len(listed) > limit:
            scope = "local" if local else "global"
            raise invalid_parameter(
                f"{'LocalSecondaryIndex' if local else 'GlobalSecondaryIndex'} count exceeds the per-table limit of "
                f"{limit} {scope} secondary indexes"
            )
        for entry in listed:
            index = _index(entry, local, types, schema)
            if index.name in indexes:
                raise invalid_parameter(f"Duplicate index name: {index.name}")
            indexes[index.name] = index
    _check_unused(types, schema, indexes)
    return Definition(name, dict(settings), schema, indexes)


def check_table_name(name: object) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        length = len(name) if isinstance(name, str) else 0
        wanted = (
            "Member must have length greater than or equal to 3"
            if length < 3
            else "Member must have length less than or equal to 255"
            if length > 255
            else "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
        )
        raise validation(
            f"1 validation error detected: Value '{name}' at 'tableName' failed to satisfy constraint: {wanted}"
        )


def _attribute_types(definitions: Any) -> dict[str, str]:
    types: dict[str, str] = {}
    for entry in definitions:
        name, kind = entry.get("AttributeName"), entry.get("AttributeType")
        if kind not in ("S", "N", "B"):
            raise validation(
                f"1 validation error detected: Value '{kind}' at 'attributeDefinitions.member.attributeType' failed to "
                "satisfy constraint: Member must satisfy enum value set: [B, N, S]"
            )
        if name in types:
            raise invalid_parameter(f"Duplicate AttributeName in AttributeDefinitions: {name}")
        types[name] = kind
    return types


def _key_schema(elements: Any, types: Mapping[str, str], where: str) -> KeySchema:
    elements = list(elements)
    if not 1 <= len(elements) <= 2:
        raise invalid_parameter(f"Key schema{where} must have a HASH key and at most one RANGE key")
    if elements[0].get("KeyType") != "HASH":
        raise validation("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    if len(elements) == 2 and elements[1].get("KeyType") != "RANGE":
        raise validation("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
    names = [element.get("AttributeName") for element in elements]
    if len(set(names)) != len(names):
        raise validation("Both the Hash Key and the Range Key element in the KeySchema have the same name")
    for name in names:
        if name not in types:
            raise invalid_parameter(
                "Some index key attributes are not defined in AttributeDefinitions. Keys: "
                f"[{', '.join(map(str, names))}], AttributeDefinitions: [{', '.join(types)}]"
            )
    if len(names) == 1:
        return KeySchema(names[0], types[names[0]])
    return KeySchema(names[0], types[names[0]], names[1], types[names[1]])


def _index(entry: Mapping[str, Any], local: bool, types: Mapping[str, str], table: KeySchema) -> Index:
    name = entry.get("IndexName")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise validation(
            f"1 validation error detected: Value '{name}' at 'indexName' failed to satisfy constraint: Member must "
            "satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
        )
    for unknown in sorted(set(entry) - {"IndexName", "KeySchema", "Projection", "ProvisionedThroughput"}):
        if unknown != "OnDemandThroughput":
            raise unsupported(f"{unknown} of index {name}")
    schema = _key_schema(entry.get("KeySchema", ()), types, f" of index {name}")
    if local and table.sort is None:
        raise invalid_parameter(
            "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex"
        )
    if local and schema.sort is None:
        raise invalid_parameter(f"Index KeySchema does not have a range key for index: {name}")
    if local and schema.partition != table.partition:
        raise invalid_parameter(
            f"Index KeySchema does not have the same leading hash key as table KeySchema for index: {name}. index "
            f"hash key: {schema.partition}, table hash key: {table.partition}"
        )
    keys = frozenset((*schema.names, *table.names))
    return Index(name, local, schema, _projected(entry.get("Projection"), keys))


def _projected(projection: Any, keys: frozenset[str]) -> frozenset[str] | None:
    if not isinstance(projection, Mapping) or projection.get("ProjectionType") is None:
        raise invalid_parameter("Unknown ProjectionType: null")
    kind = projection["ProjectionType"]
    extra = projection.get("NonKeyAttributes")
    if kind == "INCLUDE":
        if not extra:
            raise invalid_parameter("ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
        return keys | frozenset(extra)
    if extra:
        raise invalid_parameter(f"ProjectionType is {kind}, but NonKeyAttributes is specified")
    if kind not in ("ALL", "KEYS_ONLY"):
        raise invalid_parameter(f"Unknown ProjectionType: {kind}")
    return None if kind == "ALL" else keys


def _check_billing(settings: Mapping[str, Any]) -> None:
    mode = settings.get("BillingMode", "PROVISIONED")
    throughput = settings.get("ProvisionedThroughput")
    if mode not in ("PROVISIONED", "PAY_PER_REQUEST"):
        raise validation(
            f"1 validation error detected: Value '{mode}' at 'billingMode' failed to satisfy constraint: Member must "
            "satisfy enum value set: [PROVISIONED, PAY_PER_REQUEST]"
        )
    if mode == "PROVISIONED" and not throughput:
        raise invalid_parameter(
            "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"
        )
    if mode == "PAY_PER_REQUEST" and throughput:
        raise invalid_parameter(
            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"
        )


def _check_unused(types: Mapping[str, str], schema: KeySchema, indexes: Mapping[str, Index]) -> None:
    used = {*schema.names, *(name for index in indexes.values() for name in index.schema.names)}
    if set(types) - used:
        raise invalid_parameter(
            "Some AttributeDefinitions are not used. AttributeDefinitions: "
            f"[{', '.join(types)}], keys used: [{', '.join(sorted(used))}]"
        )


def _truth(value: object) -> bool:
    """A boolean as JSON or, in a template, as CloudFormation's text."""
    return value is True or value == "true"
