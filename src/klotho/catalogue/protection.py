"""What a protected environment insists on, by resource type.

Input: a resource of the graph. Output: the properties it must have. Refuses nothing. Sources: Amazon RDS User Guide
("Deleting a DB instance": deletion protection; backups are kept up to 35 days), DynamoDB Developer Guide ("Deletion
protection"), Amazon Cognito Developer Guide ("User pool deletion protection").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from klotho.resources import Resource, SetProperty
from klotho.resources.changes import Action

ALWAYS: Mapping[str, Mapping[str, Any]] = {
    "AWS::Cognito::UserPool": {"DeletionProtection": "ACTIVE"},
    "AWS::DynamoDB::Table": {"DeletionProtectionEnabled": True},
    "AWS::RDS::DBCluster": {"DeletionProtection": True},
    "AWS::RDS::DBInstance": {"DeletionProtection": True},
}
AT_LEAST: Mapping[str, Mapping[str, int]] = {
    # Mistakes in data are often found at the end of a month.
    "AWS::RDS::DBCluster": {"BackupRetentionPeriod": 31},
    "AWS::RDS::DBInstance": {"BackupRetentionPeriod": 31},
    "AWS::ElastiCache::ReplicationGroup": {"SnapshotRetentionLimit": 7},
}
"""Days; more is fine."""


def protection_of(resource: Resource) -> Iterator[Action]:
    """What the resource must be set to; of an instance of a cluster, nothing: the cluster is."""
    if "DBClusterIdentifier" in resource.properties:
        return
    for name, value in ALWAYS.get(resource.type, {}).items():
        yield SetProperty(resource.key, (name,), value)
    for name, least in AT_LEAST.get(resource.type, {}).items():
        if _whole(resource.properties.get(name, 0)) < least:
            yield SetProperty(resource.key, (name,), least)


def _whole(value: Any) -> int:
    """What is no number counts as none: an override may hold anything."""
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return 0
