"""Why a stack is in the state it is in: the first failure of its last operation.

Input: a deployed stack. Output: one text, empty when the last operation ended well. Refuses nothing: CloudFormation
keeps the events of a live stack, and one without a failure among them has no cause to show.
"""

from __future__ import annotations

from typing import Any

from klotho.deploy.place import Clients, translated
from klotho.deploy.stacks import DeployedStack, plain_reason

_STACK = "AWS::CloudFormation::Stack"
_BEGINNINGS = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "REVIEW_IN_PROGRESS")


def first_cause(clients: Clients, stack: DeployedStack) -> str:
    """The first failure that is not the echo of another one: `orders (AWS::ECS::Service): it ended with code 1`."""
    if stack.settled_well or stack.busy:
        return stack.reason
    cause = ""
    with translated(f"reading the events of {stack.name}"):
        # Newest first, so the last failure met before the operation's beginning is its first one.
        for page in clients.cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack.stack_id):
            for event in page["StackEvents"]:
                if _begins(event, stack):
                    return cause or stack.reason
                cause = _failure(event) or cause
    return cause or stack.reason


def _begins(event: Any, stack: DeployedStack) -> bool:
    own = event.get("PhysicalResourceId") == stack.stack_id and event.get("ResourceType") == _STACK
    return own and event.get("ResourceStatus") in _BEGINNINGS


def _failure(event: Any) -> str:
    reason, _ = plain_reason(str(event.get("ResourceStatusReason", "")))
    echo = reason.startswith("Resource ") and reason.endswith("cancelled")
    if not str(event.get("ResourceStatus", "")).endswith("_FAILED") or event.get("ResourceType") == _STACK or echo:
        return ""
    first = next((line for line in reason.splitlines() if line.strip()), "no reason was given")
    return f"{event.get('LogicalResourceId', '')} ({event.get('ResourceType', '')}): {first}"
