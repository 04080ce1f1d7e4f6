"""The shared network: a VPC with private subnets in two availability zones, and ways out of it.

Everything here belongs to no construct (`shared:…`) except security groups and their rules, which belong to whoever
needs the path. Sources: VPC user guide (subnet sizing, NAT gateways, gateway and interface endpoints).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_network
from itertools import islice
from typing import NamedTuple

from klotho.application import Construct
from klotho.resources import (
    AddResource,
    Adopt,
    DependsOn,
    Pseudo,
    Ref,
    ResourceKey,
    Value,
    Zone,
    is_deferred,
    join,
    resource_key,
    shared_key,
)
from klotho.resources.changes import Action

VPC = shared_key("vpc")
PRIVATE_SUBNET_KEYS = (shared_key("private-subnet-a"), shared_key("private-subnet-b"))
PRIVATE_SUBNETS = tuple(Ref(key, "SubnetId") for key in PRIVATE_SUBNET_KEYS)
PUBLIC_SUBNET_KEYS = (shared_key("public-subnet"), shared_key("public-subnet-b"))
PUBLIC_SUBNETS = tuple(Ref(key, "SubnetId") for key in PUBLIC_SUBNET_KEYS)
INTERNET_ROUTE = shared_key("internet-route")
PRIVATE_ROUTES = shared_key("private-routes")
_SECOND_ROUTES = shared_key("private-routes-b")
ENDPOINT_GROUP = shared_key("endpoint-security-group")
GATEWAY_SERVICES = ("dynamodb", "s3")
"""AWS services with a gateway endpoint, which costs nothing; all others need an interface endpoint per zone."""


class NetworkPlan(NamedTuple):
    """What the program says of the network, or the defaults."""

    cidr: str = "10.0.0.0/16"
    egress: str = "auto"
    """`auto`, `nat`, `nat-per-zone` or `endpoints`."""
    adopted: bool = False
    """The VPC is somebody else's, and so are its ways out."""
    subnets: tuple[str, ...] = ()
    """The ids of its two private subnets, when it is adopted."""

    @property
    def nat_wanted(self) -> bool:
        return self.egress in ("nat", "nat-per-zone")

    @property
    def nat_gateways(self) -> int:
        return len(PRIVATE_SUBNET_KEYS) if self.egress == "nat-per-zone" else 1


def cidrs(cidr: str) -> tuple[list[str], list[str]]:
    """Two private and two public subnets of a VPC's range (/16 to /20): a sixteenth each, and a 256th each."""
    vpc = ip_network(cidr)
    private = [str(item) for item in islice(vpc.subnets(prefixlen_diff=4), 2)]
    public = [str(item) for item in islice(vpc.subnets(prefixlen_diff=8), 240, 242)]
    return private, public


def adopted_network(plan: NetworkPlan) -> Iterator[Action]:
    """The private subnets of somebody else's VPC, which `existing=` names."""
    for key, subnet in zip(PRIVATE_SUBNET_KEYS, plan.subnets, strict=True):
        yield Adopt(key, "AWS::EC2::Subnet", subnet, {"SubnetId": subnet})


def private_network(plan: NetworkPlan) -> Iterator[Action]:
    """A VPC and two private subnets with no way out yet: one route table, or one for each zone's own NAT gateway."""
    yield AddResource(
        VPC, "AWS::EC2::VPC", {"CidrBlock": plan.cidr, "EnableDnsHostnames": True, "EnableDnsSupport": True}
    )
    tables = _route_tables(plan)
    for table in tables:
        yield AddResource(table, "AWS::EC2::RouteTable", {"VpcId": Ref(VPC, "VpcId")})
    private, _ = cidrs(plan.cidr)
    for ordinal, (key, cidr) in enumerate(zip(PRIVATE_SUBNET_KEYS, private, strict=True)):
        yield from _subnet(key, cidr, ordinal, tables[ordinal % len(tables)])


def _route_tables(plan: NetworkPlan) -> list[ResourceKey]:
    return [PRIVATE_ROUTES, _SECOND_ROUTES][: plan.nat_gateways]


