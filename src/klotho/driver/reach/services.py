"""The deployed services of an application by the names people use.

Input: a session and who is meant. Output: `Service` values. Failure (`service-unknown`, exit 6) for a name none has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from klotho.deploy.place import translated
from klotho.deploy.stacks import DeployedStack
from klotho.deploy.template import construct_of
from klotho.diagnostics import ExitCode, Failure, did_you_mean, one_of
from klotho.driver.identity import Identity
from klotho.driver.session import Session

Kind = Literal["function", "container", "pods"]
_TYPES: Mapping[str, Kind] = {
    "AWS::Lambda::Function": "function",
    "AWS::ECS::Service": "container",
    "Custom::KubernetesObjects": "pods",
}


@dataclass(frozen=True, slots=True)
class Service:
    name: str
    kind: Kind
    identifier: str
    """The function's name, the ARN of the ECS service, or `<cluster>/<namespace>/<name>` of pods."""

    @property
    def cluster(self) -> str:
        """Of a container: `arn:…:service/<cluster>/<name>`."""
        return self.identifier.split("/")[1] if self.identifier.count("/") >= 2 else "default"


def services_of(session: Session, identity: Identity) -> dict[str, Service]:
    """By name, sorted."""
    deployed = session.calls.deployed(
        project=identity.project, environment=identity.environment.name, application=identity.application
    )
    with ThreadPoolExecutor(8) as threads:
        found = [
            item for items in threads.map(lambda stack: _of_stack(session, stack), deployed.values()) for item in items
        ]
    return {item.name: item for item in sorted(found, key=lambda item: item.name)}


def service_named(services: Mapping[str, Service], name: str) -> Service:
    if name in services:
        return services[name]
    known = sorted(services)
    raise Failure(
        "service-unknown",
        f"there is no service `{name}` that runs code",
        notes=(f"there is {one_of(known)}" if known else "nothing deployed runs code",),
        helps=(did_you_mean(name, known),),
        exit_code=ExitCode.NOT_FOUND,
    )


def _of_stack(session: Session, stack: DeployedStack) -> Iterable[Service]:
    with translated(f"reading the resources of {stack.name}"):
        answer = session.clients.cloudformation.describe_stack_resources(StackName=stack.stack_name)
    here = [item for item in answer["StackResources"] if item["ResourceType"] in _TYPES]
    if not here:
        return []
    resources = session.calls.template(stack.stack_name).get("Resources", {})
    found = []
    for item in here:
        construct = construct_of(resources.get(item["LogicalResourceId"], {}))
        kind, _, name = construct.rpartition("/")
        if kind.startswith("Compute.") and item.get("PhysicalResourceId"):
            found.append(Service(name, _TYPES[item["ResourceType"]], item["PhysicalResourceId"]))
    return found
