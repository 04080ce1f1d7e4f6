"""What several kinds use and no construct owns: the ECS cluster, the Cloud Map namespace, the VPC link."""

from __future__ import annotations

from collections.abc import Iterator

from klotho.catalogue.network import PRIVATE_SUBNETS, VPC
from klotho.catalogue.rules import Setting
from klotho.resources import AddResource, Ref, shared_key
from klotho.resources.changes import Action
from klotho.resources.naming import dashed

CLUSTER = shared_key("cluster")
NAMESPACE = shared_key("namespace")
VPC_LINK = shared_key("vpc-link")
VPC_LINK_GROUP = shared_key("vpc-link-security-group")


def cluster() -> Iterator[Action]:
    """One cluster for all containers: it costs nothing by itself."""
    yield AddResource(
        CLUSTER, "AWS::ECS::Cluster", {"ClusterSettings": [{"Name": "containerInsights", "Value": "enabled"}]}
    )
    yield AddResource(
        shared_key("cluster-capacity"),
        "AWS::ECS::ClusterCapacityProviderAssociations",
        {
            "Cluster": Ref(CLUSTER),
            "CapacityProviders": ["FARGATE", "FARGATE_SPOT"],
            "DefaultCapacityProviderStrategy": [{"CapacityProvider": "FARGATE", "Weight": 1}],
        },
    )


def namespace_name(setting: Setting) -> str:
    """The private DNS zone in which containers find each other: the project's, or that of an application without."""
    application = setting.application
    owner = application.project if application.in_project else application.name
    return f"{dashed(setting.environment, 26)}.{dashed(owner, 30)}.internal"


def namespace(setting: Setting) -> Iterator[Action]:
    """One private namespace for Service Connect and for the API's way in."""
    yield AddResource(
        NAMESPACE,
        "AWS::ServiceDiscovery::PrivateDnsNamespace",
        {"Name": namespace_name(setting), "Vpc": Ref(VPC, "VpcId")},
    )


def vpc_link() -> Iterator[Action]:
    """How HTTP APIs reach containers: one link for all of them."""
    yield AddResource(
        VPC_LINK_GROUP,
        "AWS::EC2::SecurityGroup",
        {"GroupDescription": "The way from HTTP APIs to containers", "VpcId": Ref(VPC, "VpcId")},
    )
    yield AddResource(
        VPC_LINK,
        "AWS::ApiGatewayV2::VpcLink",
        {"Name": "klotho", "SubnetIds": list(PRIVATE_SUBNETS), "SecurityGroupIds": [Ref(VPC_LINK_GROUP, "GroupId")]},
    )
