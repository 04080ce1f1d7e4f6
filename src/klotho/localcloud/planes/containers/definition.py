"""What a service is to run, read from its records and its task definition's.

Input: the record of an AWS::ECS::Service and the `World`. Output: a `ServiceSpec`, plain values only. Refuses, as
`HandlerError`: a task definition that is not there, more than one container, an image not made by Klotho, another log
driver than awslogs, a health check or a secret reference that can't be honoured here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from klotho.localcloud.handler import HandlerError, Properties, Record, application_of
from klotho.localcloud.planes.containers.health import HealthCheck, health_check
from klotho.localcloud.planes.containers.image import REPOSITORY
from klotho.localcloud.world import World

TASK_DEFINITION = "AWS::ECS::TaskDefinition"
DEFAULT_STOP_TIMEOUT_S = 30.0
"""ECS's default between the stop signal and SIGKILL (ContainerDefinition, stopTimeout)."""
DEFAULT_START_S = 60.0
"""How long a task may take until it accepts connections, when the service has no grace period."""
_URI = re.compile(rf"{re.escape(REPOSITORY)}@sha256:([0-9a-f]{{64}})")


@dataclass(frozen=True, slots=True)
class Port:
    """A port mapping of the container."""

    name: str
    number: int
    """What the program listens on in a container; here each process gets a free one."""
    protocol: str


@dataclass(frozen=True, slots=True)
class Alias:
    """A name under which Service Connect offers a port inside a namespace."""

    namespace: str
    dns_name: str
    port: int
    port_name: str
    discovery_name: str


@dataclass(frozen=True, slots=True)
class TaskSpec:
    definition: str
    image: str
    """The digest of the image."""
    container: str
    environment: Mapping[str, str]
    secrets: Mapping[str, str]
    """Variable -> `valueFrom`."""
    entrypoint: tuple[str, ...] | None
    command: tuple[str, ...] | None
    workdir: str | None
    ports: tuple[Port, ...]
    stop_timeout_s: float
    health: HealthCheck | None
    memory_mb: int | None
    """The least of the task's and the container's `Memory`; None when neither says so."""
    log_group: str
    log_prefix: str
    role_arn: str | None


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    identifier: str
    name: str
    """The construct's name where the tags say it, else the service's."""
    desired: int
    namespace: str | None
    aliases: tuple[Alias, ...]
    registries: Mapping[str, str]
    """Cloud Map service or target group ARN -> port name."""
    start_s: float
    task: TaskSpec
    application: str | None = None


def construct_name(properties: Properties, otherwise: str) -> str:
    """The construct's name in the user's program, which the engine puts into the resource's tags."""
    tags = {str(tag["Key"]): str(tag["Value"]) for tag in properties.get("Tags", ())}
    return tags.get("klotho:construct", otherwise)


def service_spec(record: Record, world: World) -> ServiceSpec:
    """Read a service; `HandlerError` for what can't be run here."""
    properties = record.properties
    definition = _definition(str(properties.get("TaskDefinition", "")), world)
    name = construct_name(properties, str(record.attributes.get("Name", record.identifier.rsplit("/", 1)[-1])))
    task = _task(definition, name)
    connect: Mapping[str, Any] = properties.get("ServiceConnectConfiguration") or {}
    enabled = str(connect.get("Enabled", "false")).lower() == "true"
    namespace = namespace_name(str(connect["Namespace"]), world) if enabled and "Namespace" in connect else None
    return ServiceSpec(
        identifier=record.identifier,
        name=name,
        desired=int(properties.get("DesiredCount", 1)),
        namespace=namespace,
        aliases=_aliases(connect, namespace, task.ports) if namespace else (),
        registries={
            str(registry["RegistryArn"]): _registry_port(registry, task.ports, name)
            for registry in properties.get("ServiceRegistries", ())
        }
        | {
            str(item["TargetGroupArn"]): _registry_port(item, task.ports, name)
            for item in properties.get("LoadBalancers", ())
        },
        start_s=float(properties.get("HealthCheckGracePeriodSeconds") or DEFAULT_START_S),
        task=task,
        application=application_of(record),
    )


def namespace_name(given: str, world: World) -> str:
    """The name of a namespace given by name, id or ARN."""
    for type_name in ("AWS::ServiceDiscovery::HttpNamespace", "AWS::ServiceDiscovery::PrivateDnsNamespace"):
        for record in world.list(type_name):
            if given in (record.identifier, record.attributes.get("Arn"), record.properties.get("Name")):
                return str(record.properties["Name"])
    return given.rsplit("/", 1)[-1]


