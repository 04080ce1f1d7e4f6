"""Deployed stacks as values.

Input: what DescribeStacks says. Output: `DeployedStack` values. Refuses nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from klotho.stacks import DIGEST

STATEFUL_TAG = "klotho:stateful"
WHILE_MOVING = "moving-"
"""How the digests of stacks begin while something moves between them: no manifest has such a one."""


@dataclass(frozen=True, slots=True)
class DeployedStack:
    """One live stack as DescribeStacks shows it."""

    stack_name: str
    stack_id: str
    status: str
    tags: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    """Without the digest."""
    reason: str = ""
    digest: str | None = None
    """What it was deployed with; None for a stack that never settled well."""
    protected: bool = False
    """CloudFormation refuses to delete it."""

    @property
    def name(self) -> str:
        """The short name people use; the CloudFormation name when the tag is missing."""
        return self.tags.get("klotho:stack", self.stack_name)

    @property
    def stateful(self) -> bool:
        return self.tags.get(STATEFUL_TAG) == "true"

    @property
    def busy(self) -> bool:
        """An operation is going on, ours from before a crash or someone else's."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"

    @property
    def moving(self) -> bool:
        """Something goes to another stack or comes from one, and that may not be finished."""
        return (self.digest or "").startswith(WHILE_MOVING)

    @property
    def usable(self) -> bool:
        """It can be updated in place; otherwise it has to be deleted and created anew."""
        return self.status in _UPDATABLE

    @property
    def settled_well(self) -> bool:
        """The last operation did what it was asked, so the digest tells the truth."""
        return self.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE")


_UPDATABLE = frozenset(
    {
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
        "IMPORT_COMPLETE",
        "IMPORT_ROLLBACK_COMPLETE",
        "UPDATE_ROLLBACK_FAILED",
    }
)


def upstreams(stacks: Iterable[DeployedStack]) -> dict[str, set[str]]:
    """Which stacks each stack takes values from, by CloudFormation name: a parameter equal to another's output.

    Read from what is deployed, so that stacks no manifest mentions any more are still deleted in the right order.
    Only values long enough to be an identifier count; should chance make a circle of two, callers break it.
    """
    known = list(stacks)
    owner = {value: stack.stack_name for stack in known for value in stack.outputs.values() if len(value) > 6}
    return {
        stack.stack_name: {
            owner[value] for value in stack.parameters.values() if value in owner and owner[value] != stack.stack_name
        }
        for stack in known
    }


def deployed_stack(data: Any) -> DeployedStack:
    parameters = {item["ParameterKey"]: item.get("ParameterValue", "") for item in data.get("Parameters", ())}
    outputs = {item["OutputKey"]: item.get("OutputValue", "") for item in data.get("Outputs", ())}
    parameters.pop(DIGEST, None)
    digest = outputs.pop(DIGEST, None)
    return DeployedStack(
        stack_name=data["StackName"],
        stack_id=data["StackId"],
        status=data["StackStatus"],
        tags={tag["Key"]: tag["Value"] for tag in data.get("Tags", ())},
        parameters=parameters,
        outputs=outputs,
        reason=data.get("StackStatusReason", ""),
        digest=digest,
        protected=data.get("EnableTerminationProtection", False) is True,
    )
