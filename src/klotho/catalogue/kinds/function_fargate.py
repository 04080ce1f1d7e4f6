"""`Compute.Function` on ECS Fargate: the handler behind a server that runs all the time (`klotho.handler_host`).

For what is longer, larger or sooner there than Lambda allows. The code does not change: the server hands events to the
handler's own runtime as Lambda does, takes requests of APIs and calls of other services over HTTP, and receives from
queues what triggers it. The image is AWS's base image for the runtime, with the package and the server in it. Sources:
AWS Lambda Developer Guide, "Create a Lambda function using a container image"; Amazon ECS Developer Guide, "Fargate
task definition differences" (task CPU and memory).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from klotho.application import Application, Construct
from klotho.catalogue.kinds.container import (
    FARGATE,
    TaskImage,
    ecs_service,
    environment,
    service_key,
    task_role,
)
from klotho.catalogue.kinds.function import LAMBDA, packaged
from klotho.catalogue.kinds.function_check import check_function_within, runtime_of
from klotho.catalogue.queues import calls_queue
from klotho.catalogue.rules import ECS, Compute, Parameter, Setting
from klotho.catalogue.tables import table
from klotho.diagnostics import Report
from klotho.resources import Asset, PackageAsset, json_text
from klotho.resources.changes import Action

MB_A_VCPU = 1769
"""As Lambda has it, so that a function gets on Fargate what it has there."""
DEFAULT_ARCHITECTURE = "arm64"
CONCURRENCY = 4
"""Calls at once in one task, unless `use("fargate", concurrency=…)` says otherwise."""


def function_on_fargate(construct: Construct, setting: Setting) -> Iterator[Action]:
    """The service, and what its server is told."""
    cpu, memory = task_size(int(setting.parameter(construct, "memory")))
    image = TaskImage(Asset(construct.id, "image"), _architecture(construct, setting).upper(), cpu, memory)
    yield from ecs_service(construct, setting, {"LaunchType": "FARGATE"}, image)
    told = {
        "handler": setting.parameter(construct, "handler").removeprefix("./"),
        "timeout": setting.parameter(construct, "timeout"),
        "memory": setting.parameter(construct, "memory"),
        "concurrency": setting.parameter(construct, "concurrency") or _concurrency(construct, setting),
    }
    yield environment(construct, "KLOTHO_HANDLER", json_text(told))
    called = any(item.verb == "calls" for item in setting.application.relationships_on(construct.id))
    if called or setting.application.in_project:  # others may call it and not wait for the answer
        yield from calls_queue(construct, setting)


def _concurrency(construct: Construct, setting: Setting) -> int:
    """One at a time of what needs more memory than Lambda has: calls of one task share its memory."""
    return 1 if setting.parameter(construct, "memory") > table("lambda")["limits"]["memory"][1] else CONCURRENCY


def task_size(memory: int) -> tuple[int, int]:
    """CPU units and MiB of the smallest task that has so much memory, and the CPU Lambda would give with it."""
    for units, (first, last, step) in table("fargate")["memory"].items():
        if int(units) * MB_A_VCPU >= min(memory, 10240) * 1024 * 0.85 and memory <= last:
            return int(units), max(first, -(-memory // step) * step)
    units, (_, last, _) = list(table("fargate")["memory"].items())[-1]
    return int(units), last


def _architecture(construct: Construct, setting: Setting) -> str:
    return str(setting.parameter(construct, "architecture") or DEFAULT_ARCHITECTURE)


def _asset(construct: Construct, setting: Setting) -> PackageAsset | None:
    base = table("lambda")["runtimes"][runtime_of(construct, setting)]["image"]
    made = {**packaged(construct, setting), "architecture": _architecture(construct, setting)}
    return PackageAsset(construct.id, "function-image", {**made, "base": base, "hosted": True})


def _unable(construct: Construct, application: Application) -> Iterator[str]:
    for item in application.relationships_on(construct.id):
        if item.verb == "calls" and item.properties.get("protocol") == "grpc":
            yield "functions speak no gRPC"


def _check(construct: Construct, setting: Setting, report: Report) -> None:
    check_function_within(construct, setting, report, "Fargate", table("fargate")["function"])


FUNCTION_ON_FARGATE = replace(
    FARGATE,
    kind=LAMBDA.kind,
    expand=function_on_fargate,
    parameters={
        **{name: item for name, item in LAMBDA.parameters.items() if name != "architecture"},
        "architecture": Parameter("processor: `arm64` or `x86_64`, which its packages are got for", None),
        "timeout": Parameter("longest run of one call", 30, "seconds"),
        "concurrency": Parameter("calls at once in one task, which share its memory (default: 4; 1 above 10240 MB)"),
        "scale": Parameter("fewest and most tasks; between them CPU at 60 % decides", [1, 1], "tasks"),
        "port": Parameter("the port of its server", 8080, "TCP port"),
        **{name: FARGATE.parameters[name] for name in ("ports", "image", "command", "health_check", "always_on")},
    },
    outputs={},  # it has no address: callers are granted it
    adoption=None,
    instead_of_adoption=(
        "a function that is there already is a function of Lambda",
        'leave out `use("fargate")`',
    ),
    compute=Compute(role=task_role, environment=environment, main=service_key, host=ECS),
    asset=_asset,
    unable=_unable,
    fits=lambda construct: True,
    check=_check,
)
