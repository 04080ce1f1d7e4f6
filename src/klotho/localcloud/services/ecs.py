"""ECS: how services are.

Input: DescribeServices in JSON 1.1. Output: what the containers plane knows of each service, its last deployment as the
primary one. Refuses every other action, and `include`, by name.

Source: Amazon ECS API Reference, DescribeServices, Deployment (`rolloutState`).
"""

from __future__ import annotations

from typing import Any, Protocol

from klotho.localcloud import wire
from klotho.localcloud.handler import Record
from klotho.localcloud.planes.containers.plane import SERVICE, Rollout
from klotho.localcloud.service import ApiCall, ApiError, ApiResponse
from klotho.localcloud.world import World

MOST = 10
"""Services a request may name."""


class Rollouts(Protocol):
    """What the containers plane answers."""

    def rollout(self, record: Record) -> tuple[Rollout, int, int]: ...


class EcsService:
    """DescribeServices."""

    name = "ecs"

    def __init__(self, world: World, rollouts: Rollouts) -> None:
        self._world = world
        self._rollouts = rollouts

    async def call(self, call: ApiCall) -> ApiResponse:
        if call.action != "DescribeServices":
            raise wire.not_carried("ecs", call.action or f"{call.method} {call.path}")
        asked = wire.parameters(call.body)
        if asked.get("include"):
            raise ApiError("NotImplemented", "klotho's local cloud does not carry DescribeServices with include", 501)
        names = asked.get("services")
        if not isinstance(names, list) or not names:
            raise ApiError("InvalidParameterException", "Services cannot be empty.")
        if len(names) > MOST:
            raise ApiError("InvalidParameterException", f"Services cannot have more than {MOST} elements.")
        cluster = str(asked.get("cluster") or "default").rsplit("/", 1)[-1]
        found = {name: self._record(str(name), cluster) for name in names}
        failures = [{"arn": name, "reason": "MISSING"} for name, record in found.items() if record is None]
        services = [self._described(record) for record in found.values() if record is not None]
        return wire.json_response({"services": services, "failures": failures})

    def _record(self, name: str, cluster: str) -> Record | None:
        ending = f"service/{cluster}/{name.rsplit('/', 1)[-1]}"
        return next((item for item in self._world.list(SERVICE) if item.identifier.endswith(ending)), None)

    def _described(self, record: Record) -> dict[str, Any]:
        rollout, desired, ready = self._rollouts.rollout(record)
        counts = {"desiredCount": desired, "runningCount": ready, "pendingCount": max(0, desired - ready)}
        deployment = {
            "id": f"ecs-svc/{record.token}",
            "status": "PRIMARY",
            "taskDefinition": rollout.task_definition,
            "rolloutState": rollout.state,
            "rolloutStateReason": rollout.reason or f"ECS deployment {rollout.state.lower().replace('_', ' ')}.",
            **counts,
        }
        return {
            "serviceArn": record.identifier,
            "serviceName": record.identifier.rsplit("/", 1)[-1],
            "status": "ACTIVE",
            "taskDefinition": rollout.task_definition,
            "deployments": [deployment],
            "events": [],
            **counts,
        }
