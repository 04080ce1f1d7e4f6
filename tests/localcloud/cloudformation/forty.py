"""Three stacks of forty passive resources: a network, and two consumers of it, one of which uses the other."""

from __future__ import annotations

from typing import Any

from klotho.stacks import Manifest

from .builders import log_group, subnet, vpc
from .deployer import manifest, stack_template

GROUP = "AWS::EC2::SecurityGroup"


def _group(about: str) -> dict[str, Any]:
    return {"Type": GROUP, "Properties": {"GroupDescription": about, "VpcId": {"Ref": "Vpc"}}}


def _role() -> dict[str, Any]:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
    return {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}}


def _ingress(group: str, source: str, port: int) -> dict[str, Any]:
    return {
        "Type": "AWS::EC2::SecurityGroupIngress",
        "Properties": {
            "GroupId": {"Ref": group},
            "IpProtocol": "tcp",
            "FromPort": port,
            "ToPort": port,
            "SourceSecurityGroupId": {"Ref": source},
        },
    }


def forty(version: int = 1) -> tuple[Manifest, dict[str, bytes]]:
    """Version 2 changes log groups in place, replaces a group others use, and removes another one."""
    network: dict[str, Any] = {"Vpc": vpc()}
    for number in range(6):
        network[f"Subnet{number}"] = subnet({"Ref": "Vpc"}, f"10.0.{number}.0/24")
    network["Front"] = _group("front" if version == 1 else "front, again")
    if version == 1:
        network["Old"] = _group("old")
    outputs = {name: {"Ref": name} for name in network if name in ("Vpc", "Front", "Old")}
    left, left_takes = _service("left", version)
    right, right_takes = _service("right", version)
    right["FromLeft"] = _ingress("Own", "LeftGroup", 82)
    right |= {f"More{number}": log_group(RetentionInDays=14) for number in range(2)}
    right_takes["LeftGroup"] = "left"
    return manifest(
        {
            "network": (stack_template(network, outputs), {}),
            "left": (stack_template(left, {"LeftGroup": {"Ref": "Own"}}, tuple(left_takes)), left_takes),
            "right": (stack_template(right, {}, tuple(right_takes)), right_takes),
        }
    )


def _service(name: str, version: int) -> tuple[dict[str, Any], dict[str, str]]:
    """Its resources, and which stack its parameters come from."""
    resources: dict[str, Any] = {"Own": _group(f"own {name}"), "Role": _role()}
    for number in range(10):
        resources[f"Logs{number}"] = log_group(RetentionInDays=7 if version == 1 or number else 30)
    resources["FromFront"] = _ingress("Own", "Front", 80)
    takes = {"Vpc": "network", "Front": "network"}
    if version == 1:
        resources["FromOld"] = _ingress("Own", "Old", 81)
        takes["Old"] = "network"
    return resources, takes
