"""Operations on tables themselves: create, describe, change, delete, time to live, tags, recovery setting.

Input: requests. Output: AWS's answers; tables are ACTIVE at once. Settings without an effect on this machine (billing
mode, throughput, encryption, table class, point-in-time recovery) are recorded and given back, and limit nothing.
Refuses streams, replicas, key changes and other things by name.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from klotho.localcloud.services.dynamodb import parameters
from klotho.localcloud.services.dynamodb.catalog import Catalog
from klotho.localcloud.services.dynamodb.definition import SETTINGS, define
from klotho.localcloud.services.dynamodb.description import describe
from klotho.localcloud.services.dynamodb.errors import DynamoDbError, invalid_parameter, unsupported, validation
from klotho.localcloud.services.dynamodb.parameters import Request
from klotho.localcloud.services.dynamodb.table import Table

_CREATE = frozenset(SETTINGS | {"TableName", "Tags"})
_UPDATE = frozenset((SETTINGS - {"KeySchema", "LocalSecondaryIndexes", "GlobalSecondaryIndexes"}) | {"TableName"})
_NAME = frozenset({"TableName"})
_TAGS = frozenset({"ResourceArn", "Tags", "TagKeys", "NextToken"})
MAX_TAGS = 50


def create_table(catalog: Catalog, request: Request) -> dict[str, Any]:
    request = parameters.admit(request, _CREATE, "CreateTable")
    settings = {name: value for name, value in request.items() if name in SETTINGS}
    table = catalog.create(str(request.get("TableName") or ""), settings, tags_of(request.get("Tags")))
    return {"TableDescription": describe(table)}


def describe_table(catalog: Catalog, request: Request) -> dict[str, Any]:
    request = parameters.admit(request, _NAME, "DescribeTable")
    return {"Table": describe(catalog.described(request.get("TableName")))}


def delete_table(catalog: Catalog, request: Request) -> dict[str, Any]:
    request = parameters.admit(request, _NAME, "DeleteTable")
    table = catalog.described(request.get("TableName"))
    description = {**describe(table), "TableStatus": "DELETING"}
    catalog.drop(table.name)
    return {"TableDescription": description}


def list_tables(catalog: Catalog, request: Request) -> dict[str, Any]:
    request = parameters.admit(request, frozenset({"ExclusiveStartTableName", "Limit"}), "ListTables")
    limit = parameters.integer(request, "Limit", 1, 100) or 100
    start = parameters.text(request, "ExclusiveStartTableName") or ""
    names = [name for name in catalog.names() if name > start]
    answer: dict[str, Any] = {"TableNames": names[:limit]}
    if len(names) > limit:
        answer["LastEvaluatedTableName"] = names[limit - 1]
    return answer


def update_table(catalog: Catalog, request: Request) -> dict[str, Any]:
    """Changes settings and at most one global index; the service fills a new index in the background."""
    request = parameters.admit(request, _UPDATE | {"GlobalSecondaryIndexUpdates"}, "UpdateTable")
    table = catalog.described(request.get("TableName"))
    settings = dict(table.definition.settings)
    settings.update({name: value for name, value in request.items() if name in _UPDATE - {"TableName"}})
    if request.get("BillingMode") == "PAY_PER_REQUEST":
        settings.pop("ProvisionedThroughput", None)
    updates = request.get("GlobalSecondaryIndexUpdates") or []
    if updates:
        settings["GlobalSecondaryIndexes"] = _updated_indexes(settings.get("GlobalSecondaryIndexes") or [], updates)
    if "AttributeDefinitions" in request or updates:
        _drop_unused_definitions(settings)
    redefine(catalog, table, settings)
    return {"TableDescription": describe(table)}


def _updated_indexes(indexes: list[Any], updates: list[Any]) -> list[Any]:
    online = 0
    by_name = {index["IndexName"]: index for index in indexes}
    for update in updates:
        if len(update) != 1:
            raise invalid_parameter("One of GlobalSecondaryIndexUpdate.Create, Update or Delete must be given")
        ((kind, change),) = update.items()
        name = change.get("IndexName")
        if kind == "Create":
            if name in by_name:
                raise validation("Attempting to create an index which already exists")
            by_name[name] = change
        elif name not in by_name:
            raise DynamoDbError("ResourceNotFoundException", "Requested resource not found")
        elif kind == "Delete":
            del by_name[name]
        else:
            by_name[name] = {**by_name[name], **change}
        online += kind in ("Create", "Delete")
    if online > 1:
        raise DynamoDbError(
            "LimitExceededException",
            "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table",
        )
    return list(by_name.values())


def _drop_unused_definitions(settings: dict[str, Any]) -> None:
    """UpdateTable keeps the definitions of a deleted index out, so that the rest still checks."""
    schemas = [settings["KeySchema"]]
    for field in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        schemas += [index.get("KeySchema", ()) for index in settings.get(field) or ()]
    used = {element["AttributeName"] for schema in schemas for element in schema}
    settings["AttributeDefinitions"] = [
        entry for entry in settings["AttributeDefinitions"] if entry["AttributeName"] in used
    ]


def redefine(catalog: Catalog, table: Table, settings: Mapping[str, Any]) -> list[str]:
    """Give a table another definition; names of new global indexes, which the caller must have filled."""
    definition = define(table.name, settings)
    if definition.schema != table.schema:
        raise invalid_parameter("the key schema of a table cannot change")
    for name, index in definition.indexes.items():
        before = table.definition.indexes.get(name)
        if before is not None and before != index:
            raise invalid_parameter(
                f"the key schema and projection of index {name} cannot change; add an index of another name"
            )
        if before is None and index.local:
            raise invalid_parameter(f"local secondary index {name} can only be made with its table")
    for name, index in table.definition.indexes.items():
        if index.local and name not in definition.indexes:
            raise invalid_parameter(f"local secondary index {name} can only be deleted with its table")
    return catalog.redefine(table, definition)


# ---- time to live


def describe_time_to_live(catalog: Catalog, request: Request) -> dict[str, Any]:
    request = parameters.admit(request, _NAME, "DescribeTimeToLive")
    table = catalog.described(request.get("TableName"))
    if table.ttl is None:
        return {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
    return {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": table.ttl}}


def update_time_to_live(catalog: Catalog, request: Request) -> dict[str, Any]:
    request = parameters.admit(request, _NAME | {"TimeToLiveSpecification"}, "UpdateTimeToLive")
    table = catalog.described(request.get("TableName"))
    wanted = parameters.mapping(request, "TimeToLiveSpecification")
    enabled, attribute = parameters.boolean(wanted, "Enabled", False), parameters.text(wanted, "AttributeName")
    if not attribute:
        raise validation(
            "1 validation error detected: Value null at 'timeToLiveSpecification.attributeName' failed to satisfy "
            "constraint: Member must not be null"
        )
    if enabled and table.ttl is not None:
        raise validation("TimeToLive is already enabled")
    if not enabled and table.ttl is None:
        raise validation("TimeToLive is already disabled")
    if not enabled and table.ttl != attribute:
        raise validation("TimeToLive is active on a different AttributeName")
    catalog.set_ttl(table, attribute if enabled else None)
    return {"TimeToLiveSpecification": {"Enabled": enabled, "AttributeName": attribute}}


# ---- tags


def tags_of(listed: Any) -> dict[str, str]:
    """`[{"Key": …, "Value": …}]` as a dict."""
    return {tag["Key"]: tag.get("Value", "") for tag in listed or ()}


def list_tags_of_resource(catalog: Catalog, request: Request) -> dict[str, Any]:
    table = _by_arn(catalog, parameters.admit(request, _TAGS, "ListTagsOfResource"))
    return {"Tags": [{"Key": key, "Value": value} for key, value in sorted(table.tags.items())]}


def tag_resource(catalog: Catalog, request: Request) -> dict[str, Any]:
    request = parameters.admit(request, _TAGS, "TagResource")
    table = _by_arn(catalog, request)
    tags = {**table.tags, **tags_of(request.get("Tags"))}
    if len(tags) > MAX_TAGS:
        raise validation(f"One or more parameter values were invalid: Too many tags: {len(tags)} exceeds {MAX_TAGS}")
    catalog.set_tags(table, tags)
    return {}


def untag_resource(catalog: Catalog, request: Request) -> dict[str, Any]:
    request = parameters.admit(request, _TAGS, "UntagResource")
    table = _by_arn(catalog, request)
    gone = set(request.get("TagKeys") or ())
    catalog.set_tags(table, {key: value for key, value in table.tags.items() if key not in gone})
    return {}


def _by_arn(catalog: Catalog, request: Request) -> Table:
    arn = request.get("ResourceArn")
    table = catalog.find(arn) if isinstance(arn, str) and arn.startswith("arn:") else None
    if table is None:
        raise DynamoDbError("ResourceNotFoundException", f"Requested resource not found: ResourcArn: {arn} not found")
    return table


# ---- recovery, limits, endpoints


def describe_continuous_backups(catalog: Catalog, request: Request) -> dict[str, Any]:
    request = parameters.admit(request, _NAME, "DescribeContinuousBackups")
    return {"ContinuousBackupsDescription": _recovery(_for_backups(catalog, request))}


def update_continuous_backups(catalog: Catalog, request: Request) -> dict[str, Any]:
    """Records the setting; this machine makes no backups to restore from."""
    request = parameters.admit(request, _NAME | {"PointInTimeRecoverySpecification"}, "UpdateContinuousBackups")
    table = _for_backups(catalog, request)
    catalog.set_recovery(table, parameters.mapping(request, "PointInTimeRecoverySpecification"))
    return {"ContinuousBackupsDescription": _recovery(table)}


def _for_backups(catalog: Catalog, request: Request) -> Table:
    table = catalog.find(request.get("TableName"))
    if table is None:
        raise DynamoDbError("TableNotFoundException", f"Table not found: {request.get('TableName')}")
    return table


def _recovery(table: Table) -> dict[str, Any]:
    enabled = table.recovery.get("PointInTimeRecoveryEnabled") in (True, "true")
    status: dict[str, Any] = {"PointInTimeRecoveryStatus": "ENABLED" if enabled else "DISABLED"}
    if enabled:
        status["RecoveryPeriodInDays"] = int(table.recovery.get("RecoveryPeriodInDays", 35))
        status["EarliestRestorableDateTime"] = table.created
        status["LatestRestorableDateTime"] = time.time()
    return {"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": status}


def describe_limits(catalog: Catalog, request: Request) -> dict[str, Any]:
    """AWS's default account quotas; nothing here is throttled by them."""
    parameters.admit(request, frozenset(), "DescribeLimits")
    return {
        "AccountMaxReadCapacityUnits": 80000,
        "AccountMaxWriteCapacityUnits": 80000,
        "TableMaxReadCapacityUnits": 40000,
        "TableMaxWriteCapacityUnits": 40000,
    }


def describe_endpoints(catalog: Catalog, request: Request) -> dict[str, Any]:
    """Refused: an SDK with endpoint discovery on would leave this machine for the address answered."""
    raise unsupported("Endpoint discovery (DescribeEndpoints)")
