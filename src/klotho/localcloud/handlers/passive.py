"""The passive resource types of the local cloud: how AWS names each, and what `Fn::GetAtt` gives.

Facts, as data: one `Passive` a type. Physical ids follow the "Return values" of each type in the CloudFormation
template reference, ARNs the Service Authorization Reference. Which properties are create-only, required or read-only
is not said here: that comes from the schemas. `docs/handlers.md` shows how to add a type.
"""

from __future__ import annotations

from collections.abc import Callable

from klotho.localcloud.handlers.generic import Made, Maker, Passive
from klotho.localcloud.identity import arn, digest, ec2_id, physical_name, uuid_of


def _ec2(prefix: str) -> Callable[[Made], str]:
    return lambda made: ec2_id(prefix, made.token)


def _other_ec2(prefix: str) -> Maker:
    """An id of something that comes with the resource: another salt, so that ids do not share their digits."""
    return lambda made: ec2_id(prefix, f"{made.token}/{prefix}")


def _named(prop: str, limit: int, lower: bool = False) -> Callable[[Made], str]:
    """The name in the template, else one made up as CloudFormation does."""

    def name(made: Made) -> str:
        request = made.request
        given = made.text(prop)
        if given:
            return given.lower() if lower else given
        return physical_name(request.stack_name, request.logical_id, request.token, limit, lower)

    return name


def _arn(service: str, resource: str, regional: bool = True) -> Maker:
    """An ARN whose resource part names the identifier as `{}`."""
    return lambda made: arn(service, resource.format(made.identifier), made.region if regional else "", made.account)


def _repository_uri(made: Made) -> str:
    return f"{made.account}.dkr.ecr.{made.region}.amazonaws.com/{made.identifier}"


def _itself(made: Made) -> str:
    return made.identifier


def _unique_id(prefix: str) -> Maker:
    """An IAM unique id: a prefix that says the kind and 17 capital letters and digits."""
    return lambda made: f"{prefix}{digest(made.token, 17, prefix).upper()}"


def _public_ip(made: Made) -> str:
    """From 198.18.0.0/15, the range for tests (RFC 2544): never a real host's address."""
    number = int(digest(made.token, 8, "ip"), 16) % 2**17
    return f"198.{18 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"


def _destination(made: Made) -> str:
    names = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
    return next((made.text(name) for name in names if made.text(name)), "")


def _role_arn(made: Made) -> str:
    return arn("iam", f"role{made.text('Path', '/')}{made.identifier}", "", made.account)


def _policy_arn(made: Made) -> str:
    name = _named("ManagedPolicyName", 128)(made)
    return arn("iam", f"policy{made.text('Path', '/')}{name}", "", made.account)


def _attachment(made: Made) -> str:
    return f"{'IGW' if made.text('InternetGatewayId') else 'VGW'}|{made.text('VpcId')}"


def _permission_id(made: Made) -> str:
    request = made.request
    return physical_name(request.stack_name, request.logical_id, request.token, 100)


def _network_interfaces(made: Made) -> list[str]:
    subnets = made.request.properties.get("SubnetIds", [])
    return [ec2_id("eni", f"{made.token}/{subnet}") for subnet in subnets]


def _endpoint_names(made: Made) -> list[str]:
    service = made.text("ServiceName").rsplit(".", 1)[-1]
    host = f"{made.identifier}-{digest(made.token, 8, 'dns')}.{service}.{made.region}.vpce.amazonaws.com"
    return [f"Z{digest(made.token, 13, 'zone').upper()}:{host}"]


def _cidr_associations(made: Made) -> list[str]:
    return [ec2_id("vpc-cidr-assoc", made.token)]


def _scaled(made: Made) -> str:
    return "|".join(made.text(name) for name in ("ResourceId", "ScalableDimension", "ServiceNamespace"))


def _scaling_policy(made: Made) -> str:
    target = made.text("ScalingTargetId")
    resource, _, rest = target.partition("|") if target else (made.text("ResourceId"), "", "")
    namespace = rest.rpartition("|")[2] if target else made.text("ServiceNamespace")
    policy = f"scalingPolicy:{uuid_of(made.token)}:resource/{namespace}/{resource}:policyName/{made.text('PolicyName')}"
    return arn("autoscaling", policy, made.region, made.account)


