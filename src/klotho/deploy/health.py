"""Whether the services of a stack have become ready, asked of each service's own API.

Input: clients, a stack's resources. Output: `Health` of each service, and a wait until all are ready or one has failed.
Refuses nothing: what was not ready after `PATIENCE_S` counts as failed.

Sources: Lambda API Reference, GetFunctionConfiguration (`State`, `LastUpdateStatus`) and Developer Guide, "Lambda
function states"; ECS API Reference, DescribeServices (`deployments[].rolloutState`) and Developer Guide, "How the
Amazon ECS deployment circuit breaker detects failures".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from klotho.deploy.events import Sink, WaitedFor
from klotho.deploy.following import FirstFailure
from klotho.deploy.place import Clients, Pace, translated
from klotho.deploy.waiting import Wait

PATIENCE_S = 1800.0
"""How long a stack's services may take. ECS's circuit breaker decides sooner: after a few failed tasks."""
STEADY_LOOKS = 5
"""How often in a row ECS may show another task definition than the wanted one before that counts as a rollback of its
own: DescribeServices is eventually consistent."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One service of a stack."""

    logical_id: str
    type: str
    physical_id: str
    wanted: str = ""
    """Of an ECS service, the ARN of the task definition the stack gives it."""


@dataclass(frozen=True, slots=True)
class Health:
    state: Literal["ready", "waiting", "elsewhere", "failed"]
    """`elsewhere`: ECS runs another task definition than wanted, which it may just not show yet."""
    detail: str


def asked_of(template: Mapping[str, Any], resources: Sequence[Mapping[str, Any]]) -> list[Asked]:
    """The services of a stack, by its template and what ListStackResources says."""
    ids = {str(item["LogicalResourceId"]): str(item.get("PhysicalResourceId", "")) for item in resources}
    found = []
    for name, item in sorted(template.get("Resources", {}).items()):
        if item.get("Type") == "AWS::Lambda::Function":
            found.append(Asked(name, item["Type"], ids[name]))
        elif item.get("Type") == "AWS::ECS::Service":
            named = item.get("Properties", {}).get("TaskDefinition")
            wanted = ids.get(named.get("Ref", ""), "") if isinstance(named, Mapping) else str(named)
            found.append(Asked(name, item["Type"], ids[name], wanted))
    return found


class HealthWait:
    """Waiting for the services of one stack."""

    def __init__(self, clients: Clients, pace: Pace, sink: Sink, stack: str) -> None:
        self._clients = clients
        self._pace = pace
        self._begun = pace.clock()
        self._wait = Wait(pace, sink, stack)
        self._elsewhere: dict[str, int] = {}

    def until_ready(self, services: Sequence[Asked]) -> FirstFailure | None:
        """None once all are ready; else the first one that failed, and why."""
        left = {item: Health("waiting", "not asked yet") for item in services}
        while left:
            for item in list(left):
                found = self._looked_at(item)
                if found.state == "failed":
                    return FirstFailure(item.logical_id, item.type, found.detail, "NotStabilized")
                if found.state == "ready":
                    del left[item]
                    self._wait.news()
                else:
                    left[item] = found
            seconds = self._pace.clock() - self._begun
            if left and seconds > PATIENCE_S:
                item, health = next(iter(left.items()))
                said = f"it is not ready after {seconds:.0f} s: {health.detail}"
                return FirstFailure(item.logical_id, item.type, said, "NotStabilized")
            if left:
                self._wait.pause([WaitedFor(i.logical_id, i.type, h.detail, seconds) for i, h in left.items()])
        return None

    def _looked_at(self, item: Asked) -> Health:
        with translated(f"asking whether {item.logical_id} is ready"):
            found = (
                function_health(self._clients, item)
                if item.type.endswith("Function")
                else service_health(self._clients, item)
            )
        if found.state != "elsewhere":
            self._elsewhere.pop(item.logical_id, None)
            return found
        seen = self._elsewhere[item.logical_id] = self._elsewhere.get(item.logical_id, 0) + 1
        return Health("failed" if seen >= STEADY_LOOKS else "waiting", found.detail)


def function_health(clients: Clients, item: Asked) -> Health:
    found: Mapping[str, Any] = clients.functions.get_function_configuration(FunctionName=item.physical_id)
    state, update = found.get("State", "Active"), found.get("LastUpdateStatus", "Successful")
    if state == "Failed":
        return Health("failed", _reason(found, "StateReason", "StateReasonCode", "Lambda can't run it"))
    if update == "Failed":
        code = "LastUpdateStatusReasonCode"
        return Health("failed", _reason(found, "LastUpdateStatusReason", code, "its update failed"))
    if state == "Pending" or update == "InProgress":
        return Health("waiting", f"State {state}, LastUpdateStatus {update}")
    return Health("ready", "")  # Active; Inactive is one nobody called for long, which wakes with the next call


def service_health(clients: Clients, item: Asked) -> Health:
    cluster = item.physical_id.split("/")[-2] if item.physical_id.count("/") >= 2 else "default"
    answer = clients.containers.describe_services(cluster=cluster, services=[item.physical_id])
    if not answer["services"]:
        return Health("elsewhere", "ECS does not know the service")
    service = answer["services"][0]
    deployments = service.get("deployments", [])
    ours = next((one for one in deployments if item.wanted in ("", one.get("taskDefinition"))), None)
    if ours is None:
        last = next((str(event["message"]) for event in service.get("events", ())), "")
        return Health("elsewhere", f"ECS went back to the task definition before{f': {last}' if last else ''}")
    state, reason = ours.get("rolloutState", "COMPLETED"), str(ours.get("rolloutStateReason", ""))
    if state == "FAILED":
        return Health("failed", reason or "the deployment circuit breaker stopped it")
    if ours.get("status") != "PRIMARY":
        return Health("elsewhere", f"ECS went back to the task definition before: {reason}")
    running, desired = int(ours.get("runningCount", 0)), int(ours.get("desiredCount", 0))
    if state == "COMPLETED" and running >= desired:
        return Health("ready", "")
    return Health("waiting", f"rollout {state}, {running} of {desired} tasks running")


def _reason(found: Mapping[str, Any], text: str, code: str, otherwise: str) -> str:
    said = str(found.get(text) or otherwise)
    return f"{said} ({found[code]})" if found.get(code) else said
