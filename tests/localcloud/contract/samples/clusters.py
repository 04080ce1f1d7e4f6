"""Samples of Aurora: clusters and their parameter groups."""

from __future__ import annotations

from ..planes import planes
from ..sample import REMOVED, Sample
from .network import GROUPS, SUBNETS, VPCS, ref, tags
from .stores import KEY, SUBNET_GROUP

PARAMETERS = {
    "Type": "AWS::RDS::DBClusterParameterGroup",
    "Properties": {"Description": "d", "Family": "aurora-postgresql16", "Parameters": {"max_connections": "30"}},
}
SAMPLES = (
    Sample(
        "AWS::RDS::DBClusterParameterGroup",
        {"Description": "a", "Family": "aurora-postgresql16", "Parameters": {"rds.force_ssl": "1"}},
        {
            "DBClusterParameterGroupName": "named",
            "Description": "b",
            "Family": "aurora-postgresql18",
            "Parameters": {"rds.force_ssl": "0"},
            "Tags": tags("b"),
        },
    ),
    Sample(
        "AWS::RDS::DBCluster",
        {
            "Engine": "aurora-postgresql",
            "MasterUsername": "app",
            "MasterUserPassword": "correct-horse",
            "DBSubnetGroupName": ref("Subnets"),
            "Tags": tags("a"),
        },
        {
            "BackupRetentionPeriod": 3,
            "CopyTagsToSnapshot": True,
            "DBClusterIdentifier": "named",
            "DBClusterParameterGroupName": ref("Parameters"),
            "DBSubnetGroupName": ref("OtherSubnets"),
            "DatabaseName": "shop",
            "DeletionProtection": True,
            "EnableCloudwatchLogsExports": ["postgresql"],
            "EnableIAMDatabaseAuthentication": True,
            "Engine": "aurora-mysql",
            "EngineVersion": "18",
            "KmsKeyId": KEY,
            "ManageMasterUserPassword": True,
            "MasterUserPassword": "battery-staple",
            "MasterUsername": "owner",
            "Port": 5433,
            "PreferredBackupWindow": "01:00-02:00",
            "ServerlessV2ScalingConfiguration": {"MinCapacity": 0, "MaxCapacity": 2, "SecondsUntilAutoPause": 300},
            "StorageEncrypted": True,
            "StorageType": "aurora-iopt1",
            "Tags": tags("b"),
            "VpcSecurityGroupIds": [ref("LeftGroup")],
        },
        {
            **VPCS,
            **SUBNETS,
            **GROUPS,
            "Subnets": SUBNET_GROUP,
            "OtherSubnets": SUBNET_GROUP,
            "Parameters": PARAMETERS,
        },
        together={"ManageMasterUserPassword": {"MasterUserPassword": REMOVED}},
        replaces=frozenset({"Engine", "MasterUsername"}),
        planes=planes("postgres", "mysql"),
        slow=True,
    ),
)