def _eks(made: Made, kind: str) -> str:
    """An ARN of something in a cluster."""
    if kind == "podidentityassociation":
        return arn("eks", f"{kind}/{made.text('ClusterName')}/a-{digest(made.token, 17, 'pod-identity')}", made.region)
    kind, _, name = kind.partition("/")
    return arn("eks", f"{kind}/{made.text('ClusterName')}/{name or made.token[:8]}/{uuid_of(made.token)}", made.region)


_GATEWAY_TARGETS = frozenset({"GatewayId", "NatGatewayId", "EgressOnlyInternetGatewayId", "VpcPeeringConnectionId"})
_RULE = frozenset({"GroupId", "IpProtocol", "FromPort", "ToPort", "CidrIp", "CidrIpv6", "Description"})

_NETWORK = (
    Passive(
        "AWS::EC2::VPC",
        _ec2("vpc"),
        frozenset(
            {
                "CidrBlock",
                "EnableDnsHostnames",
                "EnableDnsSupport",
                "InstanceTenancy",
                "Tags",
                # Nothing leaves this machine, so there is nothing to encrypt.
                "VpcEncryptionControl.InternetGatewayExclusion",
                "VpcEncryptionControl.LambdaExclusion",
                "VpcEncryptionControl.Mode",
                "VpcEncryptionControl.NatGatewayExclusion",
            }
        ),
        {
            "VpcId": _itself,
            "CidrBlock": lambda made: made.text("CidrBlock"),
            "CidrBlockAssociations": _cidr_associations,
            "DefaultNetworkAcl": _other_ec2("acl"),
            "DefaultSecurityGroup": _other_ec2("sg"),
            "Ipv6CidrBlocks": lambda made: [],
        },
    ),
    Passive(
        "AWS::EC2::Subnet",
        _ec2("subnet"),
        frozenset({"AvailabilityZone", "CidrBlock", "MapPublicIpOnLaunch", "Tags", "VpcId"}),
        {
            "SubnetId": _itself,
            "AvailabilityZone": lambda made: made.text("AvailabilityZone", f"{made.region}a"),
            "CidrBlock": lambda made: made.text("CidrBlock"),
            "VpcId": lambda made: made.text("VpcId"),
            "NetworkAclAssociationId": _other_ec2("aclassoc"),
            "Ipv6CidrBlocks": lambda made: [],
        },
    ),
    Passive("AWS::EC2::InternetGateway", _ec2("igw"), frozenset({"Tags"}), {"InternetGatewayId": _itself}),
    Passive(
        "AWS::EC2::VPCGatewayAttachment",
        _attachment,
        frozenset({"InternetGatewayId", "VpcId"}),
        {"AttachmentType": lambda made: made.identifier.split("|")[0]},
    ),
    Passive("AWS::EC2::RouteTable", _ec2("rtb"), frozenset({"Tags", "VpcId"}), {"RouteTableId": _itself}),
    Passive(
        "AWS::EC2::Route",
        lambda made: f"{made.text('RouteTableId')}|{_destination(made)}",
        frozenset({"RouteTableId", "DestinationCidrBlock", "DestinationIpv6CidrBlock"}) | _GATEWAY_TARGETS,
        {"CidrBlock": _destination},
    ),
    Passive(
        "AWS::EC2::SubnetRouteTableAssociation",
        _ec2("rtbassoc"),
        frozenset({"RouteTableId", "SubnetId"}),
        {"Id": _itself},
    ),
    Passive(
        "AWS::EC2::EIP",
        _public_ip,
        frozenset({"Domain", "Tags"}),
        {"PublicIp": _itself, "AllocationId": _other_ec2("eipalloc")},
    ),
    Passive(
        "AWS::EC2::NatGateway",
        _ec2("nat"),
        frozenset({"AllocationId", "ConnectivityType", "SubnetId", "Tags"}),
        {"NatGatewayId": _itself, "EniId": _other_ec2("eni")},
    ),
    Passive(
        "AWS::EC2::SecurityGroup",
        _ec2("sg"),
        frozenset({"GroupDescription", "GroupName", "SecurityGroupEgress", "SecurityGroupIngress", "Tags", "VpcId"}),
        {"GroupId": _itself, "Id": _itself, "VpcId": lambda made: made.text("VpcId")},
    ),
    Passive(
        "AWS::EC2::SecurityGroupIngress",
        _ec2("sgr"),
        _RULE | {"SourceSecurityGroupId", "SourcePrefixListId"},
        {"Id": _itself},
    ),
    Passive(
        "AWS::EC2::SecurityGroupEgress",
        _ec2("sgr"),
        _RULE | {"DestinationSecurityGroupId", "DestinationPrefixListId"},
        {"Id": _itself},
    ),
    Passive(
        "AWS::EC2::VPCEndpoint",
        _ec2("vpce"),
        frozenset(
            {
                "PolicyDocument",
                "PrivateDnsEnabled",
                "RouteTableIds",
                "SecurityGroupIds",
                "ServiceName",
                "SubnetIds",
                "Tags",
                "VpcEndpointType",
                "VpcId",
            }
        ),
        {"Id": _itself, "DnsEntries": _endpoint_names, "NetworkInterfaceIds": _network_interfaces},
    ),
    Passive(
        "AWS::ApiGatewayV2::VpcLink",
        lambda made: digest(made.token, 10),
        frozenset({"Name", "SecurityGroupIds", "SubnetIds", "Tags"}),
        {"VpcLinkId": _itself},
    ),
)

