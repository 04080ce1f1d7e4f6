"""Which properties name other resources, and what AWS does about it.

Two uses: a resource that names something which does not exist is refused when it is created or updated, and a
resource that a live one still needs can't be deleted. Only references AWS itself checks are listed; AWS lets a log
group go while a task definition names it, so that pair is absent.

Source: the DependencyViolation, DeleteConflict and ResourceInUse errors in the EC2, IAM, RDS, ECS, API Gateway and
Cloud Map API references.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from klotho.localcloud.handler import HandlerError, Record
from klotho.localcloud.identity import ACCOUNT
from klotho.localcloud.world import World

VPC, SUBNET, GROUP = "AWS::EC2::VPC", "AWS::EC2::Subnet", "AWS::EC2::SecurityGroup"
TABLE, GATEWAY, NAT, ADDRESS = (
    "AWS::EC2::RouteTable",
    "AWS::EC2::InternetGateway",
    "AWS::EC2::NatGateway",
    "AWS::EC2::EIP",
)
ROLE, POLICY = "AWS::IAM::Role", "AWS::IAM::ManagedPolicy"
AUTHORIZER = "AWS::ApiGatewayV2::Authorizer"
CLUSTER, LINK = "AWS::ECS::Cluster", "AWS::ApiGatewayV2::VpcLink"
KUBERNETES = "AWS::EKS::Cluster"
SUBNET_GROUP, PARAMETER_GROUP = "AWS::RDS::DBSubnetGroup", "AWS::RDS::DBParameterGroup"
DB_CLUSTER, CLUSTER_PARAMETERS = "AWS::RDS::DBCluster", "AWS::RDS::DBClusterParameterGroup"
CACHE_SUBNETS, CACHE_USER = "AWS::ElastiCache::SubnetGroup", "AWS::ElastiCache::User"
CACHE_GROUP, CACHE = "AWS::ElastiCache::UserGroup", "AWS::ElastiCache::ReplicationGroup"
HTTP_NAMESPACE, DNS_NAMESPACE = "AWS::ServiceDiscovery::HttpNamespace", "AWS::ServiceDiscovery::PrivateDnsNamespace"
DISTRIBUTION = "AWS::CloudFront::Distribution"
ACCESS_CONTROL, EDGE_FUNCTION = "AWS::CloudFront::OriginAccessControl", "AWS::CloudFront::Function"

_NOUNS = {
    VPC: "vpc ID",
    SUBNET: "subnet ID",
    GROUP: "security group",
    TABLE: "routeTable ID",
    GATEWAY: "internetGateway ID",
    NAT: "natGateway ID",
    ADDRESS: "allocation ID",
    ROLE: "role",
    POLICY: "policy",
    CLUSTER: "cluster",
    KUBERNETES: "cluster",
    LINK: "VPC link",
    AUTHORIZER: "authorizer",
    SUBNET_GROUP: "DB subnet group",
    PARAMETER_GROUP: "DB parameter group",
    DB_CLUSTER: "DB cluster",
    CLUSTER_PARAMETERS: "DB cluster parameter group",
    ACCESS_CONTROL: "origin access control",
    EDGE_FUNCTION: "CloudFront function",
    CACHE_SUBNETS: "cache subnet group",
    CACHE_USER: "user",
    CACHE_GROUP: "user group",
    HTTP_NAMESPACE: "namespace",
    DNS_NAMESPACE: "namespace",
}
_DELETE_CODES = {
    ACCESS_CONTROL: "OriginAccessControlInUse",
    EDGE_FUNCTION: "FunctionInUse",
    ROLE: "DeleteConflict",
    POLICY: "DeleteConflict",
    KUBERNETES: "ResourceInUseException",
    CLUSTER: "ClusterContainsServicesException",
    SUBNET_GROUP: "InvalidDBSubnetGroupStateFault",
    PARAMETER_GROUP: "InvalidDBParameterGroupState",
    CACHE_SUBNETS: "CacheSubnetGroupInUse",
    CACHE_GROUP: "InvalidUserGroupState",
    HTTP_NAMESPACE: "ResourceInUse",
    DNS_NAMESPACE: "ResourceInUse",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """A property that names a resource."""

    holder: str
    """The type whose property it is."""
    path: str
    """With dots, `*` for every list item."""
    targets: tuple[str, ...]
    holds: bool = True
    """Whether the target can't be deleted meanwhile."""
    prefix: str = ""
    """Only values that begin so are looked up; others are of a kind this cloud does not know (a VPN gateway)."""


def _vpc_parts(holder: str, subnets: str, groups: str) -> tuple[Rule, ...]:
    return (
        Rule(holder, subnets, (SUBNET,), prefix="subnet-"),
        Rule(holder, groups, (GROUP,), prefix="sg-"),
    )


