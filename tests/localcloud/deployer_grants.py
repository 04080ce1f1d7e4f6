"""The role that deploys in a test, and exactly which policies it has."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from klotho.localcloud.identity import ACCOUNT
from tests.localcloud.aws_account import Account

ROLE = f"arn:aws:iam::{ACCOUNT}:role/deployer"


def grant(aws: Account, policies: Sequence[Mapping[str, Any]]) -> None:
    """The deployer's role, with these policies and no other."""
    managed = {
        f"Policy{number}": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document}}
        for number, document in enumerate(policies)
    }
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    role = {
        "RoleName": "deployer",
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
        "ManagedPolicyArns": [{"Ref": name} for name in managed],
    }
    body = json.dumps({"Resources": {**managed, "Deployer": {"Type": "AWS::IAM::Role", "Properties": role}}})
    client = aws.client("cloudformation")
    given = {"StackName": "owners", "TemplateBody": body, "Capabilities": ["CAPABILITY_NAMED_IAM"]}
    if "owners" in aws.stacks():
        client.update_stack(**given)
        client.get_waiter("stack_update_complete").wait(StackName="owners", WaiterConfig={"Delay": 1})
    else:
        client.create_stack(**given)
        client.get_waiter("stack_create_complete").wait(StackName="owners", WaiterConfig={"Delay": 1})


def printed(aws: Account, *arguments: str) -> list[dict[str, Any]]:
    """What `klotho permissions` says."""
    return list(aws.json("permissions", *arguments, "--env", "prod")["policies"])


def without(policies: Sequence[Mapping[str, Any]], action: str) -> list[dict[str, Any]]:
    return [
        {
            **policy,
            "Statement": [
                {**item, "Action": left}
                for item in policy["Statement"]
                if (left := [name for name in item["Action"] if name != action])
            ],
        }
        for policy in policies
    ]
