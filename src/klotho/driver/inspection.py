"""`status` and `outputs`: what is there now.

Input: where a command looks, and an environment. Output: values. Changes nothing and starts nothing. Refuses, for
`outputs`, a local cloud that does not run (exit 6).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from klotho.deploy.revisions import Revisions
from klotho.deploy.stacks import DeployedStack
from klotho.diagnostics import ExitCode, Failure, did_you_mean, one_of
from klotho.driver import aws_units, local_cloud, records
from klotho.driver import session as sessions
from klotho.driver.aws_units import ResourceLine
from klotho.driver.build import build
from klotho.driver.deployment import shown_outputs
from klotho.driver.identity import Identity, Where, identify, in_project
from klotho.driver.machine import runs_in_ci
from klotho.driver.reach.services import services_of
from klotho.driver.stack_causes import first_cause


@dataclass(frozen=True, slots=True)
class Status:
    """The stacks and processes of one application's environment."""

    identity: Identity
    state: str
    """Of the application: `running`, `stopped` (there is data) or `absent` (never brought up, or deleted)."""
    endpoint: str | None = None
    stacks: tuple[DeployedStack, ...] = ()
    units: tuple[dict[str, Any], ...] = ()
    """Processes, databases and gateways of this application (`localcloud.status.UnitStatus`)."""
    other_units: tuple[dict[str, Any], ...] = ()
    """Of other applications in the same local cloud."""
    resources: tuple[ResourceLine, ...] = ()
    """On AWS: every resource, with its page in the console."""

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
            "other_units": list(self.other_units),
            "resources": [item.to_json() for item in self.resources],
        }


def located(where: Where, environment: str | None) -> Identity:
    """Who is meant. What `--app` names may be in an account that nothing on this machine knows: its stacks' tags say in
    which project."""
    identity = identify(where, environment)
    if where.application is None or identity.environment.target != "aws" or identity.record is not None:
        return identity
    calls = require_running(identity).calls
    return in_project(identity, where, calls.projects_of(identity.application, identity.environment.name))


def status(where: Where, environment: str | None) -> Status:
    identity = located(where, environment)
    if identity.environment.target == "aws":
        return _status_on_aws(identity)
    project, name = identity.project, identity.environment.name
    session = local_cloud.running_session(project, name)
    if session is None:
        kept = identity.record is not None or (
            local_cloud.has_data(project, name) and not records.of_cloud(project, name)
        )
        return Status(identity, "stopped" if kept else "absent")
    with local_cloud.local_failures():
        report = session.connection.status()
        states = session.connection.applications()
    deployed = session.calls.deployed(project=project, environment=name, application=identity.application)
    known = "stopped" if deployed or identity.record else "absent"
    units = tuple(report.get("units", ()))
    return Status(
        identity,
        states.get(identity.application, "running" if deployed else known),
        session.connection.endpoint_url,
        tuple(
            replace(stack, reason=first_cause(session.clients, stack))
            for stack in sorted(deployed.values(), key=lambda stack: stack.name)
        ),
        tuple(unit for unit in units if unit.get("application") == identity.application),
        tuple(unit for unit in units if unit.get("application") != identity.application),
    )


def _status_on_aws(identity: Identity) -> Status:
    """What CloudFormation deployed, how its services are now, and where the console shows it."""
    session = require_running(identity)
    deployed = session.calls.deployed(
        project=identity.project, environment=identity.environment.name, application=identity.application
    )
    stacks = sorted(deployed.values(), key=lambda stack: stack.name)
    causes = tuple(replace(stack, reason=first_cause(session.clients, stack)) for stack in stacks)
    return Status(
        identity,
        "running" if deployed else "absent",
        session.clients.place.endpoint_url,
        causes,
        aws_units.units(session.clients, services_of(session, identity).values()),
        resources=aws_units.resources(session.clients, stacks),
    )


def outputs(where: Where, environment: str | None) -> tuple[Identity, dict[str, str]]:
    """Every shown output by name: what is deployed, not what the program says now."""
    identity = located(where, environment)
    name = identity.environment.name
    session = require_running(identity)
    deployed = session.calls.deployed(project=identity.project, environment=name, application=identity.application)
    by_stack = {stack.name: stack.outputs for stack in deployed.values()}
    record = identity.record
    if record is not None:
        return identity, {
            shown: by_stack[stack][output]
            for shown, stack, output in record.outputs
            if output in by_stack.get(stack, {})
        }
    if identity.program is None:
        return identity, _as_deployed(identity, session, by_stack)
    return identity, shown_outputs(build(identity.program, environment, in_ci=runs_in_ci()).manifest, by_stack)


def _as_deployed(
    identity: Identity, session: sessions.Session, by_stack: Mapping[str, Mapping[str, str]]
) -> dict[str, str]:
    """By the names of the last deployment, which its revision has kept; without one by stack and output."""
    kept = Revisions(session.clients, identity.project, identity.environment.name, identity.application)
    numbers = kept.numbers() if by_stack else []
    if numbers:
        return shown_outputs(kept.read(numbers[-1]).manifest, by_stack)
    return {f"{stack}.{name}": value for stack, found in by_stack.items() for name, value in found.items()}


def output(found: Mapping[str, str], name: str) -> str:
    """One output. Failure (`output-unknown`, exit 6) with the nearest name."""
    if name in found:
        return found[name]
    raise Failure(
        "output-unknown",
        f"there is no output `{name}`",
        notes=(f"there is {one_of(sorted(found))}" if found else "nothing deployed has outputs",),
        helps=(did_you_mean(name, found),),
        exit_code=ExitCode.NOT_FOUND,
    )


def require_running(identity: Identity) -> sessions.Session:
    """The environment; Failure (`not-running`, exit 6) for a local cloud that does not run."""
    session = sessions.answering(identity.environment, identity.project)
    if session is not None:
        return session
    project, environment = identity.project, identity.environment.name
    kept = local_cloud.has_data(project, environment)
    raise Failure(
        "not-running",
        f"the environment `{environment}` of project `{project}` is {'stopped' if kept else 'not there yet'}",
        helps=("run `klotho up`",),
        exit_code=ExitCode.NOT_FOUND,
    )