_OWN_ROLES = f"arn:aws:iam::{ACCOUNT}:role/"
RULES: tuple[Rule, ...] = (
    Rule(SUBNET, "VpcId", (VPC,)),
    Rule(TABLE, "VpcId", (VPC,)),
    Rule(GROUP, "VpcId", (VPC,)),
    Rule(GROUP, "SecurityGroupIngress.*.SourceSecurityGroupId", (GROUP,)),
    Rule(GROUP, "SecurityGroupEgress.*.DestinationSecurityGroupId", (GROUP,)),
    Rule("AWS::EC2::SecurityGroupIngress", "GroupId", (GROUP,), holds=False),
    Rule("AWS::EC2::SecurityGroupIngress", "SourceSecurityGroupId", (GROUP,)),
    Rule("AWS::EC2::SecurityGroupEgress", "GroupId", (GROUP,), holds=False),
    Rule("AWS::EC2::SecurityGroupEgress", "DestinationSecurityGroupId", (GROUP,)),
    Rule("AWS::EC2::VPCGatewayAttachment", "VpcId", (VPC,)),
    Rule("AWS::EC2::VPCGatewayAttachment", "InternetGatewayId", (GATEWAY,)),
    Rule(NAT, "SubnetId", (SUBNET,)),
    Rule(NAT, "AllocationId", (ADDRESS,)),
    Rule("AWS::EC2::Route", "RouteTableId", (TABLE,), holds=False),
    Rule("AWS::EC2::Route", "GatewayId", (GATEWAY,), holds=False, prefix="igw-"),
    Rule("AWS::EC2::Route", "NatGatewayId", (NAT,), holds=False),
    Rule("AWS::EC2::SubnetRouteTableAssociation", "RouteTableId", (TABLE,)),
    Rule("AWS::EC2::SubnetRouteTableAssociation", "SubnetId", (SUBNET,), holds=False),
    *_vpc_parts("AWS::ElasticLoadBalancingV2::LoadBalancer", "Subnets.*", "SecurityGroups.*"),
    Rule("AWS::ElasticLoadBalancingV2::TargetGroup", "VpcId", (VPC,), holds=False),
    Rule("AWS::EC2::VPCEndpoint", "VpcId", (VPC,)),
    Rule("AWS::EC2::VPCEndpoint", "RouteTableIds.*", (TABLE,), holds=False),
    *_vpc_parts("AWS::EC2::VPCEndpoint", "SubnetIds.*", "SecurityGroupIds.*"),
    *_vpc_parts(LINK, "SubnetIds.*", "SecurityGroupIds.*"),
    *_vpc_parts("AWS::Lambda::Function", "VpcConfig.SubnetIds.*", "VpcConfig.SecurityGroupIds.*"),
    *_vpc_parts(
        "AWS::ECS::Service",
        "NetworkConfiguration.AwsvpcConfiguration.Subnets.*",
        "NetworkConfiguration.AwsvpcConfiguration.SecurityGroups.*",
    ),
    *_vpc_parts(KUBERNETES, "ResourcesVpcConfig.SubnetIds.*", "ResourcesVpcConfig.SecurityGroupIds.*"),
    Rule(KUBERNETES, "RoleArn", (ROLE,), holds=False, prefix=_OWN_ROLES),
    Rule("AWS::EKS::AccessEntry", "ClusterName", (KUBERNETES,), holds=False),
    Rule("AWS::EKS::AccessEntry", "PrincipalArn", (ROLE,), holds=False, prefix=_OWN_ROLES),
    Rule("AWS::EKS::Addon", "ClusterName", (KUBERNETES,), holds=False),
    Rule("AWS::EKS::PodIdentityAssociation", "ClusterName", (KUBERNETES,), holds=False),
    Rule("AWS::EKS::PodIdentityAssociation", "RoleArn", (ROLE,), holds=False, prefix=_OWN_ROLES),
    Rule("AWS::ECS::Service", "Cluster", (CLUSTER,)),
    Rule("AWS::ECS::ClusterCapacityProviderAssociations", "Cluster", (CLUSTER,), holds=False),
    Rule("AWS::Lambda::Function", "Role", (ROLE,), holds=False, prefix=_OWN_ROLES),
    Rule("AWS::Scheduler::Schedule", "Target.RoleArn", (ROLE,), holds=False, prefix=_OWN_ROLES),
    Rule("AWS::Events::Rule", "Targets.*.RoleArn", (ROLE,), holds=False, prefix=_OWN_ROLES),
    Rule("AWS::ECS::TaskDefinition", "TaskRoleArn", (ROLE,), holds=False, prefix=_OWN_ROLES),
    Rule("AWS::ECS::TaskDefinition", "ExecutionRoleArn", (ROLE,), holds=False, prefix=_OWN_ROLES),
    Rule(SUBNET_GROUP, "SubnetIds.*", (SUBNET,), holds=False),
    Rule("AWS::RDS::DBInstance", "DBSubnetGroupName", (SUBNET_GROUP,)),
    Rule("AWS::RDS::DBInstance", "DBParameterGroupName", (PARAMETER_GROUP,)),
    Rule("AWS::RDS::DBInstance", "VPCSecurityGroups.*", (GROUP,), prefix="sg-"),
    Rule("AWS::RDS::DBInstance", "DBClusterIdentifier", (DB_CLUSTER,)),
    Rule(DB_CLUSTER, "DBSubnetGroupName", (SUBNET_GROUP,)),
    Rule(DB_CLUSTER, "DBClusterParameterGroupName", (CLUSTER_PARAMETERS,)),
    Rule(DB_CLUSTER, "VpcSecurityGroupIds.*", (GROUP,), prefix="sg-"),
    Rule(CACHE_SUBNETS, "SubnetIds.*", (SUBNET,), holds=False),
    Rule(CACHE_GROUP, "UserIds.*", (CACHE_USER,), holds=False),
    Rule(CACHE, "UserGroupIds.*", (CACHE_GROUP,)),
    Rule(CACHE, "CacheSubnetGroupName", (CACHE_SUBNETS,)),
    Rule(CACHE, "SecurityGroupIds.*", (GROUP,), prefix="sg-"),
    Rule(ROLE, "ManagedPolicyArns.*", (POLICY,), prefix=f"arn:aws:iam::{ACCOUNT}:policy/"),
    Rule("AWS::IAM::RolePolicy", "RoleName", (ROLE,)),
    Rule(POLICY, "Roles.*", (ROLE,)),
    Rule("AWS::ApiGatewayV2::Integration", "ConnectionId", (LINK,)),
    Rule(DISTRIBUTION, "DistributionConfig.Origins.*.OriginAccessControlId", (ACCESS_CONTROL,)),
    Rule(DISTRIBUTION, "DistributionConfig.DefaultCacheBehavior.FunctionAssociations.*.FunctionARN", (EDGE_FUNCTION,)),
    Rule("AWS::ApiGatewayV2::Route", "AuthorizerId", (AUTHORIZER,)),
    Rule("AWS::ServiceDiscovery::Service", "NamespaceId", (HTTP_NAMESPACE, DNS_NAMESPACE)),
    Rule("AWS::ServiceDiscovery::PrivateDnsNamespace", "Vpc", (VPC,), holds=False),
)


