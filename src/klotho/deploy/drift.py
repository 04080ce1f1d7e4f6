"""What has changed in an application's resources since they were deployed, without the deployer.

Input: clients, deployed stacks, time. Output: a `StackDrift` per stack. CloudFormation compares; nothing is changed.
Refuses (`drift-failed`) a detection that CloudFormation could not finish. Types it can't read are not checked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from klotho.deploy.place import Clients, Pace, translated
from klotho.deploy.stacks import DeployedStack
from klotho.deploy.threads import workers
from klotho.diagnostics import ExitCode, Failure

_PARALLEL = 4
"""How many detections run at once: CloudFormation throttles them early."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One property that is not as the template says."""

    path: str
    """`BillingMode`, `Tags.0`."""
    expected: str
    actual: str
    kind: str
    """`ADD`, `REMOVE` or `NOT_EQUAL`, as seen from the template."""


@dataclass(frozen=True, slots=True)
class ResourceDrift:
    """A resource that differs, or is gone."""

    logical_id: str
    type: str
    physical_id: str
    deleted: bool
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class StackDrift:
    stack: str
    """Its short name."""
    checked: int
    """How many resources CloudFormation could compare."""
    resources: tuple[ResourceDrift, ...]
    """Those that have drifted."""


def detect(clients: Clients, stacks: Iterable[DeployedStack], pace: Pace) -> list[StackDrift]:
    """All stacks, by name. Stacks that never settled have nothing to compare with and are left out."""
    found = sorted((stack for stack in stacks if stack.usable), key=lambda stack: stack.name)
    with workers(_PARALLEL, "drift") as threads:
        return list(threads.map(lambda stack: _detected(clients, stack, pace), found))


def _detected(clients: Clients, stack: DeployedStack, pace: Pace) -> StackDrift:
    cloudformation = clients.cloudformation
    with translated(f"looking for drift in stack {stack.name}"):
        detection = cloudformation.detect_stack_drift(StackName=stack.stack_id)["StackDriftDetectionId"]
        interval = pace.fastest
        while True:
            status = cloudformation.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
            if status["DetectionStatus"] != "DETECTION_IN_PROGRESS":
                break
            pace.sleep(interval)
            interval = min(interval * 1.5, pace.slowest)
        if status["DetectionStatus"] == "DETECTION_FAILED":
            raise _failed(stack, status.get("DetectionStatusReason", "no reason was given"))
        return StackDrift(stack.name, *_resources(clients, stack))


def _resources(clients: Clients, stack: DeployedStack) -> tuple[int, tuple[ResourceDrift, ...]]:
    """How many were checked, and those that differ."""
    found: list[ResourceDrift] = []
    checked = 0
    token: dict[str, Any] = {}
    while True:
        page: Any = clients.cloudformation.describe_stack_resource_drifts(StackName=stack.stack_id, **token)
        for item in page["StackResourceDrifts"]:
            state = item["StackResourceDriftStatus"]
            checked += state in ("IN_SYNC", "MODIFIED", "DELETED")
            if state in ("MODIFIED", "DELETED"):
                found.append(_resource(item))
        if not page.get("NextToken"):
            return checked, tuple(sorted(found, key=lambda item: item.logical_id))
        token = {"NextToken": page["NextToken"]}


def _resource(item: Any) -> ResourceDrift:
    return ResourceDrift(
        item["LogicalResourceId"],
        item["ResourceType"],
        item.get("PhysicalResourceId", ""),
        item["StackResourceDriftStatus"] == "DELETED",
        tuple(
            Difference(
                found["PropertyPath"].strip("/").replace("/", "."),
                found["ExpectedValue"],
                found["ActualValue"],
                found["DifferenceType"],
            )
            for found in item.get("PropertyDifferences", ())
        ),
    )


def _failed(stack: DeployedStack, reason: str) -> Failure:
    return Failure(
        "drift-failed",
        f"CloudFormation could not compare stack {stack.name} with what is there",
        notes=(reason,),
        helps=("run `klotho drift` again",),
        exit_code=ExitCode.RESOURCE_FAILED,
    )
