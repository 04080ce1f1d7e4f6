"""What holds data, and what CloudFormation does with it when a stack lets go of it.

`RetainExceptOnCreate`: a table or secret is kept on delete, yet a failed first deployment leaves no
orphan. A database leaves a snapshot. Source: CloudFormation User Guide, DeletionPolicy and UpdateReplacePolicy
attributes.
"""

from __future__ import annotations

from collections.abc import Mapping

RETENTION: Mapping[str, tuple[str, str]] = {
    "AWS::DynamoDB::Table": ("RetainExceptOnCreate", "Retain"),
    "AWS::RDS::DBInstance": ("Snapshot", "Snapshot"),
    # Nobody could type the value in again from memory.
    "AWS::SecretsManager::Secret": ("RetainExceptOnCreate", "Retain"),
}
"""By resource type: DeletionPolicy and UpdateReplacePolicy. These types are what Klotho calls stateful."""
