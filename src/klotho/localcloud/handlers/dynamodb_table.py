"""AWS::DynamoDB::Table: a table of the local cloud's DynamoDB store.

Input: the resource's properties. Output: the table, its name as `Ref`, its `Arn` and `StreamArn`. Refuses, as a
`HandlerError` in AWS's words: a name that is taken, more than one global index added or removed in one update, deletion
under DeletionProtectionEnabled, another TTL attribute while TTL is on; and by name what cannot change in place (key
types, local indexes). Replicas, imports and every property not in `carries` are refused by the engine.

Honoured: keys, attribute definitions, global and local indexes, time to live, streams, deletion protection, tags.
Recorded and given back, because nothing on this machine is billed, throttled or encrypted by them: BillingMode,
ProvisionedThroughput, OnDemandThroughput, SSESpecification, TableClass, PointInTimeRecoverySpecification.
Source: "AWS::DynamoDB::Table" in the CloudFormation template reference.
"""

from __future__ import annotations

from typing import Any, ClassVar

from klotho.catalogue.facts import replaced_by
from klotho.localcloud.handler import Handler, HandlerError, Outcome, Properties, Record, Request, own_tags
from klotho.localcloud.identity import physical_name
from klotho.localcloud.services.dynamodb.definition import SETTINGS
from klotho.localcloud.services.dynamodb.errors import DynamoDbError

MAX_NAME = 255
"""Characters of a table name."""

_CODES = {
    "ResourceInUseException": "AlreadyExists",
    "ResourceNotFoundException": "NotFound",
    "LimitExceededException": "ServiceLimitExceeded",
    "ValidationException": "InvalidRequest",
}


class DynamoDbTable(Handler):
    """Creates, changes and drops tables."""

    type_name: ClassVar[str] = "AWS::DynamoDB::Table"
    carries: ClassVar[frozenset[str]] = frozenset(
        {
            "AttributeDefinitions",
            "BillingMode",
            "DeletionProtectionEnabled",
            "GlobalSecondaryIndexes.IndexName",
            "GlobalSecondaryIndexes.KeySchema",
            "GlobalSecondaryIndexes.OnDemandThroughput",
            "GlobalSecondaryIndexes.Projection",
            "GlobalSecondaryIndexes.ProvisionedThroughput",
            "KeySchema",
            "LocalSecondaryIndexes",
            "OnDemandThroughput",
            "PointInTimeRecoverySpecification",
            "ProvisionedThroughput",
            "SSESpecification",
            "StreamSpecification.StreamViewType",
            "TableClass",
            "TableName",
            "Tags",
            "TimeToLiveSpecification",
        }
    )
    given_attributes: frozenset[str] = frozenset({"Arn", "StreamArn"})

    async def create(self, request: Request) -> Outcome:
        name = request.properties.get("TableName") or physical_name(
            request.stack_name, request.logical_id, request.token, limit=MAX_NAME
        )
        tables = self.cloud.tables
        try:
            table = tables.create_table(str(name), _settings(request.properties), _tags(request), owner=request.token)
            tables.set_time_to_live(table.name, _ttl(request.properties))
            tables.set_recovery(table.name, _recovery(request.properties))
            stream = tables.set_stream(table.name, _view(request.properties))
        except DynamoDbError as error:
            raise _failure(error) from error
        return _outcome(table.name, table.arn, stream)

    def must_replace(self, request: Request) -> bool:
        """A changed key, a changed type of a defined attribute and changed local indexes need a new table."""
        return bool(replaced_by(self.type_name, request.previous, request.properties))

    async def update(self, request: Request) -> Outcome:
        name = request.identifier or ""
        tables = self.cloud.tables
        if self.must_replace(request):
            raise HandlerError(
                f"{name}: key attributes, their types and local secondary indexes cannot change in place; rename the "
                "resource to get a new table",
                "NotUpdatable",
            )
        _check_one_index(request)
        try:
            table = tables.find_table(name)
            wanted = _ttl(request.properties)
            if table is not None and table.ttl is not None and wanted not in (None, table.ttl):
                raise HandlerError("TimeToLive is active on a different AttributeName", "InvalidRequest")
            await tables.update_table(name, _settings(request.properties))
            tables.set_time_to_live(name, wanted)
            tables.set_recovery(name, _recovery(request.properties))
            tables.set_tags(name, _tags(request))
            stream = tables.set_stream(name, _view(request.properties))
        except DynamoDbError as error:
            raise _failure(error) from error
        return _outcome(name, tables.catalog.arn(name), stream)

    def live(self, record: Record) -> Properties | None:
        table = self.cloud.tables.find_table(record.identifier)
        if table is None:
            return None
        expiry = record.properties.get("TimeToLiveSpecification") or {}
        kept = {name: value for name, value in record.properties.items() if name not in SETTINGS}
        now: dict[str, Any] = {**kept, **table.definition.settings}
        now["TimeToLiveSpecification"] = {**expiry, "Enabled": table.ttl is not None}
        if table.ttl is not None:
            now["TimeToLiveSpecification"]["AttributeName"] = table.ttl
        now["PointInTimeRecoverySpecification"] = {"PointInTimeRecoveryEnabled": False, **table.recovery}
        now["Tags"] = own_tags(table.tags, record)
        return now

    async def delete(self, request: Request) -> None:
        name = request.identifier or ""
        if self.cloud.tables.find_table(name) is None:
            return
        try:
            self.cloud.tables.delete_table(name)
        except DynamoDbError as error:
            raise _failure(error) from error


def _outcome(name: str, arn: str, stream: str | None) -> Outcome:
    return Outcome(name, {"Arn": arn} if stream is None else {"Arn": arn, "StreamArn": stream})


def _view(properties: Properties) -> str | None:
    """Which images the stream's records hold; None for a table without a stream."""
    found = (properties.get("StreamSpecification") or {}).get("StreamViewType")
    return None if found is None else str(found)


def _settings(properties: Properties) -> dict[str, Any]:
    """The properties that CreateTable has too; CloudFormation gives them the same names and shapes."""
    return {name: value for name, value in properties.items() if name in SETTINGS}


def _ttl(properties: Properties) -> str | None:
    specification = properties.get("TimeToLiveSpecification") or {}
    if str(specification.get("Enabled", False)).lower() != "true":
        return None
    attribute = specification.get("AttributeName")
    if not attribute:
        raise HandlerError("TimeToLiveSpecification needs an AttributeName when it is enabled", "InvalidRequest")
    return str(attribute)


def _recovery(properties: Properties) -> dict[str, Any]:
    return dict(properties.get("PointInTimeRecoverySpecification") or {})


def _tags(request: Request) -> dict[str, str]:
    """The stack's tags under the resource's own."""
    own = {str(tag["Key"]): str(tag["Value"]) for tag in request.properties.get("Tags") or ()}
    return {**request.tags, **own}


def _check_one_index(request: Request) -> None:
    """AWS changes one global index at a time, and CloudFormation fails an update that would change more."""
    before, after = (
        {index.get("IndexName") for index in properties.get("GlobalSecondaryIndexes") or ()}
        for properties in (request.previous, request.properties)
    )
    if len(before ^ after) > 1:
        raise HandlerError("Cannot perform more than one GSI creation or deletion in a single update", "InvalidRequest")


def _failure(error: DynamoDbError) -> HandlerError:
    return HandlerError(error.message, _CODES.get(error.code, "GeneralServiceException"))
