"""The `TableDescription` structure.

Input: a table. Output: what DescribeTable answers. Item counts and sizes are exact and current, where AWS refreshes
them about every six hours. Refuses nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from klotho.localcloud.services.dynamodb.table import Table


def describe(table: Table) -> dict[str, Any]:
    settings = table.definition.settings
    count, size = table.rows.count()
    description: dict[str, Any] = {
        "TableName": table.name,
        "TableStatus": "ACTIVE",
        "TableArn": table.arn,
        "TableId": table.uuid,
        "CreationDateTime": round(table.created, 3),
        "KeySchema": settings["KeySchema"],
        "AttributeDefinitions": settings["AttributeDefinitions"],
        "ProvisionedThroughput": _throughput(settings.get("ProvisionedThroughput")),
        "ItemCount": count,
        "TableSizeBytes": size,
        "DeletionProtectionEnabled": table.definition.protected,
    }
    if table.stream is not None:
        description["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": table.stream.view}
        description |= {"LatestStreamArn": table.stream.arn, "LatestStreamLabel": table.stream.label}
    if table.definition.on_demand:
        description["BillingModeSummary"] = {"BillingMode": "PAY_PER_REQUEST"}
    if "TableClass" in settings:
        description["TableClassSummary"] = {"TableClass": settings["TableClass"]}
    if "OnDemandThroughput" in settings:
        description["OnDemandThroughput"] = settings["OnDemandThroughput"]
    encryption = _encryption(settings.get("SSESpecification"))
    if encryption is not None:
        description["SSEDescription"] = encryption
    for field in ("LocalSecondaryIndexes", "GlobalSecondaryIndexes"):
        listed = settings.get(field)
        if listed:
            description[field] = [_index(table, entry, field.startswith("Global")) for entry in listed]
    return description


def _throughput(throughput: Mapping[str, Any] | None) -> dict[str, int]:
    given = throughput or {}
    return {
        "NumberOfDecreasesToday": 0,
        "ReadCapacityUnits": int(given.get("ReadCapacityUnits", 0)),
        "WriteCapacityUnits": int(given.get("WriteCapacityUnits", 0)),
    }


def _encryption(specification: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if not specification or specification.get("SSEEnabled", specification.get("Enabled")) not in (True, "true"):
        return None
    encryption = {"Status": "ENABLED", "SSEType": specification.get("SSEType", "KMS")}
    if "KMSMasterKeyId" in specification:
        encryption["KMSMasterKeyArn"] = specification["KMSMasterKeyId"]
    return encryption


def _index(table: Table, entry: Mapping[str, Any], is_global: bool) -> dict[str, Any]:
    name = entry["IndexName"]
    state = table.index_states[name]
    description: dict[str, Any] = {
        "IndexName": name,
        "KeySchema": entry["KeySchema"],
        "Projection": entry["Projection"],
        "IndexArn": f"{table.arn}/index/{name}",
        "ItemCount": table.rows.count_index(state["number"]),
        "IndexSizeBytes": 0,
    }
    if is_global:
        description["IndexStatus"] = "ACTIVE" if state["active"] else "CREATING"
        description["ProvisionedThroughput"] = _throughput(entry.get("ProvisionedThroughput"))
        if not state["active"]:
            description["Backfilling"] = True
    return description
