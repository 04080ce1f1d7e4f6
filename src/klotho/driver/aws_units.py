"""What runs of an application on AWS, and every resource with its page in the console.

Input: clients, services, stacks. Output: units as `klotho status` shows them, and `ResourceLine`s. What AWS does not
let these credentials see is a unit of state `unknown`, with the reason: the rest is shown all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from klotho.deploy.console_links import console_link
from klotho.deploy.place import Clients, translated
from klotho.deploy.stacks import DeployedStack
from klotho.diagnostics import Failure
from klotho.driver.reach.services import Service

_THREADS = 8


@dataclass(frozen=True, slots=True)
class ResourceLine:
    """One resource of a deployed stack."""

    stack: str
    """Its short name."""
    logical_id: str
    type: str
    physical_id: str
    status: str
    link: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def units(clients: Clients, services: Iterable[Service]) -> tuple[dict[str, Any], ...]:
    """The health of each service."""
    with ThreadPoolExecutor(_THREADS) as threads:
        return tuple(threads.map(lambda service: _unit(clients, service), services))


def resources(clients: Clients, stacks: Iterable[DeployedStack]) -> tuple[ResourceLine, ...]:
    """Every resource, stack by stack."""
    with ThreadPoolExecutor(_THREADS) as threads:
        found = threads.map(lambda stack: _of_stack(clients, stack), stacks)
        return tuple(line for lines in found for line in lines)


def _unit(clients: Clients, service: Service) -> dict[str, Any]:
    shown = {"name": service.name, "kind": service.kind, "restarts": 0, "address": None}
    if service.kind == "pods":
        _, namespace, name = service.identifier.split("/")
        detail = f"Kubernetes tells: kubectl -n {namespace} get deployment {name}"
        return {**shown, "kind": "container", "state": "unknown", "detail": detail}
    try:
        with translated(f"asking how {service.name} is"):
            return {**shown, **(_function if service.kind == "function" else _container)(clients, service)}
    except Failure as failure:
        return {**shown, "state": "unknown", "detail": " ".join([str(failure), *failure.diagnostic.notes])}


def _function(clients: Clients, service: Service) -> dict[str, Any]:
    """Lambda API reference, GetFunctionConfiguration: `State` and `LastUpdateStatus`."""
    found: Mapping[str, Any] = clients.functions.get_function_configuration(FunctionName=service.identifier)
    state, update = found.get("State", "Active"), found.get("LastUpdateStatus", "Successful")
    if state == "Failed" or update == "Failed":
        return {"state": "failed", "detail": found.get("StateReason") or found.get("LastUpdateStatusReason") or update}
    busy = state == "Pending" or update == "InProgress"
    return {
        "state": "starting" if busy else "running",
        "detail": f"{found.get('Runtime')}, {found.get('MemorySize')} MB",
    }


def _container(clients: Clients, service: Service) -> dict[str, Any]:
    """ECS API reference, DescribeServices: counts of tasks, and what happened last."""
    answer = clients.containers.describe_services(cluster=service.cluster, services=[service.identifier])
    if not answer["services"]:
        return {"state": "failed", "detail": "ECS does not know the service"}
    found = answer["services"][0]
    running, desired = int(found["runningCount"]), int(found["desiredCount"])
    last = next((str(event["message"]) for event in found.get("events", ())), "")
    if running >= desired:
        return {"state": "running" if desired else "idle", "detail": f"{running} of {desired} running"}
    return {"state": "starting" if running or found.get("pendingCount") else "failed",
            "detail": f"{running} of {desired} running; {last}"}  # fmt: skip


def _of_stack(clients: Clients, stack: DeployedStack) -> list[ResourceLine]:
    with translated(f"reading the resources of {stack.name}"):
        pages = clients.cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack.stack_name)
        items = [item for page in pages for item in page["StackResourceSummaries"]]
    region = clients.place.region
    return [
        ResourceLine(
            stack.name,
            item["LogicalResourceId"],
            item["ResourceType"],
            item.get("PhysicalResourceId", ""),
            item["ResourceStatus"],
            console_link(item["ResourceType"], item.get("PhysicalResourceId", ""), region, stack.stack_id),
        )
        for item in sorted(items, key=lambda item: item["LogicalResourceId"])
    ]
