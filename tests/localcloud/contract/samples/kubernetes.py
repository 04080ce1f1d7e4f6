"""Samples of Kubernetes clusters and who may do what in them."""

from __future__ import annotations

from typing import Any

from klotho.localcloud.cloud import Cloud
from klotho.localcloud.handler import Record

from ..planes import planes
from ..sample import Sample
from .network import SUBNETS, VPCS, ref, tags

EKS = "AWS::EKS::"
PLANES = planes("containers", "clusters")
AUTO = {
    "ComputeConfig": {"Enabled": True},
    "KubernetesNetworkConfig": {"ElasticLoadBalancing": {"Enabled": True}},
    "StorageConfig": {"BlockStorage": {"Enabled": True}},
}
NETWORK = {"SubnetIds": [ref("LeftSubnet"), ref("OtherSubnet")]}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "eks.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
ROLES = {
    name: {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}}
    for name in ("One", "Two", "Three")
}
BASE = {
    "RoleArn": {"Fn::GetAtt": ["One", "Arn"]},
    "AccessConfig": {"AuthenticationMode": "API"},
    "ResourcesVpcConfig": NETWORK,
}
GROUP = {
    "Group": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "a", "VpcId": ref("Left")}},
}


def clusters(*names: str) -> dict[str, Any]:
    """Clusters with all they need."""
    made = {name: {"Type": f"{EKS}Cluster", "Properties": {**BASE, "Name": name.lower()}} for name in names}
    return {**VPCS, **SUBNETS, **ROLES, **made}


def _read(cloud: Cloud, record: Record) -> object:
    return cloud.clusters.endpoint(record.identifier), record.identifier in cloud.clusters.names()


def policies(name: str) -> list[dict[str, Any]]:
    policy = f"arn:aws:eks::aws:cluster-access-policy/{name}"
    return [{"PolicyArn": policy, "AccessScope": {"Type": "cluster"}}]


SAMPLES = (
    Sample(
        f"{EKS}Cluster",
        {**BASE, **AUTO, "Tags": tags("a")},
        {
            "AccessConfig": {"AuthenticationMode": "API", "BootstrapClusterCreatorAdminPermissions": False},
            "BootstrapSelfManagedAddons": False,
            "ComputeConfig": {"Enabled": True, "NodePools": ["general-purpose"]},
            "Logging": {"ClusterLogging": {"EnabledTypes": [{"Type": "audit"}]}},
            "Name": "named",
            "ResourcesVpcConfig": {
                "EndpointPrivateAccess": True,
                "EndpointPublicAccess": False,
                "PublicAccessCidrs": ["192.0.2.0/24"],
                "SecurityGroupIds": [{"Fn::GetAtt": ["Group", "GroupId"]}],
                "SubnetIds": [ref("OtherSubnet"), ref("LeftSubnet")],
            },
            "RoleArn": {"Fn::GetAtt": ["Two", "Arn"]},
            "Tags": tags("b"),
            "UpgradePolicy": {"SupportType": "STANDARD"},
            "Version": "1.33",
        },
        {**VPCS, **SUBNETS, **ROLES, **GROUP},
        refused={
            "AccessConfig": {"AuthenticationMode": "CONFIG_MAP"},
            "KubernetesNetworkConfig": {"ElasticLoadBalancing": {"Enabled": False}},
            "StorageConfig": {"BlockStorage": {"Enabled": False}},
        },
        planes=PLANES,
        read=_read,
    ),
    Sample(
        f"{EKS}AccessEntry",
        {
            "ClusterName": ref("Here"),
            "PrincipalArn": {"Fn::GetAtt": ["One", "Arn"]},
            "Type": "STANDARD",
            "Tags": tags("a"),
        },
        {
            "AccessPolicies": policies("AmazonEKSClusterAdminPolicy"),
            "ClusterName": ref("There"),
            "KubernetesGroups": ["viewers"],
            "PrincipalArn": {"Fn::GetAtt": ["Two", "Arn"]},
            "Tags": tags("b"),
            "Type": "EC2",
            "Username": "one",
        },
        clusters("Here", "There"),
        # A principal has one entry in a cluster: another kind of entry can't be made before the first is gone.
        together={"Type": {"PrincipalArn": {"Fn::GetAtt": ["Three", "Arn"]}}},
        planes=PLANES,
    ),
    Sample(
        f"{EKS}Addon",
        {"ClusterName": ref("Here"), "AddonName": "metrics-server", "Tags": tags("a")},
        {
            "AddonName": "amazon-cloudwatch-observability",
            "AddonVersion": "v1.0.0",
            "ClusterName": ref("There"),
            "ConfigurationValues": "{}",
            "PodIdentityAssociations": [
                {"RoleArn": {"Fn::GetAtt": ["Two", "Arn"]}, "ServiceAccount": "cloudwatch-agent"}
            ],
            "ResolveConflicts": "OVERWRITE",
            "Tags": tags("b"),
        },
        clusters("Here", "There"),
        planes=PLANES,
    ),
    Sample(
        f"{EKS}PodIdentityAssociation",
        {
            "ClusterName": ref("Here"),
            "Namespace": "shop",
            "RoleArn": {"Fn::GetAtt": ["One", "Arn"]},
            "ServiceAccount": "orders",
            "Tags": tags("a"),
        },
        {
            "ClusterName": ref("There"),
            "Namespace": "other",
            "RoleArn": {"Fn::GetAtt": ["Two", "Arn"]},
            "ServiceAccount": "users",
            "Tags": tags("b"),
        },
        clusters("Here", "There"),
        planes=PLANES,
    ),
)
