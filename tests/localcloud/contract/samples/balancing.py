"""Samples of load balancers and function URLs: the doors of APIs that are no HTTP APIs."""

from __future__ import annotations

from typing import Any

from klotho.catalogue.kinds.public_alb import TLS_POLICY
from klotho.localcloud.cloud import Cloud
from klotho.localcloud.handler import Record

from ..planes import planes
from ..sample import REMOVED, Sample
from .domains import certificate
from .functions import FUNCTION, LAMBDA_ROLE
from .network import SUBNETS, VPCS, ref, tags

ELB = "AWS::ElasticLoadBalancingV2::"
PLANES = planes("functions", "containers", "gateway", "certificates", "domains", "balancers")
NOTHING = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]
GONE = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "410"}}]
ELSEWHERE = [{"Type": "redirect", "RedirectConfig": {"Host": "shop.example", "StatusCode": "HTTP_301"}}]
GROUPS = {
    "Group": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "a", "VpcId": ref("Left")}},
    "OtherGroup": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "b", "VpcId": ref("Left")}},
}


def group(name: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [name, "GroupId"]}


def balancer(name: str) -> dict[str, Any]:
    return {"Type": f"{ELB}LoadBalancer", "Properties": {"Name": name, "Scheme": "internal"}}


def listener(name: str) -> dict[str, Any]:
    properties = {"LoadBalancerArn": ref(name), "Port": 80, "Protocol": "HTTP", "DefaultActions": NOTHING}
    return {"Type": f"{ELB}Listener", "Properties": properties}


def paths(*values: str) -> list[dict[str, Any]]:
    return [{"Field": "path-pattern", "PathPatternConfig": {"Values": list(values)}}]


def may(function: str) -> dict[str, Any]:
    """Every target group may invoke the function."""
    properties = {
        "Action": "lambda:InvokeFunction",
        "FunctionName": {"Fn::GetAtt": [function, "Arn"]},
        "Principal": "elasticloadbalancing.amazonaws.com",
    }
    return {"Type": "AWS::Lambda::Permission", "Properties": properties}


def read_listener(cloud: Cloud, record: Record) -> Any:
    return cloud.domains.names_of(record.identifier)


def read_url(cloud: Cloud, record: Record) -> Any:
    return [unit.state for unit in cloud.function_urls.status()], record.attributes["FunctionUrl"].endswith("/")


def read_balancer(cloud: Cloud, record: Record) -> Any:
    return [unit.state for unit in cloud.balancers.status()], record.attributes["DNSName"].partition(":")[0]


SECURE = {
    "Protocol": "HTTPS",
    "Certificates": [{"CertificateArn": ref("Certificate")}],
    "SslPolicy": TLS_POLICY,
}
"""A listener has all three or none."""
PERMITTED = {"Fn::Sub": ["${Arn}", {"Arn": {"Fn::GetAtt": ["Fn", "Arn"]}, "May": ref("May")}]}
"""The function, once it lets target groups in: a permission made after its target group is too late."""
OTHER_PERMITTED = {"Fn::Sub": ["${Arn}", {"Arn": {"Fn::GetAtt": ["OtherFn", "Arn"]}, "May": ref("OtherMay")}]}
SAMPLES = (
    Sample(
        "AWS::Lambda::Url",
        {"TargetFunctionArn": {"Fn::GetAtt": ["Fn", "Arn"]}, "AuthType": "NONE"},
        {
            "TargetFunctionArn": {"Fn::GetAtt": ["OtherFn", "Arn"]},
            "Cors": {"AllowOrigins": ["https://shop.example"]},
            "InvokeMode": "BUFFERED",
        },
        {"LambdaRole": LAMBDA_ROLE, "Fn": FUNCTION, "OtherFn": FUNCTION},
        refused={"AuthType": "AWS_IAM", "InvokeMode": "RESPONSE_STREAM"},
        planes=planes("functions", "function_urls"),
        read=read_url,
        slow=True,
    ),
    Sample(
        f"{ELB}LoadBalancer",
        {"Scheme": "internal", "Type": "application", "Tags": tags("a")},
        {
            "IpAddressType": "ipv4",
            "LoadBalancerAttributes": [
                {"Key": "routing.http.drop_invalid_header_fields.enabled", "Value": "true"},
                {"Key": "idle_timeout.timeout_seconds", "Value": "120"},
            ],
            "Name": "other",
            "Scheme": "internet-facing",
            "SecurityGroups": [group("OtherGroup")],
            "Subnets": [ref("LeftSubnet")],
            "Tags": tags("b"),
        },
        {**VPCS, **SUBNETS, **GROUPS},
        refused={
            "Type": "network",
            "LoadBalancerAttributes": [{"Key": "x", "Value": "y"}],
        },
        planes=PLANES,
        read=read_balancer,
    ),
    Sample(
        f"{ELB}Listener",
        {"LoadBalancerArn": ref("One"), "Port": 80, "Protocol": "HTTP", "DefaultActions": NOTHING, "Tags": tags("a")},
        {
            "LoadBalancerArn": ref("Two"),
            "Port": 8080,
            "Protocol": "HTTPS",
            "Certificates": [{"CertificateArn": ref("Certificate")}],
            "SslPolicy": TLS_POLICY,
            "DefaultActions": ELSEWHERE,
            "Tags": tags("b"),
        },
        {"One": balancer("one"), "Two": balancer("two"), "Certificate": certificate("shop.example")},
        together={"Protocol": SECURE, "Certificates": SECURE, "SslPolicy": SECURE},
        refused={"Protocol": "TLS", "SslPolicy": "old", "DefaultActions": [{"Type": "redirect"}]},
        read=read_listener,
        planes=PLANES,
    ),
    Sample(
        f"{ELB}ListenerRule",
        {
            "ListenerArn": ref("Left"),
            "Priority": 10,
            "Conditions": paths("/a", "/a/*"),
            "Actions": NOTHING,
            "Tags": tags("a"),
        },
        {
            "ListenerArn": ref("Right"),
            "Priority": 20,
            "Conditions": paths("/b"),
            "Actions": ELSEWHERE,
            "Tags": tags("b"),
        },
        {"One": balancer("one"), "Two": balancer("two"), "Left": listener("One"), "Right": listener("Two")},
        refused={
            "Conditions": [{"Field": "host-header"}],
            "Actions": [{"Type": "redirect"}],
        },
        planes=PLANES,
    ),
    Sample(
        f"{ELB}TargetGroup",
        {"TargetType": "lambda", "Targets": [{"Id": PERMITTED}], "Tags": tags("a")},
        {
            "HealthCheckPath": "/health",
            "Matcher": {"HttpCode": "200-299"},
            "Name": "other",
            "Port": 9090,
            "Protocol": "HTTP",
            "Tags": tags("b"),
            "Targets": [{"Id": OTHER_PERMITTED}],
            "TargetType": "ip",
            "VpcId": ref("Right"),
        },
        {
            **VPCS,
            "LambdaRole": LAMBDA_ROLE,
            "Fn": FUNCTION,
            "OtherFn": FUNCTION,
            "OtherMay": may("OtherFn"),
            "May": may("Fn"),
        },
        together={"TargetType": {"Targets": REMOVED}},
        refused={"Protocol": "HTTPS"},
        planes=PLANES,
        slow=True,
    ),
)
