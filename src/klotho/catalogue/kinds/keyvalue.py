"""`Databases.KeyValue` on DynamoDB.

One table, paid per request, with point-in-time recovery; `provisioned_table` has the other way to pay. Source: Amazon
DynamoDB Developer Guide (core components, time to live, on-demand capacity).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from klotho.application import Construct
from klotho.catalogue.adoption import Adoption
from klotho.catalogue.rules import Implementation, Output, Parameter, Setting
from klotho.resources import AddResource, Ref, ResourceKey, SetProperty, resource_key
from klotho.resources.changes import Action


def table_key(construct: Construct) -> ResourceKey:
    return resource_key(construct.id, "table")


def dynamodb(construct: Construct, setting: Setting) -> Iterator[Action]:
    """The table and its indexes."""
    yield from table(construct, setting, {"BillingMode": "PAY_PER_REQUEST"}, {})


def table(
    construct: Construct, setting: Setting, capacity: Mapping[str, Any], of_index: Mapping[str, Any]
) -> Iterator[Action]:
    """`capacity`: how the table is paid, `of_index`: what each index says of it."""
    key = setting.parameter(construct, "key")
    indexes = setting.parameter(construct, "indexes") or {}
    types = {name: kind for part in (key, *(index["key"] for index in indexes.values())) for name, kind in part}
    yield AddResource(
        table_key(construct),
        "AWS::DynamoDB::Table",
        {
            **capacity,
            "KeySchema": _key_schema(key),
            "AttributeDefinitions": [{"AttributeName": name, "AttributeType": types[name]} for name in sorted(types)],
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        },
    )
    if indexes:
        yield SetProperty(
            table_key(construct),
            ("GlobalSecondaryIndexes",),
            [
                {
                    "IndexName": name,
                    "KeySchema": _key_schema(indexes[name]["key"]),
                    "Projection": {"ProjectionType": "ALL"},
                    **of_index,
                }
                for name in sorted(indexes)
            ],
        )
    if setting.application.in_project:  # somebody in another repository may follow it; an unread stream is free
        yield stream(construct)
    ttl = setting.parameter(construct, "ttl")
    if ttl is not None:
        yield SetProperty(table_key(construct), ("TimeToLiveSpecification",), {"AttributeName": ttl, "Enabled": True})


def stream(construct: Construct) -> Action:
    """Its changes can be followed, with what was there before and after."""
    return SetProperty(table_key(construct), ("StreamSpecification", "StreamViewType"), "NEW_AND_OLD_IMAGES")


def _key_schema(key: Any) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": role} for (name, _), role in zip(key, ("HASH", "RANGE"), strict=False)]


def has_indexes(construct: Construct, setting: Setting) -> bool:
    return bool(setting.parameter(construct, "indexes"))


DYNAMODB = Implementation(
    kind="Databases.KeyValue",
    name="dynamodb",
    service="Amazon DynamoDB",
    expand=dynamodb,
    parameters={
        "key": Parameter("the key's attributes with their types (S text, N number, B bytes)", [["id", "S"]]),
        "ttl": Parameter("attribute that holds the time, in seconds since 1970, after which an item is removed"),
        "indexes": Parameter("further keys to query by: {name: {key: …}}"),
    },
    outputs={
        "table": Output(lambda construct, setting: Ref(table_key(construct)), "name of the table"),
        "arn": Output(lambda construct, setting: Ref(table_key(construct), "Arn"), "ARN of the table"),
    },
    adoption=Adoption(
        type="AWS::DynamoDB::Table",
        key=table_key,
        service="dynamodb",
        resource="table/{}",
        takes=frozenset({"key", "indexes"}),  # what it has: indexes are granted, too
        name=r"[A-Za-z0-9_.-]{3,255}",
        identifier=lambda found: found.name,
        attributes={"Arn": lambda found: found.arn},
    ),
    shares=lambda construct, setting: (
        ("table", None),
        ("table", "Arn"),
        ("table", "StreamArn"),
    ),
    stateful=True,
)
