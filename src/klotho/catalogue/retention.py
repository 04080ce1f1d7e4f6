"""What holds data, and what CloudFormation does with it when a stack lets go of it.

`RetainExceptOnCreate`: a table or secret is kept on delete, yet a failed first deployment leaves no
orphan. A database leaves a snapshot. Source: CloudFormation User Guide, DeletionPolicy and UpdateReplacePolicy
attributes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

RETENTION: Mapping[str, tuple[str, str]] = {
    "AWS::DynamoDB::Table": ("RetainExceptOnCreate", "Retain"),
    "AWS::ElastiCache::ReplicationGroup": ("Snapshot", "Snapshot"),
    "AWS::RDS::DBCluster": ("Snapshot", "Snapshot"),
    "AWS::RDS::DBInstance": ("Snapshot", "Snapshot"),
    "AWS::S3::Bucket": ("RetainExceptOnCreate", "Retain"),
    # Users can't be made again: nobody knows their passwords.
    "AWS::Cognito::UserPool": ("RetainExceptOnCreate", "Retain"),
    # Nobody could type the value in again from memory.
    "AWS::SecretsManager::Secret": ("RetainExceptOnCreate", "Retain"),
}
"""By resource type: DeletionPolicy and UpdateReplacePolicy. These types are what Klotho calls stateful."""
PLACEHOLDER: Mapping[str, Any] = {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 1}}
"""Stands in for data that move to another stack: it costs nothing, and CloudFormation has no empty stacks."""
LET_GO = ("Delete", "Delete")
"""Of what the program says need not be kept."""


def retention(type_name: str, properties: Mapping[str, Any]) -> tuple[str, str] | None:
    """DeletionPolicy and UpdateReplacePolicy of a resource; None for what holds nothing worth keeping.

    A generated secret is the login of something that goes with it, and another one is as good. An instance of a cluster
    has nothing of its own, and can't be snapshotted.
    """
    if type_name == "AWS::RDS::DBInstance" and "DBClusterIdentifier" in properties:
        return None
    if type_name == "AWS::SecretsManager::Secret" and "GenerateSecretString" in properties:
        return None
    return RETENTION.get(type_name)