def _subnet(key: ResourceKey, cidr: str, zone: int, routes: ResourceKey) -> Iterator[Action]:
    yield AddResource(
        key,
        "AWS::EC2::Subnet",
        {
            "VpcId": Ref(VPC, "VpcId"),
            "CidrBlock": cidr,
            "AvailabilityZone": Zone(zone),
            "MapPublicIpOnLaunch": False,
        },
    )
    yield AddResource(
        ResourceKey(f"{key}-routes"),
        "AWS::EC2::SubnetRouteTableAssociation",
        {"SubnetId": Ref(key, "SubnetId"), "RouteTableId": Ref(routes, "RouteTableId")},
    )


def egress_by_nat_gateway(plan: NetworkPlan, services: Iterable[str]) -> Iterator[Action]:
    """One NAT gateway for both zones or one in each, and free gateway endpoints for the services that have one."""
    yield from internet()
    for zone, table in enumerate(_route_tables(plan)):
        yield from _nat_gateway(zone, plan, table)
    for service in services:
        if service in GATEWAY_SERVICES:
            yield from _gateway_endpoint(service, plan)


def internet() -> Iterator[Action]:
    """The VPC's connection with the internet, and the route table of subnets that have it."""
    gateway, routes, attachment = (
        shared_key(name) for name in ("internet-gateway", "public-routes", "internet-attachment")
    )
    yield AddResource(gateway, "AWS::EC2::InternetGateway")
    yield AddResource(
        attachment,
        "AWS::EC2::VPCGatewayAttachment",
        {"VpcId": Ref(VPC, "VpcId"), "InternetGatewayId": Ref(gateway, "InternetGatewayId")},
    )
    yield AddResource(routes, "AWS::EC2::RouteTable", {"VpcId": Ref(VPC, "VpcId")})
    yield AddResource(
        INTERNET_ROUTE,
        "AWS::EC2::Route",
        {
            "RouteTableId": Ref(routes, "RouteTableId"),
            "DestinationCidrBlock": "0.0.0.0/0",
            "GatewayId": Ref(gateway, "InternetGatewayId"),
        },
    )
    yield DependsOn(INTERNET_ROUTE, attachment)


def public_subnets(plan: NetworkPlan) -> Iterator[Action]:
    """One in each zone, for what faces the internet."""
    for zone in range(len(PUBLIC_SUBNET_KEYS)):
        yield from _public_subnet(zone, plan)


def _public_subnet(zone: int, plan: NetworkPlan) -> Iterator[Action]:
    _, public = cidrs(plan.cidr)
    yield from _subnet(PUBLIC_SUBNET_KEYS[zone], public[zone], zone, shared_key("public-routes"))


def _nat_gateway(zone: int, plan: NetworkPlan, table: ResourceKey) -> Iterator[Action]:
    """A NAT gateway in a public subnet of its zone, as the way out of one private route table."""
    suffix = "" if zone == 0 else "-b"
    address, nat = (shared_key(f"{name}{suffix}") for name in ("nat-address", "nat-gateway"))
    yield from _public_subnet(zone, plan)
    yield AddResource(address, "AWS::EC2::EIP", {"Domain": "vpc"})
    yield DependsOn(address, shared_key("internet-attachment"))
    yield AddResource(
        nat,
        "AWS::EC2::NatGateway",
        {"AllocationId": Ref(address, "AllocationId"), "SubnetId": Ref(PUBLIC_SUBNET_KEYS[zone], "SubnetId")},
    )
    yield DependsOn(nat, INTERNET_ROUTE)
    yield AddResource(
        shared_key(f"nat-route{suffix}"),
        "AWS::EC2::Route",
        {
            "RouteTableId": Ref(table, "RouteTableId"),
            "DestinationCidrBlock": "0.0.0.0/0",
            "NatGatewayId": Ref(nat, "NatGatewayId"),
        },
    )


