"""Samples of the passive network types."""

from __future__ import annotations

from typing import Any

from ..sample import REMOVED, Sample


def ref(name: str) -> dict[str, Any]:
    return {"Ref": name}


def vpc(cidr: str) -> dict[str, Any]:
    return {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": cidr}}


def subnet(vpc_name: str, cidr: str) -> dict[str, Any]:
    return {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": ref(vpc_name), "CidrBlock": cidr}}


def group(vpc_name: str) -> dict[str, Any]:
    return {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "d", "VpcId": ref(vpc_name)}}


def table(vpc_name: str) -> dict[str, Any]:
    return {"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": ref(vpc_name)}}


def tags(value: str) -> list[dict[str, str]]:
    return [{"Key": "team", "Value": value}]


GATEWAY = {"Type": "AWS::EC2::InternetGateway"}
ADDRESS = {"Type": "AWS::EC2::EIP", "Properties": {"Domain": "vpc"}}
VPCS = {"Left": vpc("10.0.0.0/16"), "Right": vpc("10.1.0.0/16")}
SUBNETS = {"LeftSubnet": subnet("Left", "10.0.1.0/24"), "OtherSubnet": subnet("Left", "10.0.2.0/24")}
GROUPS = {"LeftGroup": group("Left"), "OtherGroup": group("Left")}
TABLES = {"LeftTable": table("Left"), "OtherTable": table("Left")}
ALLOCATION = {"Fn::GetAtt": ["LeftAddress", "AllocationId"]}
NAT = {
    "Type": "AWS::EC2::NatGateway",
    "Properties": {"SubnetId": ref("LeftSubnet"), "AllocationId": ALLOCATION},
}
RULE = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "10.0.0.0/8"}
RULE_CHANGES = {
    "IpProtocol": "udp",
    "FromPort": 80,
    "ToPort": 444,
    "CidrIp": "10.0.0.0/16",
    "CidrIpv6": "::/0",
    "Description": "other",
    "GroupId": ref("OtherGroup"),
}

