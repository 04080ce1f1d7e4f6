"""The shared network: a VPC with private subnets in two availability zones, and ways out of it.

Everything here belongs to no construct (`shared:…`) except security groups and their rules, which belong to whoever
needs the path. Sources: VPC user guide (subnet sizing, NAT gateways, gateway and interface endpoints).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from klotho.application import Construct
from klotho.resources import (
    AddResource,
    DependsOn,
    Pseudo,
    Ref,
    ResourceKey,
    Zone,
    join,
    resource_key,
    shared_key,
)
from klotho.resources.changes import Action

VPC_CIDR = "10.0.0.0/16"
VPC = shared_key("vpc")
PRIVATE_SUBNET_KEYS = (shared_key("private-subnet-a"), shared_key("private-subnet-b"))
PRIVATE_SUBNETS = tuple(Ref(key, "SubnetId") for key in PRIVATE_SUBNET_KEYS)
PRIVATE_ROUTES = shared_key("private-routes")
ENDPOINT_GROUP = shared_key("endpoint-security-group")
GATEWAY_SERVICES = ("dynamodb", "s3")
"""AWS services with a gateway endpoint, which costs nothing; all others need an interface endpoint per zone."""

_PRIVATE_CIDRS = ("10.0.0.0/20", "10.0.16.0/20")
_PUBLIC_CIDR = "10.0.240.0/24"


def private_network() -> Iterator[Action]:
    """A VPC and two private subnets with one route table, which holds no way out yet."""
    yield AddResource(
        VPC, "AWS::EC2::VPC", {"CidrBlock": VPC_CIDR, "EnableDnsHostnames": True, "EnableDnsSupport": True}
    )
    yield AddResource(PRIVATE_ROUTES, "AWS::EC2::RouteTable", {"VpcId": Ref(VPC, "VpcId")})
    for ordinal, (key, cidr) in enumerate(zip(PRIVATE_SUBNET_KEYS, _PRIVATE_CIDRS, strict=True)):
        yield AddResource(
            key,
            "AWS::EC2::Subnet",
            {
                "VpcId": Ref(VPC, "VpcId"),
                "CidrBlock": cidr,
                "AvailabilityZone": Zone(ordinal),
                "MapPublicIpOnLaunch": False,
            },
        )
        yield AddResource(
            ResourceKey(f"{key}-routes"),
            "AWS::EC2::SubnetRouteTableAssociation",
            {"SubnetId": Ref(key, "SubnetId"), "RouteTableId": Ref(PRIVATE_ROUTES, "RouteTableId")},
        )


def egress_by_nat_gateway(services: Iterable[str]) -> Iterator[Action]:
    """One NAT gateway for both zones, and free gateway endpoints for the services that have one."""
    internet, public, routes = shared_key("internet-gateway"), shared_key("public-subnet"), shared_key("public-routes")
    attachment, address, nat = shared_key("internet-attachment"), shared_key("nat-address"), shared_key("nat-gateway")
    yield AddResource(internet, "AWS::EC2::InternetGateway")
    yield AddResource(
        attachment,
        "AWS::EC2::VPCGatewayAttachment",
        {"VpcId": Ref(VPC, "VpcId"), "InternetGatewayId": Ref(internet, "InternetGatewayId")},
    )
    yield AddResource(
        public,
        "AWS::EC2::Subnet",
        {
            "VpcId": Ref(VPC, "VpcId"),
            "CidrBlock": _PUBLIC_CIDR,
            "AvailabilityZone": Zone(0),
            "MapPublicIpOnLaunch": False,
        },
    )
    yield AddResource(routes, "AWS::EC2::RouteTable", {"VpcId": Ref(VPC, "VpcId")})
    yield AddResource(
        shared_key("public-subnet-routes"),
        "AWS::EC2::SubnetRouteTableAssociation",
        {"SubnetId": Ref(public, "SubnetId"), "RouteTableId": Ref(routes, "RouteTableId")},
    )
    yield AddResource(
        shared_key("internet-route"),
        "AWS::EC2::Route",
        {
            "RouteTableId": Ref(routes, "RouteTableId"),
            "DestinationCidrBlock": "0.0.0.0/0",
            "GatewayId": Ref(internet, "InternetGatewayId"),
        },
    )
    yield DependsOn(shared_key("internet-route"), attachment)
    yield AddResource(address, "AWS::EC2::EIP", {"Domain": "vpc"})
    yield DependsOn(address, attachment)
    yield AddResource(
        nat,
        "AWS::EC2::NatGateway",
        {"AllocationId": Ref(address, "AllocationId"), "SubnetId": Ref(public, "SubnetId")},
    )
    yield DependsOn(nat, shared_key("internet-route"))
    yield AddResource(
        shared_key("nat-route"),
        "AWS::EC2::Route",
        {
            "RouteTableId": Ref(PRIVATE_ROUTES, "RouteTableId"),
            "DestinationCidrBlock": "0.0.0.0/0",
            "NatGatewayId": Ref(nat, "NatGatewayId"),
        },
    )
    for service in services:
        if service in GATEWAY_SERVICES:
            yield from _gateway_endpoint(service)


def egress_by_endpoints(services: Iterable[str], users: Iterable[ResourceKey]) -> Iterator[Action]:
    """Private paths to exactly these AWS services, and to nothing else on the internet.

    `users` are the security groups that may reach the interface endpoints.
    """
    users = list(users)
    for service in services:
        if service in GATEWAY_SERVICES:
            yield from _gateway_endpoint(service)
            continue
        yield AddResource(
            ENDPOINT_GROUP,
            "AWS::EC2::SecurityGroup",
            {"GroupDescription": "Interface endpoints of AWS services", "VpcId": Ref(VPC, "VpcId")},
        )
        yield AddResource(
            shared_key(f"{service.replace('.', '-')}-endpoint"),
            "AWS::EC2::VPCEndpoint",
            {
                "VpcId": Ref(VPC, "VpcId"),
                "ServiceName": join("com.amazonaws.", Pseudo("AWS::Region"), f".{service}"),
                "VpcEndpointType": "Interface",
                "PrivateDnsEnabled": True,
                "SubnetIds": list(PRIVATE_SUBNETS),
                "SecurityGroupIds": [Ref(ENDPOINT_GROUP, "GroupId")],
            },
        )
    if any(service not in GATEWAY_SERVICES for service in services):
        for user in users:
            yield AddResource(
                ResourceKey(f"{user}-to-endpoints"),
                "AWS::EC2::SecurityGroupIngress",
                _ingress(Ref(ENDPOINT_GROUP, "GroupId"), Ref(user, "GroupId"), 443, "HTTPS to AWS services"),
            )


def _gateway_endpoint(service: str) -> Iterator[Action]:
    yield AddResource(
        shared_key(f"{service}-endpoint"),
        "AWS::EC2::VPCEndpoint",
        {
            "VpcId": Ref(VPC, "VpcId"),
            "ServiceName": join("com.amazonaws.", Pseudo("AWS::Region"), f".{service}"),
            "VpcEndpointType": "Gateway",
            "RouteTableIds": [Ref(PRIVATE_ROUTES, "RouteTableId")],
        },
    )


def security_group_key(construct: Construct) -> ResourceKey:
    return resource_key(construct.id, f"{construct.kind.rpartition('.')[2].lower()}-security-group")


def security_group(construct: Construct) -> Iterator[Action]:
    """Nobody may come in until a path says so; rules are separate resources, owned by who needs them."""
    yield AddResource(
        security_group_key(construct),
        "AWS::EC2::SecurityGroup",
        {"GroupDescription": f"{construct.kind} {construct.name}", "VpcId": Ref(VPC, "VpcId")},
    )


def ingress_from(actor: Construct, target: Construct, port: int) -> Iterator[Action]:
    """The actor's security group may reach the target's on this TCP port; the rule lives with the actor."""
    role = f"reaches-{target.kind.rpartition('.')[2].lower()}-{target.name}-{port}"
    yield AddResource(
        resource_key(actor.id, role),
        "AWS::EC2::SecurityGroupIngress",
        _ingress(
            Ref(security_group_key(target), "GroupId"),
            Ref(security_group_key(actor), "GroupId"),
            port,
            f"{actor.name} to {target.name}",
        ),
    )


def ingress_from_group(owner: str, role: str, source: Ref, target: Construct, port: int) -> Iterator[Action]:
    """A shared security group (such as the VPC link's) may reach the target on this TCP port."""
    yield AddResource(
        resource_key(owner, role),
        "AWS::EC2::SecurityGroupIngress",
        _ingress(Ref(security_group_key(target), "GroupId"), source, port, f"API to {target.name}"),
    )


def _ingress(group: Ref, source: Ref, port: int, about: str) -> dict[str, object]:
    return {
        "GroupId": group,
        "SourceSecurityGroupId": source,
        "IpProtocol": "tcp",
        "FromPort": port,
        "ToPort": port,
        "Description": about,
    }
