"""`Compute.Container` on ECS Fargate.

Becomes a task definition, a service in the private subnets with the deployment circuit breaker, a role for the code
(empty until a relationship grants something), a role for the agent that pulls the image and writes logs, and a log
group. Sources: Amazon ECS Developer Guide (task definition parameters, Service Connect, service discovery, circuit
breaker), Application Auto Scaling User Guide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from klotho.application import Construct
from klotho.catalogue.adoption import Adoption, Beside, Fact, fact_of, group_beside
from klotho.catalogue.iam import allow, policy_key, role
from klotho.catalogue.kinds.container_check import check_container
from klotho.catalogue.kinds.container_keys import service_key as service_key
from klotho.catalogue.kinds.container_ports import main_port, named_ports, port_variables
from klotho.catalogue.kinds.container_scaling import check_spread, scaling, spread
from klotho.catalogue.kinds.shared import CLUSTER, NAMESPACE, cluster, namespace
from klotho.catalogue.kinds.values import given_text
from klotho.catalogue.network import security_group_key
from klotho.catalogue.rules import (
    ECS,
    Compute,
    Implementation,
    NetworkPlace,
    Output,
    Parameter,
    Placement,
    ServiceNeed,
    Setting,
)
from klotho.catalogue.tables import iam_actions
from klotho.resources import (
    AddItem,
    AddResource,
    Asset,
    DependsOn,
    PackageAsset,
    Pseudo,
    Ref,
    ResourceKey,
    SetProperty,
    Value,
    join,
    resource_key,
)
from klotho.resources.changes import Action
from klotho.resources.naming import dashed

MAIN = "main"
"""The name of the container definition that runs the user's image."""
_X86_DOCKERFILE = re.compile(
    r"^\s*FROM\s+--platform=(linux/)?(amd64|x86_64)\b"
    r"|^(?!\s*#).*(\bGOARCH=amd64|\blinux-(musl-)?x64|\bdotnet\s.*\s(-a|--arch)[ =](x64|amd64))\b",
    re.IGNORECASE | re.MULTILINE,
)
"""The platform of a stage, or what Go or .NET is told to build for: such a program can't start on Arm."""
_X86_IMAGE = re.compile(r"amd64|x86[_-]64", re.IGNORECASE)
_REPOSITORY = "repository/klotho-assets"


def task_key(construct: Construct) -> ResourceKey:
    return resource_key(construct.id, "task-definition")


def _noun(construct: Construct) -> str:
    return construct.kind.rpartition(".")[2].lower()


def task_role(construct: Construct) -> ResourceKey:
    """The role the user's code runs under."""
    return resource_key(construct.id, "task-role")


def discovery_key(construct: Construct) -> ResourceKey:
    return resource_key(construct.id, "discovery")


def _execution_role(construct: Construct) -> ResourceKey:
    return resource_key(construct.id, "execution-role")


def _logs(construct: Construct) -> ResourceKey:
    return resource_key(construct.id, "service-logs")


def dns_name(construct: Construct, setting: Setting) -> str:
    """The name other containers know it by. A project has one namespace, so there the application is part of it."""
    application = setting.owner(construct)
    # A function may have a container's name.
    name = construct.name if construct.kind == FARGATE.kind else f"{construct.name}-{_noun(construct)}"
    if not application.in_project:
        return dashed(name, 60)
    return f"{dashed(name, 33)}.{dashed(application.name, 26)}"


def fargate(construct: Construct, setting: Setting) -> Iterator[Action]:
    """The service and what it needs to start."""
    yield from ecs_service(construct, setting, {"LaunchType": "FARGATE"})


def fargate_spot(construct: Construct, setting: Setting) -> Iterator[Action]:
    """The same on spare capacity, which costs about a third and may be taken away at two minutes' notice."""
    spare = [{"CapacityProvider": "FARGATE_SPOT", "Weight": 1}]
    yield from ecs_service(construct, setting, {"CapacityProviderStrategy": spare})


class TaskImage(NamedTuple):
    """What a task runs."""

    image: Value
    architecture: str
    """`ARM64` or `X86_64`."""
    cpu: int
    memory: int


def ecs_service(
    construct: Construct, setting: Setting, launch: Mapping[str, Any], what: TaskImage | None = None
) -> Iterator[Action]:
    """`launch`: on what its tasks run, as the service says it; `what`: what, other than the container's own image."""
    yield from cluster()
    yield AddResource(_logs(construct), "AWS::Logs::LogGroup")
    yield from role(task_role(construct), "ecs-tasks.amazonaws.com", f"The code of {_noun(construct)} {construct.name}")
    yield from _agent(construct, setting)
    yield from _task_definition(construct, setting, what or _container_image(construct, setting))
    yield from _service(construct, setting, launch)
    yield from scaling(construct, setting)
    if setting.application.in_project:  # others may call it, whose coming must not change it
        yield from service_connect_server(construct, setting)
        yield from registered(construct, setting)
    if setting.policy.enter:
        yield from _entry(construct)


