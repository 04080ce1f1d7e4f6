"""AWS::ECS::TaskDefinition: recorded as a revision of its family; a service runs it.

Input: the resource's properties. Output: an ARN `task-definition/<family>:<revision>`. Refuses by name: what is not in
`carries` (volumes, sidecars' needs, EFS), and more than one container.

Honoured per container: Image, Command, EntryPoint, WorkingDirectory, Environment, Secrets, PortMappings (tcp),
HealthCheck (curl, wget, nc), LogConfiguration (awslogs), StopTimeout. Recorded, because a process on this machine has
nothing of the kind or runs as you: Cpu, User, ReadonlyRootFilesystem, LinuxParameters, Ulimits, the platform and
ExecutionRoleArn. Memory is looked at once a second.
"""

from __future__ import annotations

from typing import ClassVar

from klotho.localcloud.handler import Handler, HandlerError, Outcome, Record, Request
from klotho.localcloud.identity import arn, physical_name


class EcsTaskDefinition(Handler):
    """A revision; every change of a property but the tags makes another."""

    type_name: ClassVar[str] = "AWS::ECS::TaskDefinition"
    carries: ClassVar[frozenset[str]] = frozenset(
        {
            *(
                f"ContainerDefinitions.{name}"
                for name in (
                    "Command",
                    "Cpu",
                    "DockerLabels",
                    "EntryPoint",
                    "Environment",
                    "Essential",
                    "HealthCheck",
                    "Image",
                    "LinuxParameters",
                    "LogConfiguration",
                    "Memory",
                    "MemoryReservation",
                    "Name",
                    "PortMappings.AppProtocol",
                    "PortMappings.ContainerPort",
                    "PortMappings.HostPort",
                    "PortMappings.Name",
                    "PortMappings.Protocol",
                    "ReadonlyRootFilesystem",
                    "Secrets",
                    "StartTimeout",
                    "StopTimeout",
                    "Ulimits",
                    "User",
                    "VersionConsistency",
                    "WorkingDirectory",
                )
            ),
            "Cpu",
            "EphemeralStorage",
            "ExecutionRoleArn",
            "Family",
            "Memory",
            "NetworkMode",
            "RequiresCompatibilities",
            "RuntimePlatform",
            "Tags",
            "TaskRoleArn",
        }
    )

    async def create(self, request: Request) -> Outcome:
        containers = request.properties.get("ContainerDefinitions") or []
        if len(containers) != 1:
            names = ", ".join(str(container.get("Name")) for container in containers) or "none"
            raise HandlerError(
                f"the local cloud runs one container a task, without sidecars; this definition has {names}",
                "ClientException",
            )
        family = str(
            request.properties.get("Family")
            or physical_name(request.stack_name, request.logical_id, request.token, 255)
        )
        made = arn(
            "ecs",
            f"task-definition/{family}:{self._revision(family, request.token)}",
            self.cloud.region,
            self.cloud.account,
        )
        return Outcome(made, {"TaskDefinitionArn": made})

    async def update(self, request: Request) -> Outcome:
        """Only tags can change without a new revision."""
        return Outcome(str(request.identifier), dict(request.attributes))

    async def delete(self, request: Request) -> None:
        """Tasks of the revision that still run go on, as on ECS."""

    async def resume(self, record: Record) -> None:
        """A definition does nothing by itself."""

    def _revision(self, family: str, token: str) -> int:
        """One more than the newest live revision; the same again for an operation that is tried again."""
        newest = 0
        for record in self.cloud.world.list(self.type_name):
            known, _, revision = record.identifier.rpartition("/")[2].rpartition(":")
            if known != family:
                continue
            if record.token == token:
                return int(revision)
            newest = max(newest, int(revision))
        return newest + 1