SAMPLES = (
    Sample(
        "AWS::EC2::VPC",
        {"CidrBlock": "10.0.0.0/16", "EnableDnsSupport": True, "InstanceTenancy": "default", "Tags": tags("a")},
        {
            "VpcEncryptionControl": {
                "Mode": "enforce",
                "InternetGatewayExclusion": "enable",
                "NatGatewayExclusion": "enable",
                "LambdaExclusion": "enable",
            },
            "CidrBlock": "10.2.0.0/16",
            "EnableDnsSupport": False,
            "EnableDnsHostnames": True,
            "InstanceTenancy": "dedicated",
            "Tags": tags("b"),
        },
    ),
    Sample(
        "AWS::EC2::Subnet",
        {"VpcId": ref("Left"), "CidrBlock": "10.0.9.0/24", "Tags": tags("a")},
        {
            "VpcId": ref("Right"),
            "CidrBlock": "10.0.8.0/24",
            "AvailabilityZone": {"Fn::Select": [1, {"Fn::GetAZs": ""}]},
            "MapPublicIpOnLaunch": True,
            "Tags": tags("b"),
        },
        VPCS,
    ),
    Sample("AWS::EC2::InternetGateway", {"Tags": tags("a")}, {"Tags": tags("b")}),
    Sample(
        "AWS::EC2::VPCGatewayAttachment",
        {"VpcId": ref("Left"), "InternetGatewayId": ref("Gateway")},
        {"VpcId": ref("Right"), "InternetGatewayId": ref("OtherGateway")},
        {**VPCS, "Gateway": GATEWAY, "OtherGateway": GATEWAY},
    ),
    Sample(
        "AWS::EC2::RouteTable",
        {"VpcId": ref("Left"), "Tags": tags("a")},
        {"VpcId": ref("Right"), "Tags": tags("b")},
        VPCS,
    ),
    Sample(
        "AWS::EC2::Route",
        {"RouteTableId": ref("LeftTable"), "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": ref("Gateway")},
        {
            "RouteTableId": ref("OtherTable"),
            "DestinationCidrBlock": "10.9.0.0/16",
            "DestinationIpv6CidrBlock": "::/0",
            "GatewayId": ref("OtherGateway"),
            "NatGatewayId": ref("Nat"),
            "EgressOnlyInternetGatewayId": "eigw-0123456789abcdef0",
            "VpcPeeringConnectionId": "pcx-0123456789abcdef0",
        },
        {
            **VPCS,
            **SUBNETS,
            **TABLES,
            "Gateway": GATEWAY,
            "OtherGateway": GATEWAY,
            "LeftAddress": ADDRESS,
            "Nat": NAT,
        },
        together={
            "DestinationIpv6CidrBlock": {"DestinationCidrBlock": REMOVED},
            "NatGatewayId": {"GatewayId": REMOVED},
            "EgressOnlyInternetGatewayId": {"GatewayId": REMOVED},
            "VpcPeeringConnectionId": {"GatewayId": REMOVED},
        },
    ),
    Sample(
        "AWS::EC2::SubnetRouteTableAssociation",
        {"RouteTableId": ref("LeftTable"), "SubnetId": ref("LeftSubnet")},
        {"RouteTableId": ref("OtherTable"), "SubnetId": ref("OtherSubnet")},
        {**VPCS, **SUBNETS, **TABLES},
    ),
    Sample("AWS::EC2::EIP", {"Domain": "vpc", "Tags": tags("a")}, {"Domain": "standard", "Tags": tags("b")}),
    Sample(
        "AWS::EC2::NatGateway",
        {"SubnetId": ref("LeftSubnet"), "AllocationId": ALLOCATION, "Tags": tags("a")},
        {
            "SubnetId": ref("OtherSubnet"),
            "AllocationId": {"Fn::GetAtt": ["OtherAddress", "AllocationId"]},
            "ConnectivityType": "public",
            "Tags": tags("b"),
        },
        {**VPCS, **SUBNETS, "LeftAddress": ADDRESS, "OtherAddress": ADDRESS},
    ),
    Sample(
        "AWS::EC2::SecurityGroup",
        {"GroupDescription": "d", "VpcId": ref("Left"), "Tags": tags("a")},
        {
            "GroupDescription": "other",
            "GroupName": "named",
            "VpcId": ref("Right"),
            "SecurityGroupIngress": [{**RULE, "SourceSecurityGroupId": ref("LeftGroup")}],
            "SecurityGroupEgress": [RULE],
            "Tags": tags("b"),
        },
        {**VPCS, **GROUPS},
    ),
    Sample(
        "AWS::EC2::SecurityGroupIngress",
        {**RULE, "GroupId": ref("LeftGroup")},
        {**RULE_CHANGES, "SourceSecurityGroupId": ref("OtherGroup"), "SourcePrefixListId": "pl-12345678"},
        {**VPCS, **GROUPS},
    ),
    Sample(
        "AWS::EC2::SecurityGroupEgress",
        {**RULE, "GroupId": ref("LeftGroup")},
        {**RULE_CHANGES, "DestinationSecurityGroupId": ref("OtherGroup"), "DestinationPrefixListId": "pl-12345678"},
        {**VPCS, **GROUPS},
    ),
    Sample(
        "AWS::EC2::VPCEndpoint",
        {
            "VpcId": ref("Left"),
            "ServiceName": "com.amazonaws.eu-west-1.secretsmanager",
            "VpcEndpointType": "Interface",
            "SubnetIds": [ref("LeftSubnet")],
            "SecurityGroupIds": [ref("LeftGroup")],
            "PrivateDnsEnabled": True,
        },
        {
            "VpcId": ref("Right"),
            "ServiceName": "com.amazonaws.eu-west-1.sqs",
            "VpcEndpointType": "Gateway",
            "SubnetIds": [ref("OtherSubnet")],
            "SecurityGroupIds": [ref("OtherGroup")],
            "PrivateDnsEnabled": False,
            "RouteTableIds": [ref("LeftTable")],
            "PolicyDocument": {"Version": "2012-10-17", "Statement": []},
            "Tags": tags("b"),
        },
        {**VPCS, **SUBNETS, **GROUPS, **TABLES},
    ),
    Sample(
        "AWS::ApiGatewayV2::VpcLink",
        {"Name": "link", "SubnetIds": [ref("LeftSubnet")], "SecurityGroupIds": [ref("LeftGroup")]},
        {
            "Name": "other",
            "SubnetIds": [ref("OtherSubnet")],
            "SecurityGroupIds": [ref("OtherGroup")],
            "Tags": {"team": "b"},
        },
        {**VPCS, **SUBNETS, **GROUPS},
    ),
)