def _entry(construct: Construct) -> Iterator[Action]:
    """ECS Exec, which a task needs from its start to be entered."""
    yield SetProperty(service_key(construct), ("EnableExecuteCommand",), True)
    yield from allow(task_role(construct), "be entered", iam_actions("unscoped", "ecs_exec"), ["*"])
    # The agent in the task opens its channel once, when it starts.
    yield DependsOn(service_key(construct), policy_key(task_role(construct)))


def _agent(construct: Construct, setting: Setting) -> Iterator[Action]:
    """The role of the ECS agent: it pulls the image and writes logs; the code never gets it."""
    key = _execution_role(construct)
    yield from role(key, "ecs-tasks.amazonaws.com", f"Starts {_noun(construct)} {construct.name}")
    yield from allow(key, "write logs", iam_actions("logs", "write"), [Ref(_logs(construct), "Arn")])
    if setting.parameter(construct, "image") is None:
        place = (Pseudo("AWS::Partition"), ":ecr:", Pseudo("AWS::Region"), ":", Pseudo("AWS::AccountId"), ":")
        yield from allow(key, "pull image", iam_actions("ecr", "pull"), [join("arn:", *place, _REPOSITORY)])
        yield from allow(key, "log in to registry", iam_actions("unscoped", "ecr_login"), ["*"])
    yield DependsOn(service_key(construct), policy_key(key))


def _container_image(construct: Construct, setting: Setting) -> TaskImage:
    image = setting.parameter(construct, "image")
    return TaskImage(
        image if image is not None else Asset(construct.id, "image"),
        processor(construct, setting),
        int(setting.parameter(construct, "cpu")),
        int(setting.parameter(construct, "memory")),
    )


def _task_definition(construct: Construct, setting: Setting, what: TaskImage) -> Iterator[Action]:
    key, ports = task_key(construct), named_ports(construct, setting)
    command = setting.parameter(construct, "command")
    definition: dict[str, Any] = {
        "Name": MAIN,
        "Image": what.image,
        "Essential": True,
        "LogConfiguration": {
            "LogDriver": "awslogs",
            "Options": {
                "awslogs-group": Ref(_logs(construct)),
                "awslogs-region": Pseudo("AWS::Region"),
                "awslogs-stream-prefix": dashed(construct.name, 60),
            },
        },
    }
    if command is not None:
        definition["Command"] = command
    yield AddResource(
        key,
        "AWS::ECS::TaskDefinition",
        {
            "RequiresCompatibilities": ["FARGATE"],
            "NetworkMode": "awsvpc",
            "Cpu": str(what.cpu),
            "Memory": str(what.memory),
            "RuntimePlatform": {"CpuArchitecture": what.architecture, "OperatingSystemFamily": "LINUX"},
            "TaskRoleArn": Ref(task_role(construct), "Arn"),
            "ExecutionRoleArn": Ref(_execution_role(construct), "Arn"),
        },
    )
    yield AddItem(key, ("ContainerDefinitions",), MAIN, definition)
    for name, port in ports.items():
        mapping: dict[str, Any] = {"Name": name, "ContainerPort": port, "Protocol": "tcp"}
        mapping["AppProtocol"] = "grpc" if name == "grpc" else "http"
        yield AddItem(key, ("ContainerDefinitions", MAIN, "PortMappings"), name, mapping)
    yield from _health_check(construct, setting)
    yield from _environment(construct, setting)


def processor(construct: Construct, setting: Setting) -> str:
    """As given, else x86-64 when the image or its Dockerfile says so, else Arm, which costs a fifth less on Fargate."""
    given = setting.parameter(construct, "architecture")
    if given is None:
        image = setting.parameter(construct, "image")
        text = setting.files.read(_dockerfile(construct, setting)) if image is None else None
        x86 = _X86_DOCKERFILE.search(text) if text else _X86_IMAGE.search(image or "")
        given = "x86_64" if x86 else "arm64"
    return str(given).upper()


