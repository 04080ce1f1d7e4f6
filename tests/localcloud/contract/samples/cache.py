"""Samples of ElastiCache: caches, their users and user groups."""

from __future__ import annotations

from typing import Any

from klotho.localcloud.cloud import Cloud
from klotho.localcloud.handler import Record

from ..planes import planes
from ..sample import REMOVED, Sample
from .network import GROUPS, SUBNETS, VPCS, ref, tags

PASSWORD = "correct-horse-battery"
KEY = "arn:aws:kms:eu-west-1:000000000000:key/12345678-1234-1234-1234-123456789012"


def user(user_id: str, name: str) -> dict[str, Any]:
    return {
        "Type": "AWS::ElastiCache::User",
        "Properties": {
            "Engine": "valkey",
            "UserId": user_id,
            "UserName": name,
            "AccessString": "on ~* -@all +@read",
            "AuthenticationMode": {"Type": "password", "Passwords": [PASSWORD]},
        },
    }


def group(group_id: str, *users: str) -> dict[str, Any]:
    return {
        "Type": "AWS::ElastiCache::UserGroup",
        "Properties": {"Engine": "valkey", "UserGroupId": group_id, "UserIds": [ref(name) for name in users]},
    }


USERS = {"Nobody": user("nobody", "default"), "Reader": user("reader", "reader"), "Other": user("other", "other")}
SUBNET_GROUP = {
    "Type": "AWS::ElastiCache::SubnetGroup",
    "Properties": {"Description": "d", "SubnetIds": [ref("LeftSubnet"), ref("OtherSubnet")]},
}


def read_user(cloud: Cloud, record: Record) -> Any:
    return cloud.redis.access.user(record.identifier)


def read_group(cloud: Cloud, record: Record) -> Any:
    return cloud.redis.access.group(record.identifier)


SAMPLES = (
    Sample(
        "AWS::ElastiCache::SubnetGroup",
        {"Description": "a", "SubnetIds": [ref("LeftSubnet")]},
        {
            "CacheSubnetGroupName": "named",
            "Description": "b",
            "SubnetIds": [ref("LeftSubnet"), ref("OtherSubnet")],
            "Tags": tags("b"),
        },
        {**VPCS, **SUBNETS},
    ),
    Sample(
        "AWS::ElastiCache::User",
        user("subject", "subject")["Properties"],
        {
            "AccessString": "on ~* &* -@all +@write",
            "AuthenticationMode": {"Type": "password", "Passwords": [PASSWORD, "another-long-password"]},
            "Engine": "redis",
            "Passwords": ["another-long-password"],
            "Tags": tags("b"),
            "UserId": "renamed",
            "UserName": "renamed",
        },
        together={
            "UserName": {"UserId": "renamed-too"},
            "Passwords": {"AuthenticationMode": REMOVED},
            "AuthenticationMode": {"Passwords": REMOVED},
        },
        planes=planes("redis"),
        read=read_user,
    ),
    Sample(
        "AWS::ElastiCache::UserGroup",
        group("subject", "Nobody", "Reader")["Properties"],
        {
            "Engine": "redis",
            "Tags": tags("b"),
            "UserGroupId": "renamed",
            "UserIds": [ref("Nobody"), ref("Reader"), ref("Other")],
        },
        USERS,
        planes=planes("redis"),
        read=read_group,
    ),
    Sample(
        "AWS::ElastiCache::ReplicationGroup",
        {
            "ReplicationGroupDescription": "a",
            "Engine": "valkey",
            "CacheNodeType": "cache.t4g.micro",
            "CacheSubnetGroupName": ref("Subnets"),
            "TransitEncryptionEnabled": True,
            "Tags": tags("a"),
        },
        {
            "AtRestEncryptionEnabled": True,
            "AutoMinorVersionUpgrade": True,
            "AutomaticFailoverEnabled": True,
            "CacheNodeType": "cache.t4g.small",
            "CacheParameterGroupName": "default.valkey8",
            "CacheSubnetGroupName": ref("OtherSubnets"),
            "Engine": "redis",
            "EngineVersion": "8.0",
            "KmsKeyId": KEY,
            "MultiAZEnabled": True,
            "NumCacheClusters": 2,
            "NumNodeGroups": 1,
            "Port": 6380,
            "ReplicasPerNodeGroup": 1,
            "ReplicationGroupDescription": "b",
            "ReplicationGroupId": "named",
            "SecurityGroupIds": [ref("LeftGroup")],
            "SnapshotRetentionLimit": 3,
            "SnapshotWindow": "01:00-02:00",
            "Tags": tags("b"),
            "TransitEncryptionEnabled": False,
            "TransitEncryptionMode": "required",
            "UserGroupIds": [ref("Group")],
        },
        {
            **VPCS,
            **SUBNETS,
            **GROUPS,
            **USERS,
            "Group": group("group", "Nobody", "Reader"),
            "Subnets": SUBNET_GROUP,
            "OtherSubnets": SUBNET_GROUP,
        },
        planes=planes("redis"),
        slow=True,
    ),
)
