"""Samples of the active types that keep data: secrets, tables, databases."""

from __future__ import annotations

from typing import Any

from klotho.localcloud.cloud import Cloud
from klotho.localcloud.handler import Record

from ..planes import planes
from ..sample import REMOVED, Sample
from .network import GROUPS, SUBNETS, VPCS, ref, tags

KEY = "arn:aws:kms:eu-west-1:000000000000:key/12345678-1234-1234-1234-123456789012"


def attribute(name: str) -> dict[str, str]:
    return {"AttributeName": name, "AttributeType": "S"}


def key(name: str, kind: str = "HASH") -> dict[str, str]:
    return {"AttributeName": name, "KeyType": kind}


def index(name: str, *schema: dict[str, str]) -> dict[str, Any]:
    return {"IndexName": name, "KeySchema": list(schema), "Projection": {"ProjectionType": "ALL"}}


def read_secret(cloud: Cloud, record: Record) -> Any:
    secret = cloud.secrets.find(record.identifier)
    return secret.description, dict(secret.tags), cloud.secrets.value(record.identifier)


def read_table(cloud: Cloud, record: Record) -> Any:
    table = cloud.tables.find_table(record.identifier)
    assert table is not None
    view = table.stream.view if table.stream else None
    indexes = sorted(table.definition.indexes)
    return table.name, table.ttl, table.recovery, table.tags, indexes, repr(table.schema), view


BY_OTHER = [index("by-other", key("other"))]
THROUGHPUT = {"ReadCapacityUnits": 2, "WriteCapacityUnits": 2}

SUBNET_GROUP = {
    "Type": "AWS::RDS::DBSubnetGroup",
    "Properties": {"DBSubnetGroupDescription": "d", "SubnetIds": [ref("LeftSubnet"), ref("OtherSubnet")]},
}
PARAMETERS = {
    "Type": "AWS::RDS::DBParameterGroup",
    "Properties": {"Description": "d", "Family": "postgres16", "Parameters": {"max_connections": "30"}},
}

CLUSTER = {
    "Type": "AWS::RDS::DBCluster",
    "Properties": {"Engine": "aurora-postgresql", "MasterUsername": "app", "MasterUserPassword": "correct-horse"},
}


def read_parameter(cloud: Cloud, record: Record) -> Any:
    found = cloud.parameters.get(record.identifier)
    return found.kind, found.value, found.description, found.pattern, found.tier, cloud.parameters.tags(found.name)


SAMPLES = (
    Sample(
        "AWS::SecretsManager::Secret",
        {"Description": "a", "SecretString": "one"},
        {
            "Description": "b",
            "Name": "team/named",
            "SecretString": "two",
            "GenerateSecretString": {"PasswordLength": 20},
            "KmsKeyId": KEY,
            "Tags": tags("b"),
        },
        together={"GenerateSecretString": {"SecretString": REMOVED}},
        planes=planes(),
        read=read_secret,
    ),
    Sample(
        "AWS::DynamoDB::Table",
        {
            "AttributeDefinitions": [attribute("pk")],
            "KeySchema": [key("pk")],
            "BillingMode": "PAY_PER_REQUEST",
            "Tags": tags("a"),
        },
        {
            "TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": True},
            "AttributeDefinitions": [attribute("pk"), attribute("other")],
            "BillingMode": "PROVISIONED",
            "DeletionProtectionEnabled": True,
            "GlobalSecondaryIndexes": BY_OTHER,
            "KeySchema": [key("pk"), key("sort", "RANGE")],
            "LocalSecondaryIndexes": [index("local", key("pk"), key("other", "RANGE"))],
            "OnDemandThroughput": {"MaxReadRequestUnits": 10, "MaxWriteRequestUnits": 10},
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
            "ProvisionedThroughput": THROUGHPUT,
            "SSESpecification": {"SSEEnabled": True},
            "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
            "TableClass": "STANDARD_INFREQUENT_ACCESS",
            "TableName": "named",
            "Tags": tags("b"),
        },
        together={
            "AttributeDefinitions": {"GlobalSecondaryIndexes": BY_OTHER},
            "GlobalSecondaryIndexes": {"AttributeDefinitions": [attribute("pk"), attribute("other")]},
            "BillingMode": {"ProvisionedThroughput": THROUGHPUT},
            "ProvisionedThroughput": {"BillingMode": "PROVISIONED"},
            "KeySchema": {"AttributeDefinitions": [attribute("pk"), attribute("sort")]},
            "LocalSecondaryIndexes": {
                "KeySchema": [key("pk"), key("sort", "RANGE")],
                "AttributeDefinitions": [attribute("pk"), attribute("sort"), attribute("other")],
            },
        },
        replaces=frozenset({"KeySchema", "LocalSecondaryIndexes"}),
        planes=planes("tables"),
        read=read_table,
    ),
    Sample(
        "AWS::RDS::DBInstance",
        {
            "Engine": "postgres",
            "DBInstanceClass": "db.t4g.micro",
            "AllocatedStorage": "20",
            "MasterUsername": "app",
            "MasterUserPassword": "correct-horse",
            "DBSubnetGroupName": ref("Subnets"),
            "Tags": tags("a"),
        },
        {
            "BackupRetentionPeriod": 3,
            "AllocatedStorage": "30",
            "AutoMinorVersionUpgrade": False,
            "CACertificateIdentifier": "rds-ca-rsa4096-g1",
            "CopyTagsToSnapshot": True,
            "DBClusterIdentifier": ref("Cluster"),
            "DBInstanceClass": "db.t4g.small",
            "DBInstanceIdentifier": "named",
            "DBName": "shop",
            "DBParameterGroupName": ref("Parameters"),
            "DBSubnetGroupName": ref("OtherSubnets"),
            "DeletionProtection": True,
            "EnableCloudwatchLogsExports": ["postgresql"],
            "EnableIAMDatabaseAuthentication": True,
            "EnablePerformanceInsights": True,
            "Engine": "mysql",
            "EngineVersion": "18",
            "KmsKeyId": KEY,
            "ManageMasterUserPassword": True,
            "MasterUserPassword": "battery-staple",
            "MasterUsername": "owner",
            "MaxAllocatedStorage": 100,
            "MonitoringInterval": 0,
            "MultiAZ": True,
            "Port": "5433",
            "PromotionTier": 1,
            "PreferredBackupWindow": "01:00-02:00",
            "PubliclyAccessible": False,
            "StorageEncrypted": True,
            "StorageType": "gp3",
            "Tags": tags("b"),
            "VPCSecurityGroups": [ref("LeftGroup")],
        },
        {
            **VPCS,
            **SUBNETS,
            **GROUPS,
            "Subnets": SUBNET_GROUP,
            "OtherSubnets": SUBNET_GROUP,
            "Parameters": PARAMETERS,
            "Cluster": CLUSTER,
        },
        together={
            "ManageMasterUserPassword": {"MasterUserPassword": REMOVED},
            "DBClusterIdentifier": {"Engine": "aurora-postgresql"},
            "Engine": {"DBClusterIdentifier": REMOVED},
        },
        planes=planes("postgres", "mysql"),
        slow=True,
    ),
    Sample(
        "AWS::SSM::Parameter",
        {"Type": "String", "Value": "one", "Tags": {"team": "a"}},
        {
            "AllowedPattern": "^o",
            "Description": "b",
            "Name": "/named/here",
            "Tags": {"team": "b"},
            "Tier": "Advanced",
            "Type": "StringList",
            "Value": "two",
        },
        refused={"DataType": "aws:ec2:image"},
        planes=planes(),
        read=read_parameter,
    ),
)
