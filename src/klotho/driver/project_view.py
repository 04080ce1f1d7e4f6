"""`klotho project` for the command line: what is known of projects, and whether one fits together.

Input: where a command looks, an environment's name. Output: names, a snapshot, conflicts. Reads the registry only: the
code of other applications is not needed. Refuses what reading an account refuses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from klotho.application import ConstructId
from klotho.diagnostics import Diagnostic, ProgramError
from klotho.driver import projects, session
from klotho.driver.build import Described, application_of, compiled, describe
from klotho.driver.identity import Identity, Where, identify
from klotho.driver.local_cloud import local_failures
from klotho.driver.local_registry import local_store
from klotho.driver.machine import runs_in_ci
from klotho.driver.program import Program
from klotho.registry import Conflict, Entry, Snapshot, names_of

if TYPE_CHECKING:
    from klotho.topology.model import Topology


@dataclass(frozen=True, slots=True)
class Known:
    """A project in an environment."""

    project: str
    environment: str
    applications: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {"project": self.project, "environment": self.environment, "applications": list(self.applications)}


def known(where: Where, environment: str | None) -> list[Known]:
    """All that have published: on this machine, or in the account and region of an environment on AWS."""
    store = local_store()
    if environment is not None:
        identity = identify(where, environment)
        if identity.environment.target == "aws":
            opened = session.answering(identity.environment, identity.project)
            assert opened is not None
            store = projects.bucket_store(opened.clients)
    groups: dict[tuple[str, str], list[str]] = {}
    with local_failures():
        for project, place, application in names_of(store):
            groups.setdefault((project, place), []).append(application)
    return [Known(project, place, tuple(names)) for (project, place), names in groups.items()]


def snapshot(identity: Identity) -> Snapshot:
    """Everything the project has published in an environment."""
    opened = _account(identity.environment.target, identity)
    registry = projects.registry_of(identity.environment.target, identity.project, identity.environment.name, opened)
    with local_failures():
        return registry.snapshot()


@dataclass(frozen=True, slots=True)
class Tie:
    """What a construct of one application is to the others."""

    owner: str | None = None
    """Who defines it, where it is another one's."""
    consumers: tuple[str, ...] = ()
    """Who else uses it, where it is its own."""


def ties(found: Snapshot, entry: Entry) -> dict[ConstructId, Tie]:
    """By construct of the entry."""
    made: dict[ConstructId, str] = {}
    used: dict[ConstructId, list[str]] = {}
    for other in found.entries:
        for item in other.application.constructs:
            if item.from_project:
                used.setdefault(item.id, []).append(other.application.name)
            else:
                made.setdefault(item.id, other.application.name)
    return {
        item.id: Tie(owner=made.get(item.id, "nobody yet"))
        if item.from_project
        else Tie(consumers=tuple(sorted(used.get(item.id, ()))))
        for item in entry.application.constructs
    }


def picture(identity: Identity) -> Topology:
    """The project as it is published, this program as it is now in the place of what it published last."""
    from klotho.topology.project_view import project_view

    found = snapshot(identity)
    applications = {entry.application.name: entry.application for entry in found.entries}
    if identity.program is not None:
        application = application_of(identity.program)
        applications[application.name] = application
    return project_view(found.project, found.environment, list(applications.values()))


def checked(program: Program, environment: str | None) -> tuple[Described, list[Diagnostic], list[Conflict]]:
    """The program, what is wrong with it alone (warnings, if nothing is), and every conflict of its project with it
    as it is now."""
    described = describe(program, environment, in_ci=runs_in_ci())
    target, project = described.environment.target, described.application.project
    opened = session.answering(described.environment, project) if target == "aws" else None
    registry = projects.registry_of(target, project, described.environment.name, opened)
    try:
        told = list(compiled(described).diagnostics)
    except ProgramError as error:
        told = list(error.diagnostics)
    found = projects.conflicts(described, registry)
    return described, [item for item in told if item not in [conflict.diagnostic for conflict in found]], found


def _account(target: str, identity: Identity) -> session.Session | None:
    return session.answering(identity.environment, identity.project) if target == "aws" else None
