"""`status` and `outputs`: what is there now.

Input: a program and an environment. Output: values. Changes nothing and starts nothing. Refuses environments on AWS
(a later release) and, for `outputs`, a local cloud that is stopped or was never brought up (exit 6).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from klotho.deploy.stacks import DeployedStack
from klotho.diagnostics import ExitCode, Failure, did_you_mean, one_of
from klotho.driver import local_cloud
from klotho.driver.build import build
from klotho.driver.deployment import refuse_aws, shown_outputs
from klotho.driver.identity import Identity, identify
from klotho.driver.machine import runs_in_ci
from klotho.driver.program import Program


@dataclass(frozen=True, slots=True)
class Status:
    """The stacks and processes of one application's environment."""

    identity: Identity
    state: str
    """`running`, `stopped` (there is data) or `absent` (never brought up, or deleted)."""
    endpoint: str | None = None
    stacks: tuple[DeployedStack, ...] = ()
    units: tuple[dict[str, Any], ...] = ()
    """Processes, databases and gateways as the local cloud reports them (`localcloud.status.UnitStatus`)."""

    def to_json(self) -> dict[str, Any]:
        return {
            "application": self.identity.application,
            "project": self.identity.project,
            "environment": self.identity.environment.name,
            "state": self.state,
            "endpoint": self.endpoint,
            "stacks": [
                {"name": item.name, "status": item.status, "reason": item.reason or None} for item in self.stacks
            ],
            "units": list(self.units),
        }


def status(program: Program, environment: str | None) -> Status:
    identity = identify(program, environment)
    refuse_aws(identity.environment, "reading the status")
    project, name = identity.project, identity.environment.name
    session = local_cloud.running_session(project, name)
    if session is None:
        return Status(identity, "stopped" if local_cloud.has_data(project, name) else "absent")
    with local_cloud.local_failures():
        report = session.connection.status()
    deployed = session.calls.deployed(project=project, environment=name, application=identity.application)
    return Status(
        identity,
        "running",
        session.connection.endpoint_url,
        tuple(sorted(deployed.values(), key=lambda stack: stack.name)),
        tuple(report.get("units", ())),
    )


def outputs(program: Program, environment: str | None) -> dict[str, str]:
    """Every shown output by name."""
    built = build(program, environment, in_ci=runs_in_ci())
    refuse_aws(built.environment, "reading outputs")
    application = built.application
    session = require_running(application.project, built.environment.name)
    deployed = session.calls.deployed(
        project=application.project, environment=built.environment.name, application=application.name
    )
    return shown_outputs(built.manifest, {stack.name: stack.outputs for stack in deployed.values()})


def output(program: Program, environment: str | None, name: str) -> str:
    """One output. Failure (`output-unknown`, exit 6) with the nearest name."""
    found = outputs(program, environment)
    if name in found:
        return found[name]
    raise Failure(
        "output-unknown",
        f"there is no output `{name}`",
        notes=(f"there is {one_of(sorted(found))}" if found else "nothing deployed has outputs",),
        helps=(did_you_mean(name, found),),
        exit_code=ExitCode.NOT_FOUND,
    )


def require_running(project: str, environment: str) -> local_cloud.Session:
    """The running local cloud, or Failure (`not-running`, exit 6) that says what to do."""
    session = local_cloud.running_session(project, environment)
    if session is not None:
        return session
    kept = local_cloud.has_data(project, environment)
    raise Failure(
        "not-running",
        f"the environment `{environment}` of project `{project}` is {'stopped' if kept else 'not there yet'}",
        helps=("run `klotho up`",),
        exit_code=ExitCode.NOT_FOUND,
    )