def egress_by_endpoints(plan: NetworkPlan, services: Iterable[str], users: Iterable[ResourceKey]) -> Iterator[Action]:
    """Private paths to exactly these AWS services, and to nothing else on the internet.

    `users` are the security groups that may reach the interface endpoints.
    """
    users = list(users)
    for service in services:
        if service in GATEWAY_SERVICES:
            yield from _gateway_endpoint(service, plan)
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
                endpoint_rule(user),
                "AWS::EC2::SecurityGroupIngress",
                _ingress(Ref(ENDPOINT_GROUP, "GroupId"), Ref(user, "GroupId"), 443, "HTTPS to AWS services"),
            )


def _gateway_endpoint(service: str, plan: NetworkPlan) -> Iterator[Action]:
    yield AddResource(
        shared_key(f"{service}-endpoint"),
        "AWS::EC2::VPCEndpoint",
        {
            "VpcId": Ref(VPC, "VpcId"),
            "ServiceName": join("com.amazonaws.", Pseudo("AWS::Region"), f".{service}"),
            "VpcEndpointType": "Gateway",
            "RouteTableIds": [Ref(table, "RouteTableId") for table in _route_tables(plan)],
        },
    )


def endpoint_rule(group: ResourceKey) -> ResourceKey:
    """The rule that lets a security group reach the interface endpoints."""
    return ResourceKey(f"{group}-to-endpoints")


def security_group_key(construct: Construct) -> ResourceKey:
    return resource_key(construct.id, f"{construct.kind.rpartition('.')[2].lower()}-security-group")


def security_group(construct: Construct) -> Iterator[Action]:
    """Nobody may come in until a path says so; rules are separate resources, owned by who needs them."""
    yield AddResource(
        security_group_key(construct),
        "AWS::EC2::SecurityGroup",
        {"GroupDescription": f"{construct.kind} {construct.name}", "VpcId": Ref(VPC, "VpcId")},
    )


def shared_ingress(group: ResourceKey, owner: str, target: Construct, port: Value) -> Iterator[Action]:
    """A security group that several constructs share may reach the target's on this TCP port: one rule for all of
    them, which lives with `owner`."""
    number, whose = "port" if is_deferred(port) else port, group.rpartition(":")[2]
    yield from ingress_between(
        resource_key(owner, f"{whose}-reaches-{target.kind.rpartition('.')[2].lower()}-{target.name}-{number}"),
        group,
        security_group_key(target),
        port,
        f"{whose} to {target.name}",
    )


def ingress_from(actor: Construct, target: Construct, port: Value) -> Iterator[Action]:
    """The actor's security group may reach the target's on this TCP port; the rule lives with the actor."""
    number = "port" if is_deferred(port) else port
    role = f"reaches-{target.kind.rpartition('.')[2].lower()}-{target.name}-{number}"
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


def ingress_from_group(owner: str, role: str, source: Ref, target: Construct, port: Value) -> Iterator[Action]:
    """A shared security group (such as the VPC link's) may reach the target on this TCP port."""
    yield AddResource(
        resource_key(owner, role),
        "AWS::EC2::SecurityGroupIngress",
        _ingress(Ref(security_group_key(target), "GroupId"), source, port, f"API to {target.name}"),
    )


def ingress_between(
    rule: ResourceKey, source: ResourceKey, target: ResourceKey, port: Value, about: str
) -> Iterator[Action]:
    """One security group may reach another one on this TCP port."""
    yield AddResource(
        rule, "AWS::EC2::SecurityGroupIngress", _ingress(Ref(target, "GroupId"), Ref(source, "GroupId"), port, about)
    )


def ingress_from_internet(owner: Construct, port: int) -> Iterator[Action]:
    """Everybody may reach the construct on this TCP port."""
    yield AddResource(
        resource_key(owner.id, f"reached-by-everybody-{port}"),
        "AWS::EC2::SecurityGroupIngress",
        {
            "GroupId": Ref(security_group_key(owner), "GroupId"),
            "CidrIp": "0.0.0.0/0",
            "IpProtocol": "tcp",
            "FromPort": port,
            "ToPort": port,
            "Description": f"everybody to {owner.name}",
        },
    )


def _ingress(group: Ref, source: Ref, port: Value, about: str) -> dict[str, object]:
    return {
        "GroupId": group,
        "SourceSecurityGroupId": source,
        "IpProtocol": "tcp",
        "FromPort": port,
        "ToPort": port,
        "Description": about,
    }
