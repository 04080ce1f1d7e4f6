"""How an execution environment of a function is started: the words, the folder and the variables of its process.

Input: a function and where its code lies. Output: a `Sandbox`. A container on Lambda is started as it is on ECS, behind
what stands for AWS's Lambda Web Adapter (`web_adapter.py`); each one listens on a free port of this machine, which its
variables name. Raises `HandlerError` for a container with nothing to run.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from klotho.localcloud.handler import HandlerError
from klotho.localcloud.planes.containers.definition import Port, ServiceSpec, TaskSpec
from klotho.localcloud.planes.containers.environment import environment as container_environment
from klotho.localcloud.planes.containers.image import Image
from klotho.localcloud.planes.containers.paths import inside
from klotho.localcloud.planes.containers.words import NothingToRunError, argv
from klotho.localcloud.planes.functions import runtimes
from klotho.localcloud.planes.functions.environment import environment, lambda_variables
from klotho.localcloud.planes.functions.model import FunctionSpec
from klotho.localcloud.planes.sockets import free_port

if TYPE_CHECKING:
    from klotho.localcloud.cloud import Cloud

DEFAULT_PORT = 8080
"""Where the adapter expects the program unless AWS_LWA_PORT or PORT says otherwise."""


class Sandbox(NamedTuple):
    """What a process is started with."""

    argv: list[str]
    folder: Path
    environment: dict[str, str]


def sandbox(cloud: Cloud, spec: FunctionSpec, code: Path, packages: Path, opt: Path | None) -> Sandbox:
    """`packages`: what AWS's Python runtime brings; `opt`: what layers hold."""
    if spec.container is not None:
        return _container(cloud, spec, spec.container)
    try:
        words = runtimes.command(spec.runtime, spec.handler, code, packages, opt)
    except runtimes.RuntimeUnavailableError as error:
        raise HandlerError(str(error), "InvalidParameterValueException") from error
    return Sandbox(words, code, environment(cloud, spec, code, packages, opt))


def _container(cloud: Cloud, spec: FunctionSpec, image: Image) -> Sandbox:
    number = int(spec.environment.get("AWS_LWA_PORT") or spec.environment.get("PORT") or DEFAULT_PORT)
    port = free_port()
    service = _service(spec, image, number)
    variables = container_environment(cloud, service, image, {"http": port}, lambda name: 0)
    folder = inside(image.root, image.config.workdir)
    for needed in (folder, Path(variables["HOME"])):
        needed.mkdir(parents=True, exist_ok=True)
    try:
        command = argv(service.task, image, variables["PATH"], folder)
    except NothingToRunError as error:
        raise HandlerError(f"{spec.construct}: {error}", "InvalidParameterValueException") from error
    by_tcp = spec.environment.get("AWS_LWA_READINESS_CHECK_PROTOCOL") == "tcp"
    path = None if by_tcp else spec.environment.get("AWS_LWA_READINESS_CHECK_PATH", "/")
    told = {"command": command, "port": port, "path": path}
    interpreter = getattr(sys, "_base_executable", None) or sys.executable
    adapter = [interpreter, "-S", str(Path(__file__).with_name("web_adapter.py")), json.dumps(told)]
    return Sandbox(adapter, folder, {**variables, **lambda_variables(cloud, spec)})


def _service(spec: FunctionSpec, image: Image, port: int) -> ServiceSpec:
    """The container as ECS would be told of it."""
    task = TaskSpec(
        definition=spec.arn,
        image=image.digest,
        container="main",
        environment=spec.environment,
        secrets={},
        entrypoint=None,
        command=spec.command,
        workdir=None,
        ports=(Port("http", port, "http"),),
        stop_timeout_s=0,
        health=None,
        memory_mb=spec.memory_mb,
        log_group=spec.log_group,
        log_prefix="",
        role_arn=spec.role_arn,
    )
    return ServiceSpec(spec.arn, spec.construct, 0, None, (), {}, 0, task, spec.application)
