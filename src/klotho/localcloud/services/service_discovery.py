"""Cloud Map: where the instances of a service are.

Input: DiscoverInstances in JSON 1.1. Output: one instance per address the containers plane reports. Refuses every
other action by name, and filters by instance attributes, which no local instance has.

boto3 puts `data-` before the host for this one call, which turns 127.0.0.1 into a name that does not exist: make the
client with `Config(inject_host_prefix=False)`, as Klotho's runtime SDK does.
"""

from __future__ import annotations

from typing import Any, Protocol

from klotho.localcloud import wire
from klotho.localcloud.service import ApiCall, ApiError, ApiResponse

DEFAULT_RESULTS, MAX_RESULTS = 100, 1000
_HEALTH = ("HEALTHY", "UNHEALTHY", "ALL", "HEALTHY_OR_ELSE_ALL")


class Discovery(Protocol):
    """What the containers plane answers."""

    def discover(self, namespace: str, service: str) -> list[tuple[str, int]]: ...


class ServiceDiscoveryService:
    """DiscoverInstances."""

    name = "servicediscovery"

    def __init__(self, discovery: Discovery) -> None:
        self._discovery = discovery

    async def call(self, call: ApiCall) -> ApiResponse:
        if call.action != "DiscoverInstances":
            raise wire.not_carried("servicediscovery", call.action or f"{call.method} {call.path}")
        asked = wire.parameters(call.body)
        namespace, service = asked.get("NamespaceName"), asked.get("ServiceName")
        if not isinstance(namespace, str) or not isinstance(service, str) or not namespace or not service:
            raise ApiError("InvalidInput", "NamespaceName and ServiceName are required")
        for name in ("QueryParameters", "OptionalParameters"):
            if asked.get(name):
                raise ApiError(
                    "NotImplemented", f"klotho's local cloud does not carry DiscoverInstances with {name}", 501
                )
        limit = asked.get("MaxResults", DEFAULT_RESULTS)
        if not isinstance(limit, int) or not 1 <= limit <= MAX_RESULTS:
            raise ApiError("InvalidInput", f"MaxResults must be between 1 and {MAX_RESULTS}")
        health = asked.get("HealthStatus", "HEALTHY")
        if health not in _HEALTH:
            raise ApiError("InvalidInput", f"HealthStatus must be one of {', '.join(_HEALTH)}")
        # The plane names only containers that answer, so none of them is unhealthy.
        found = [] if health == "UNHEALTHY" else self._discovery.discover(namespace, service)
        instances: list[dict[str, Any]] = [
            {
                "InstanceId": f"{service}-{port}",
                "NamespaceName": namespace,
                "ServiceName": service,
                "HealthStatus": "HEALTHY",
                "Attributes": {"AWS_INSTANCE_IPV4": host, "AWS_INSTANCE_PORT": str(port)},
            }
            for host, port in found[:limit]
        ]
        return wire.json_response({"Instances": instances, "InstancesRevision": 1})