def _definition(reference: str, world: World) -> Record:
    found = world.get(TASK_DEFINITION, reference)
    if found is not None:
        return found
    family, _, revision = reference.rpartition("/")[2].partition(":")
    candidates = [
        record
        for record in world.list(TASK_DEFINITION)
        if record.identifier.rpartition("/")[2].startswith(f"{family}:")
        and (not revision or record.identifier.endswith(f":{revision}"))
    ]
    if not candidates:
        raise HandlerError(f"TaskDefinition `{reference}` not found", "ClientException")
    return max(candidates, key=lambda record: int(record.identifier.rpartition(":")[2]))


def _task(record: Record, service: str) -> TaskSpec:
    containers: list[Mapping[str, Any]] = record.properties.get("ContainerDefinitions", [])
    if len(containers) != 1:
        names = ", ".join(str(container.get("Name")) for container in containers) or "none"
        raise HandlerError(
            f"{service}: the local cloud runs one container a task, without sidecars; this one has {names}",
            "ClientException",
        )
    container = containers[0]
    uri = str(container.get("Image", ""))
    found = _URI.fullmatch(uri)
    if found is None:
        raise HandlerError(
            f"{service}: image `{uri}` is not carried; the local cloud uses no container engine, it runs what `klotho "
            f"up` builds from a Dockerfile ({REPOSITORY}@sha256:…)",
            "ClientException",
        )
    name = str(container.get("Name", service))
    ports = tuple(_port(mapping) for mapping in container.get("PortMappings", ()))
    group, prefix = _logs(container, service)
    check = container.get("HealthCheck")
    return TaskSpec(
        definition=record.identifier,
        image=found[1],
        container=name,
        environment={str(pair["Name"]): str(pair.get("Value", "")) for pair in container.get("Environment", ())},
        secrets={str(pair["Name"]): str(pair["ValueFrom"]) for pair in container.get("Secrets", ())},
        entrypoint=_words(container, "EntryPoint"),
        command=_words(container, "Command"),
        workdir=container.get("WorkingDirectory"),
        ports=ports,
        stop_timeout_s=float(container.get("StopTimeout", DEFAULT_STOP_TIMEOUT_S)),
        health=health_check(check, service) if check else None,
        memory_mb=min(map(int, filter(None, (record.properties.get("Memory"), container.get("Memory")))), default=None),
        log_group=group,
        log_prefix=prefix,
        role_arn=record.properties.get("TaskRoleArn"),
    )


def _words(container: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    value = container.get(name)
    return tuple(map(str, value)) if value else None


def _port(mapping: Mapping[str, Any]) -> Port:
    number = int(mapping["ContainerPort"])
    if str(mapping.get("Protocol", "tcp")).lower() != "tcp":
        raise HandlerError(f"port {number}: the local cloud carries tcp only", "ClientException")
    return Port(str(mapping.get("Name", number)), number, str(mapping.get("AppProtocol", "tcp")))


def _logs(container: Mapping[str, Any], service: str) -> tuple[str, str]:
    configuration: Mapping[str, Any] = container.get("LogConfiguration") or {}
    driver = configuration.get("LogDriver", "awslogs")
    if driver != "awslogs":
        raise HandlerError(f"{service}: log driver `{driver}` is not carried; use awslogs", "ClientException")
    options: Mapping[str, Any] = configuration.get("Options") or {}
    return str(options.get("awslogs-group", f"/ecs/{service}")), str(options.get("awslogs-stream-prefix", "ecs"))


def _aliases(connect: Mapping[str, Any], namespace: str, ports: tuple[Port, ...]) -> tuple[Alias, ...]:
    known = {port.name: port for port in ports}
    found = []
    for service in connect.get("Services", ()):
        port_name = str(service["PortName"])
        if port_name not in known:
            raise HandlerError(
                f"Service Connect names port `{port_name}`, which the task does not have", "InvalidParameter"
            )
        discovery = str(service.get("DiscoveryName", port_name))
        for alias in service.get("ClientAliases", ()) or [{"Port": known[port_name].number}]:
            dns_name = str(alias.get("DnsName", f"{discovery}.{namespace}"))
            found.append(Alias(namespace, dns_name, int(alias["Port"]), port_name, discovery))
    return tuple(found)


def _registry_port(registry: Mapping[str, Any], ports: tuple[Port, ...], service: str) -> str:
    wanted = registry.get("ContainerPort", registry.get("Port"))
    for port in ports:
        if wanted is None or port.number == int(wanted):
            return port.name
    raise HandlerError(
        f"{service}: ServiceRegistries names port {wanted}, which the task does not have", "InvalidParameter"
    )
