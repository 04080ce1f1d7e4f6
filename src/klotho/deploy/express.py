"""Which stacks may be deployed in CloudFormation's express mode, and which changes of them.

Input: stacks, templates, changes. Output: yes or no. Refuses nothing: what may not is deployed as ever.

In express mode an operation is complete once every resource's configuration is applied; whether services became ready
is asked afterwards (`health`), and undoing it is ours (`proving`). Source: CloudFormation User Guide, "Deploy stacks
faster with express mode"; API Reference, `DeploymentConfig` of CreateStack and UpdateStack.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from klotho.deploy.differences import ResourceChange
from klotho.stacks import Manifest, Stack

ASKED = frozenset({"AWS::ECS::Service", "AWS::Lambda::Function"})
"""Types that become ready by themselves, and can be asked whether they have (`health`)."""
READY_AT_ONCE = frozenset(
    {
        "AWS::CloudWatch::Alarm",
        "AWS::EC2::SecurityGroup",
        "AWS::EC2::SecurityGroupEgress",
        "AWS::EC2::SecurityGroupIngress",
        "AWS::ECS::TaskDefinition",
        "AWS::IAM::Policy",
        "AWS::IAM::Role",
        "AWS::IAM::RolePolicy",
        "AWS::Lambda::Permission",
        "AWS::Logs::LogGroup",
        "AWS::ServiceDiscovery::Service",
    }
)
"""Types that are what their configuration says as soon as it is applied. IAM takes seconds to spread, which what uses
it is retried for by CloudFormation, and by Lambda and ECS while they become ready."""


def may_be_express(stack: Stack, template: Mapping[str, Any], manifest: Manifest) -> bool:
    """A leaf without data or custom resources, of types whose readiness is known, with something that takes time."""
    types = {str(item.get("Type")) for item in template.get("Resources", {}).values()}
    leaf = all(stack.name not in other.depends_on for other in manifest.stacks)
    return leaf and not stack.stateful and bool(types & ASKED) and types <= ASKED | READY_AT_ONCE


def keeps_services(changes: Iterable[ResourceChange]) -> bool:
    """Whether an update takes no service away: in express mode what is deleted may still be there afterwards, and what
    it holds (a network interface in a security group) with it."""
    return not any(item.change in ("remove", "replace") and item.type in ASKED for item in changes)