_IDENTITY = (
    Passive(
        "AWS::IAM::Role",
        _named("RoleName", 64),
        frozenset(
            {
                "AssumeRolePolicyDocument",
                "Description",
                "ManagedPolicyArns",
                "MaxSessionDuration",
                "Path",
                "PermissionsBoundary",
                "Policies",
                "RoleName",
                "Tags",
            }
        ),
        {"Arn": _role_arn, "RoleId": _unique_id("AROA")},
    ),
    Passive(
        "AWS::IAM::RolePolicy",
        lambda made: f"{made.text('PolicyName')}|{made.text('RoleName')}",
        frozenset({"PolicyDocument", "PolicyName", "RoleName"}),
    ),
    Passive(
        # Where images of deployments to AWS lie; nothing runs from it here, where images are folders.
        "AWS::ECR::Repository",
        _named("RepositoryName", 256, lower=True),
        frozenset(
            {
                "EmptyOnDelete",
                "ImageScanningConfiguration",
                "ImageTagMutability",
                "LifecyclePolicy",
                "RepositoryName",
                "RepositoryPolicyText",
                "Tags",
            }
        ),
        {"Arn": _arn("ecr", "repository/{}"), "RepositoryUri": _repository_uri},
    ),
    Passive(
        "AWS::IAM::OIDCProvider",
        lambda made: arn("iam", f"oidc-provider/{made.text('Url').removeprefix('https://')}", "", made.account),
        frozenset({"ClientIdList", "Tags", "ThumbprintList", "Url"}),
        {"Arn": _itself},
    ),
    Passive(
        "AWS::IAM::ManagedPolicy",
        _policy_arn,
        frozenset({"Description", "ManagedPolicyName", "Path", "PolicyDocument", "Roles"}),
        {"PolicyArn": _itself, "PolicyId": _unique_id("ANPA")},
    ),
    Passive(
        "AWS::Lambda::Permission",
        lambda made: f"{made.text('FunctionName')}|{_permission_id(made)}",
        frozenset(
            {
                "Action",
                "FunctionName",
                "FunctionUrlAuthType",
                "InvokedViaFunctionUrl",
                "Principal",
                "SourceAccount",
                "SourceArn",
            }
        ),
        {"Id": _permission_id},
    ),
)