def _health_check(construct: Construct, setting: Setting) -> Iterator[Action]:
    path = setting.parameter(construct, "health_check")
    if path is None:
        return
    url = f"http://localhost:{main_port(construct, setting)}{path}"
    yield SetProperty(
        task_key(construct),
        ("ContainerDefinitions", MAIN, "HealthCheck"),
        {
            "Command": ["CMD-SHELL", f"curl -fsS {url} || wget -qO- {url} || exit 1"],
            "Interval": 10,
            "Timeout": 5,
            "Retries": 3,
            "StartPeriod": 30,
        },
    )


def _environment(construct: Construct, setting: Setting) -> Iterator[Action]:
    yield environment(construct, "KLOTHO_UNIT", construct.name)
    for name, port in port_variables(construct, setting).items():
        yield environment(construct, name, str(port))
    for name, value in (setting.parameter(construct, "environment") or {}).items():
        yield environment(construct, name, given_text(value, setting))


def environment(construct: Construct, name: str, value: Value) -> Action:
    """One environment variable of the user's container."""
    path = ("ContainerDefinitions", MAIN, "Environment")
    return AddItem(task_key(construct), path, name, {"Name": name, "Value": value})


def _service(construct: Construct, setting: Setting, launch: Mapping[str, Any]) -> Iterator[Action]:
    scale = setting.parameter(construct, "scale")
    properties: dict[str, Any] = {
        "Cluster": Ref(CLUSTER),
        "TaskDefinition": Ref(task_key(construct)),
        "DesiredCount": scale[0],
        "DeploymentConfiguration": {
            "MinimumHealthyPercent": 100,
            "MaximumPercent": 200,
            "DeploymentCircuitBreaker": {"Enable": True, "Rollback": True},
        },
        "EnableECSManagedTags": True,
        "PropagateTags": "SERVICE",
        **launch,
    }
    yield AddResource(service_key(construct), "AWS::ECS::Service", properties)


def enter_network(construct: Construct, place: NetworkPlace, setting: Setting) -> Iterator[Action]:
    """Tasks live in the private subnets behind their own security group."""
    yield SetProperty(
        service_key(construct),
        ("NetworkConfiguration", "AwsvpcConfiguration"),
        {
            "AssignPublicIp": "DISABLED",
            "Subnets": list(place.subnets),
            "SecurityGroups": [place.security_group],
        },
    )


def service_connect_server(construct: Construct, setting: Setting) -> Iterator[Action]:
    """Other containers can call it by name, on every named port. One of another application has seen to it."""
    if setting.foreign(construct) is not None:
        return
    yield from service_connect_client(construct, setting)
    for name, port in named_ports(construct, setting).items():
        yield AddItem(
            service_key(construct),
            ("ServiceConnectConfiguration", "Services"),
            name,
            {
                "PortName": name,
                "DiscoveryName": dashed(f"{dns_name(construct, setting)}-{name}", 60),
                "ClientAliases": [{"DnsName": dns_name(construct, setting), "Port": port}],
            },
        )


def service_connect_client(construct: Construct, setting: Setting) -> Iterator[Action]:
    """It can call other containers by name."""
    yield from namespace(setting)
    key = service_key(construct)
    yield SetProperty(key, ("ServiceConnectConfiguration", "Enabled"), True)
    yield SetProperty(key, ("ServiceConnectConfiguration", "Namespace"), Ref(NAMESPACE, "Arn"))


def registered(construct: Construct, setting: Setting) -> Iterator[Action]:
    """It is found in Cloud Map by SRV records, port included: what HTTP APIs and functions look it up by.

    ECS takes one registry a service and a Cloud Map service can't hold both A and SRV records. A container of another
    application has seen to it.
    """
    if setting.foreign(construct) is not None:
        return
    yield from namespace(setting)
    yield AddResource(
        discovery_key(construct),
        "AWS::ServiceDiscovery::Service",
        {
            "Name": dns_name(construct, setting),
            "DnsConfig": {
                "NamespaceId": Ref(NAMESPACE, "Id"),
                "DnsRecords": [{"Type": "SRV", "TTL": 10}],
            },
            # ECS then tells Cloud Map of each task whether it is healthy, and only healthy ones are found.
            "HealthCheckCustomConfig": {"FailureThreshold": 1},
        },
    )
    yield AddItem(
        service_key(construct),
        ("ServiceRegistries",),
        "discovery",
        {
            "RegistryArn": Ref(discovery_key(construct), "Arn"),
            "ContainerName": MAIN,
            "ContainerPort": main_port(construct, setting),
        },
    )


def _needs(construct: Construct, setting: Setting) -> Iterator[ServiceNeed]:
    for service in ("ecr.api", "ecr.dkr", "logs", "s3", *(("ssmmessages",) if setting.policy.enter else ())):
        yield ServiceNeed(service)


