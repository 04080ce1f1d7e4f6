"""A container on AWS: a command or a shell in it by ECS Exec, a port beyond it by Session Manager.

Input: clients and a service. Output: the `session-manager-plugin` command line that connects this terminal. Failure:
functions (there is no process to enter), services without ECS Exec, no running task, a missing plugin; each says what
is needed.

How the plugin is called, and the target `ecs:<cluster>_<task>_<runtime id>`, are those of the AWS CLI
(`awscli/customizations/ecs/executecommand.py` and `sessionmanager.py`); the document for a port is Session Manager's
`AWS-StartPortForwardingSessionToRemoteHost` (parameters `host`, `portNumber`, `localPortNumber`).
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from klotho.deploy.place import Clients, translated
from klotho.diagnostics import Failure
from klotho.driver.reach.local import Command
from klotho.driver.reach.services import Service

PLUGIN = "session-manager-plugin"
_DOCUMENT = "AWS-StartPortForwardingSessionToRemoteHost"


@dataclass(frozen=True, slots=True)
class _Container:
    """One running container."""

    cluster: str
    task: str
    """Its ARN."""
    name: str
    runtime_id: str

    @property
    def target(self) -> str:
        return f"ecs:{self.cluster}_{self.task.rpartition('/')[2]}_{self.runtime_id}"


def command(clients: Clients, service: Service, words: Sequence[str] | None, profile: str | None) -> Command:
    """`words` in a running container of the service; None: a shell."""
    container, plugin = _container(clients, service), _plugin()
    with translated(f"entering {service.name}"):
        answer = clients.containers.execute_command(
            cluster=container.cluster,
            task=container.task,
            container=container.name,
            command=shlex.join(words) if words else "/bin/sh",
            interactive=True,
        )
    return _connected(plugin, clients, answer["session"], {"Target": container.target}, profile, "ecs")


def port_forwarding(
    clients: Clients, service: Service, host: str, port: int, local_port: int, profile: str | None
) -> Command:
    """A port of this machine that leads to one that the service's container reaches."""
    container, plugin = _container(clients, service), _plugin()
    parameters = {"host": [host], "portNumber": [str(port)], "localPortNumber": [str(local_port)]}
    asked = {"Target": container.target, "DocumentName": _DOCUMENT, "Parameters": parameters}
    with translated(f"opening a tunnel through {service.name}"):
        answer = clients.sessions.start_session(**asked)
    session = {name: answer[name] for name in ("SessionId", "TokenValue", "StreamUrl")}
    return _connected(plugin, clients, session, asked, profile, "ssm")


def variables_of(clients: Clients, service: Service) -> dict[str, str]:
    """What the template gives the service as environment variables; no secret is among them."""
    with translated(f"reading the environment of {service.name}"):
        if service.kind == "function":
            found = clients.functions.get_function_configuration(FunctionName=service.identifier)
            return dict(found.get("Environment", {}).get("Variables", {}))
        if service.kind == "pods":
            raise _in_kubernetes(service, "deployment,pods -o yaml")
        ecs = clients.containers
        described = ecs.describe_services(cluster=service.cluster, services=[service.identifier])["services"]
        definition = ecs.describe_task_definition(taskDefinition=described[0]["taskDefinition"])["taskDefinition"]
        pairs = definition["containerDefinitions"][0].get("environment", ())
    return {str(pair["name"]): str(pair["value"]) for pair in pairs}


def _plugin() -> str:
    found = shutil.which(PLUGIN)
    if found is None:
        raise Failure(
            "session-plugin-missing",
            f"`{PLUGIN}` is not installed: AWS's Session Manager connects this terminal through it",
            helps=("install it: https://docs.aws.amazon.com/systems-manager/latest/userguide/"
                   "session-manager-working-with-install-plugin.html",),
        )  # fmt: skip
    return found


def _container(clients: Clients, service: Service) -> _Container:
    if service.kind == "function":
        raise Failure(
            "no-process-to-enter",
            f"`{service.name}` is a function: on AWS it has no process that could be entered",
            helps=("name a container", "against the local cloud it works: leave out `--env`"),
        )
    if service.kind == "pods":
        raise _in_kubernetes(service, f"exec -it deployment/{service.identifier.rpartition('/')[2]} -- sh")
    ecs = clients.containers
    with translated(f"looking for a running task of {service.name}"):
        asked = {"cluster": service.cluster, "serviceName": service.identifier, "desiredStatus": "RUNNING"}
        arns = ecs.list_tasks(**asked)["taskArns"]
        tasks = ecs.describe_tasks(cluster=service.cluster, tasks=arns)["tasks"] if arns else []
    running = [task for task in tasks if task.get("lastStatus") == "RUNNING"]
    if not running:
        raise Failure(
            "no-process-to-enter",
            f"no task of `{service.name}` runs",
            helps=("see `klotho status` and `klotho logs`",),
        )
    task = next((task for task in running if task.get("enableExecuteCommand")), None)
    if task is None:
        raise _not_enabled(service)
    container = task["containers"][0]
    return _Container(service.cluster, str(task["taskArn"]), str(container["name"]), str(container["runtimeId"]))


def _in_kubernetes(service: Service, instead: str) -> Failure:
    """Its API is reached from the cluster's network only, by who has an access entry."""
    cluster, namespace, _ = service.identifier.split("/")
    return Failure(
        "no-process-to-enter",
        f"`{service.name}` runs on Kubernetes, and Klotho itself has no access to the cluster {cluster} on AWS",
        helps=(
            f"with an access entry and a way into its network: `kubectl -n {namespace} {instead}`",
            "against the local cloud it works: leave out `--env`",
        ),
    )


def _not_enabled(service: Service) -> Failure:
    """ECS developer guide, "Using ECS Exec": the service flag, and four actions of the task role."""
    return Failure(
        "exec-not-enabled",
        f"the tasks of `{service.name}` run without ECS Exec",
        notes=("ECS Exec needs a flag on the service and `ssmmessages` actions in its task role",),
        helps=(
            "add `allow: [exec]` (or `shell`, `tunnel`) to the environment in klotho.yaml and run `klotho up`: its "
            "containers get both",
        ),
    )


def _connected(
    plugin: str,
    clients: Clients,
    session: Mapping[str, Any],
    asked: Mapping[str, Any],
    profile: str | None,
    service: str,
) -> Command:
    place = clients.place
    endpoint = place.endpoint_url or f"https://{service}.{place.region}.amazonaws.com"
    arguments = (plugin, json.dumps(session), place.region, "StartSession", profile or "", json.dumps(asked), endpoint)
    return Command(arguments, dict(os.environ))