_REST = (
    # Recorded: the local cloud runs as many tasks as DesiredCount says.
    Passive(
        "AWS::ApplicationAutoScaling::ScalableTarget",
        _scaled,
        frozenset({"MaxCapacity", "MinCapacity", "ResourceId", "ScalableDimension", "ServiceNamespace", "Tags"}),
        {"Id": _itself},
    ),
    Passive(
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        _scaling_policy,
        frozenset(
            {
                "PolicyName",
                "PolicyType",
                "ResourceId",
                "ScalableDimension",
                "ScalingTargetId",
                "ServiceNamespace",
                "TargetTrackingScalingPolicyConfiguration",
            }
        ),
        {"Arn": _itself},
    ),
    Passive(
        "AWS::CloudWatch::Alarm",
        _named("AlarmName", 255),
        frozenset(
            {
                "AlarmActions",
                "AlarmDescription",
                "AlarmName",
                "ComparisonOperator",
                "DatapointsToAlarm",
                "Dimensions",
                "EvaluationPeriods",
                "ExtendedStatistic",
                "MetricName",
                "Metrics",
                "Namespace",
                "OKActions",
                "Period",
                "Statistic",
                "Tags",
                "Threshold",
                "TreatMissingData",
            }
        ),
        {"Arn": _arn("cloudwatch", "alarm:{}")},
    ),
    Passive(
        "AWS::Route53::RecordSet",
        # AWS's physical id is the name alone, which the A and the AAAA record of one host would share here.
        lambda made: "|".join(made.text(name) for name in ("Name", "HostedZoneId", "Type")),
        frozenset({"AliasTarget", "Comment", "HostedZoneId", "Name", "ResourceRecords", "TTL", "Type"}),
    ),
    Passive(
        "AWS::ECS::Cluster",
        _named("ClusterName", 255),
        frozenset(
            {
                "CapacityProviders",
                "ClusterName",
                "ClusterSettings",
                "DefaultCapacityProviderStrategy",
                "ServiceConnectDefaults",
                "Tags",
            }
        ),
        {"Arn": _arn("ecs", "cluster/{}")},
    ),
    Passive(
        "AWS::ECS::ClusterCapacityProviderAssociations",
        lambda made: made.text("Cluster"),
        frozenset({"CapacityProviders", "Cluster", "DefaultCapacityProviderStrategy"}),
    ),
    Passive(
        "AWS::EKS::AccessEntry",
        lambda made: f"{made.text('PrincipalArn')}|{made.text('ClusterName')}",
        frozenset({"AccessPolicies", "ClusterName", "KubernetesGroups", "PrincipalArn", "Tags", "Type", "Username"}),
        {"AccessEntryArn": lambda made: _eks(made, "access-entry")},
    ),
    Passive(
        "AWS::EKS::Addon",
        lambda made: f"{made.text('ClusterName')}|{made.text('AddonName')}",
        frozenset(
            {
                "AddonName",
                "AddonVersion",
                "ClusterName",
                "ConfigurationValues",
                "PodIdentityAssociations",
                "ResolveConflicts",
                "Tags",
            }
        ),
        {"Arn": lambda made: _eks(made, f"addon/{made.text('AddonName')}")},
    ),
    Passive(
        "AWS::EKS::PodIdentityAssociation",
        lambda made: _eks(made, "podidentityassociation"),
        frozenset({"ClusterName", "Namespace", "RoleArn", "ServiceAccount", "Tags"}),
        {
            "AssociationArn": _itself,
            "AssociationId": lambda made: f"a-{digest(made.token, 17, 'pod-identity')}",
        },
    ),
    Passive(
        "AWS::Logs::LogGroup",
        _named("LogGroupName", 512),
        frozenset({"KmsKeyId", "LogGroupClass", "LogGroupName", "RetentionInDays", "Tags"}),
        {"Arn": _arn("logs", "log-group:{}:*")},
    ),
    Passive(
        "AWS::ElastiCache::SubnetGroup",
        _named("CacheSubnetGroupName", 255, lower=True),
        frozenset({"CacheSubnetGroupName", "Description", "SubnetIds", "Tags"}),
    ),
    Passive(
        "AWS::RDS::DBSubnetGroup",
        _named("DBSubnetGroupName", 255, lower=True),
        frozenset({"DBSubnetGroupDescription", "DBSubnetGroupName", "SubnetIds", "Tags"}),
        {"DBSubnetGroupArn": _arn("rds", "subgrp:{}")},
    ),
    Passive(
        "AWS::RDS::DBClusterParameterGroup",
        _named("DBClusterParameterGroupName", 255, lower=True),
        frozenset({"DBClusterParameterGroupName", "Description", "Family", "Parameters", "Tags"}),
    ),
    Passive(
        "AWS::RDS::DBParameterGroup",
        _named("DBParameterGroupName", 255, lower=True),
        frozenset({"DBParameterGroupName", "Description", "Family", "Parameters", "Tags"}),
        {"DBParameterGroupArn": _arn("rds", "pg:{}")},
    ),
)

PASSIVE: tuple[Passive, ...] = (*_NETWORK, *_IDENTITY, *_REST)
