"""AWS::ECS::Service: tasks of a task definition, run as processes behind stable ports.

Input: the resource's properties. Output: an ARN `service/<cluster>/<name>` once all tasks are ready. Refuses by name:
daemon scheduling, deployment controllers other than ECS, and every property not in `carries`.

Honoured: TaskDefinition, DesiredCount, ServiceConnectConfiguration, ServiceRegistries, LoadBalancers,
HealthCheckGracePeriodSeconds. DeploymentConfiguration: a deployment here always starts the new tasks first and always
has the circuit breaker. Recorded: everything else in `carries` (network, capacity, platform, tags of tasks).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from klotho.localcloud.handler import Handler, HandlerError, Outcome, Record, Request
from klotho.localcloud.identity import arn, physical_name


class EcsService(Handler):
    """A service of the containers plane."""

    type_name: ClassVar[str] = "AWS::ECS::Service"
    carries: ClassVar[frozenset[str]] = frozenset(
        {
            "AvailabilityZoneRebalancing",
            "CapacityProviderStrategy",
            "Cluster",
            "DeploymentConfiguration.DeploymentCircuitBreaker",
            "DeploymentConfiguration.MaximumPercent",
            "DeploymentConfiguration.MinimumHealthyPercent",
            "DesiredCount",
            "EnableECSManagedTags",
            "EnableExecuteCommand",
            "HealthCheckGracePeriodSeconds",
            "LaunchType",
            "LoadBalancers.ContainerName",
            "LoadBalancers.ContainerPort",
            "LoadBalancers.TargetGroupArn",
            "NetworkConfiguration",
            "PlatformVersion",
            "PropagateTags",
            "SchedulingStrategy",
            "ServiceConnectConfiguration.Enabled",
            "ServiceConnectConfiguration.LogConfiguration",
            "ServiceConnectConfiguration.Namespace",
            "ServiceConnectConfiguration.Services.ClientAliases.DnsName",
            "ServiceConnectConfiguration.Services.ClientAliases.Port",
            "ServiceConnectConfiguration.Services.DiscoveryName",
            "ServiceConnectConfiguration.Services.PortName",
            "ServiceName",
            "ServiceRegistries",
            "Tags",
            "TaskDefinition",
        }
    )

    async def create(self, request: Request) -> Outcome:
        record = self._made(request)
        await self.cloud.containers.deploy(record)
        return Outcome(record.identifier, record.attributes)

    async def apply(self, request: Request) -> Outcome:
        """What `create` and `update` do, without waiting for the tasks (`BecomesReadyLater`)."""
        if request.identifier is None:
            record = self._made(request)
        else:
            _check(request.properties)
            record = _record(request, request.identifier, request.attributes)
        await self.cloud.containers.roll_out(record)
        return Outcome(record.identifier, dict(record.attributes))

    def _made(self, request: Request) -> Record:
        """The record of a new service."""
        properties = request.properties
        _check(properties)
        name = str(
            properties.get("ServiceName") or physical_name(request.stack_name, request.logical_id, request.token, 255)
        )
        cluster = str(properties.get("Cluster", "default")).rsplit("/", 1)[-1]
        identifier = arn("ecs", f"service/{cluster}/{name}", self.cloud.region, self.cloud.account)
        taken = self.cloud.world.get(self.type_name, identifier)
        if taken is not None and taken.token != request.token:
            raise HandlerError("Creation of service was not idempotent.", "InvalidParameterException")
        attributes = {"Name": name, "ServiceArn": identifier}
        return _record(request, identifier, attributes)

    async def update(self, request: Request) -> Outcome:
        _check(request.properties)
        identifier = str(request.identifier)
        await self.cloud.containers.deploy(_record(request, identifier, request.attributes))
        return Outcome(identifier, dict(request.attributes))

    async def delete(self, request: Request) -> None:
        if request.identifier is not None:
            await self.cloud.containers.remove(request.identifier)

    async def resume(self, record: Record) -> None:
        """All services come back at the same time, in the background."""
        if self.cloud.swapped.is_held(self.type_name, record.identifier):
            return  # `klotho dev` has newer code in place
        await self.cloud.containers.resume(record)

    async def suspend(self, record: Record) -> None:
        await self.cloud.containers.remove(record.identifier)


def _check(properties: Mapping[str, Any]) -> None:
    if properties.get("SchedulingStrategy", "REPLICA") != "REPLICA":
        raise HandlerError(
            "SchedulingStrategy DAEMON is not carried by the local cloud; use REPLICA", "ClientException"
        )
    if "TaskDefinition" not in properties:
        raise HandlerError("TaskDefinition is required", "InvalidParameterException")
    if int(properties.get("DesiredCount", 1)) < 0:
        raise HandlerError("DesiredCount can't be negative", "InvalidParameterException")


def _record(request: Request, identifier: str, attributes: Mapping[str, Any]) -> Record:
    """What the World will hold once the operation is through."""
    return Record(
        request.type_name,
        identifier,
        request.properties,
        attributes,
        request.token,
        request.stack_id,
        request.stack_name,
        request.logical_id,
        request.tags,
    )