def check_targets_exist(world: World, type_name: str, properties: Mapping[str, Any]) -> None:
    """HandlerError when a property names a resource that is not there."""
    for rule in RULES:
        if rule.holder != type_name:
            continue
        for value in values_at(properties, rule.path):
            if value.startswith(rule.prefix) and not _exists(world, rule.targets, value):
                raise HandlerError(f"The {_NOUNS[rule.targets[0]]} '{value}' does not exist", "NotFound")


def check_not_held(world: World, record: Record) -> None:
    """HandlerError that names the live resource which still needs this one."""
    names = _names(record)
    for rule in RULES:
        if not rule.holds or record.type_name not in rule.targets:
            continue
        for holder in world.list(rule.holder):
            if holder.identifier == record.identifier and holder.type_name == record.type_name:
                continue
            if names & set(values_at(holder.properties, rule.path)):
                raise HandlerError(
                    f"The {_NOUNS[record.type_name]} '{record.identifier}' has dependencies and cannot be deleted: "
                    f"{holder.type_name} {holder.logical_id} ({holder.identifier}) of stack {holder.stack_name} names "
                    f"it in {rule.path}",
                    _DELETE_CODES.get(record.type_name, "DependencyViolation"),
                )


def values_at(properties: Any, path: str) -> Iterator[str]:
    """The texts found at a path."""
    head, _, rest = path.partition(".")
    found: Any = None
    if head == "*" and isinstance(properties, list):
        for item in properties:
            yield from values_at(item, rest) if rest else ([item] if isinstance(item, str) else [])
        return
    if isinstance(properties, Mapping):
        found = properties.get(head)
    if rest:
        yield from values_at(found, rest)
    elif isinstance(found, str):
        yield found


def _names(record: Record) -> set[str]:
    return {record.identifier, *(value for value in record.attributes.values() if isinstance(value, str))}


def _exists(world: World, targets: tuple[str, ...], value: str) -> bool:
    for target in targets:
        if world.get(target, value) is not None or any(value in _names(record) for record in world.list(target)):
            return True
    # The default security group of a VPC exists without a record of its own.
    return GROUP in targets and any(value == vpc.attributes.get("DefaultSecurityGroup") for vpc in world.list(VPC))