def image_asset(construct: Construct, setting: Setting) -> PackageAsset | None:
    """What its image is built from; None for one that is published already."""
    if setting.parameter(construct, "image") is not None:
        return None
    properties = {
        "context": setting.parameter(construct, "context"),
        "dockerfile": _dockerfile(construct, setting),
        "build_args": {},
        "architecture": processor(construct, setting).lower(),
    }
    return PackageAsset(construct.id, "image", properties)


def _dockerfile(construct: Construct, setting: Setting) -> str:
    context = setting.parameter(construct, "context")
    return str(setting.parameter(construct, "dockerfile") or f"{context.rstrip('/')}/Dockerfile")


def _url(construct: Construct, setting: Setting) -> Value:
    if setting.adopted(construct) is not None:
        return fact_of(construct, setting, "url") or ""
    return f"http://{dns_name(construct, setting)}:{main_port(construct, setting)}"


FARGATE = Implementation(
    kind="Compute.Container",
    name="fargate",
    service="Amazon ECS on AWS Fargate",
    expand=fargate,
    parameters={
        "context": Parameter("folder with the Dockerfile and what it copies, relative to the program"),
        "dockerfile": Parameter("the Dockerfile, relative to the program (default: `Dockerfile` in the context)"),
        "image": Parameter("a published image instead of a build"),
        "port": Parameter("the port it listens on, injected as PORT", 8080, "TCP port"),
        "ports": Parameter(
            "several named ports: {name: port}; `grpc` is also injected as GRPC_PORT", None, "TCP ports"
        ),
        "command": Parameter("replaces the image's CMD: a list of words"),
        "environment": Parameter("environment variables; outputs of other constructs may be used"),
        "architecture": Parameter(
            "processor: `arm64` or `x86_64` (default: x86_64 when the image or its Dockerfile says so, else arm64)"
        ),
        "cpu": Parameter("CPU of one task", 256, "CPU units (1024 = 1 vCPU)"),
        "memory": Parameter("memory of one task", 512, "MiB"),
        "scale": Parameter("fewest and most tasks; between them CPU at 60 % decides", [1, 1], "tasks"),
        "health_check": Parameter("path that answers 2xx when healthy; the image needs curl or wget"),
        "always_on": Parameter(
            "False: it may be interrupted, so it runs on Fargate Spot unless `use(…)` says otherwise"
        ),
    },
    outputs={
        "url": Output(_url, "where other containers of this application reach it, and nobody else", internal=True)
    },
    placement=Placement.INSIDE,
    enter_network=enter_network,
    spread=spread,
    check_spread=check_spread,
    needs=_needs,
    shares=lambda construct, setting: (("container-security-group", "GroupId"),),
    adoption=Adoption(
        type="AWS::ECS::Service",
        key=service_key,
        service="ecs",
        resource="service/{}",
        name=r"[A-Za-z0-9_-]{1,255}/[A-Za-z0-9_-]{1,255}",
        arn_only=True,
        example="main/pdf",
        identifier=lambda found: found.arn,
        attributes={"Name": lambda found: found.name.rpartition("/")[2]},
        beside=(
            group_beside(security_group_key),
            Beside(
                "AWS::ServiceDiscovery::Service",
                discovery_key,
                lambda found: found.fact("discovery"),
                {"Arn": lambda found: found.fact("discovery")},
            ),
        ),
        facts={
            "url": Fact("where it is called over HTTP"),
            "grpc": Fact("where it is called over gRPC: `host:port`"),
            "security_group": Fact(
                "the group that lets its callers in: its load balancer's, where it is called through one",
                "NetworkConfiguration.AwsvpcConfiguration.SecurityGroups.0",
            ),
            "discovery": Fact(
                "the ARN of its service in Cloud Map, by which APIs reach it", "ServiceRegistries.0.RegistryArn"
            ),
            "port": Fact(
                "the port its callers are let in at; without it that of its address, or in Cloud Map",
                "ServiceRegistries.0.ContainerPort",
            ),
        },
        looked_up=lambda found: ("AWS::ECS::Service", f"{found.arn}|{found.name.partition('/')[0]}"),
        networked=True,
    ),
    compute=Compute(role=task_role, environment=environment, main=service_key, host=ECS),
    asset=image_asset,
    fits=lambda construct: construct.properties.get("always_on") is not False,
    check=check_container,
)
FARGATE_SPOT = replace(
    FARGATE,
    name="fargate-spot",
    expand=fargate_spot,
    fits=lambda construct: construct.properties.get("always_on") is not True,
)
"""For what may be interrupted: two minutes after it is told to stop, its capacity is somebody else's."""
