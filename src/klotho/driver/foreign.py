"""What other applications of the project have published of the constructs a program takes from them.

Input: an application, its environment. Output: `ForeignConstruct` values. The registry of an environment on this
machine is a folder. That of one in an account is read there on request; each reading is remembered in the state folder,
and what needs no account otherwise (`build`, `check`, `graph`) goes by that. Refuses nothing: what nobody has published
is missing from the answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from klotho.application import Application, Construct, ConstructId
from klotho.catalogue.foreign import ForeignConstruct
from klotho.diagnostics import Diagnostic, Report
from klotho.driver.local_registry import local_store
from klotho.driver.machine import state_root
from klotho.driver.settings import Environment
from klotho.registry import Entry, Registry, Snapshot, join
from klotho.stores.folder import FolderStore

_ABOUT_REFERENCES = ("dangling-reference", "wrong-kind", "duplicate-definition")
_SEEN = ".seen"
"""In the state root, by account or endpoint and region; no project has a name that begins with a dot."""


def published_for(application: Application, entries: Iterable[Entry]) -> Mapping[ConstructId, ForeignConstruct]:
    """What others than the application have published of what it takes from them."""
    wanted = [item for item in application.constructs if item.from_project]
    others = [entry for entry in entries if entry.application.name != application.name]
    return {construct.id: item for construct in wanted if (item := _found(construct, others)) is not None}


def foreign_constructs(
    application: Application, environment: Environment, report: Report, *, ask: bool
) -> Mapping[ConstructId, ForeignConstruct]:
    """Of every construct that says `from_project=True` and that somebody has published.

    Warns (`project-not-asked`) where one is missing and nobody has asked the account.
    """
    wanted = [item for item in application.constructs if item.from_project]
    if not wanted or not application.in_project:
        return {}
    found = published_for(application, _snapshot(application.project, environment, ask).entries)
    if len(found) < len(wanted) and environment.target == "aws" and not ask:
        report.warning(
            "project-not-asked",
            f"the account of `{environment.name}` was not asked what the project has: this is what this machine saw",
            helps=[f"run `klotho preview --env {environment.name}`, which asks it, then this again"],
        )
    return found


def paid_by_others(application: Application, environment: Environment, *, ask: bool) -> frozenset[str]:
    """Roles of the shared resources that other applications of the project have deployed."""
    if not application.in_project:
        return frozenset()
    entries = _snapshot(application.project, environment, ask).entries
    return frozenset(role for entry in entries if entry.application.name != application.name for role in entry.needs)


def told_by_the_project(
    found: Sequence[Diagnostic], application: Application, environment: Environment, where: str, *, ask: bool
) -> list[Diagnostic]:
    """The same mistakes, where the engine's word on a construct that nobody has published gives way to what joining
    says of it: who has something alike, who has another kind of it, who has to be deployed first."""
    if not any(item.code == "not-in-project" for item in found) or not application.in_project:
        return list(found)
    joined = join(_snapshot(application.project, environment, ask), application, where)
    better = {
        str(item.diagnostic.span): item.diagnostic
        for item in joined
        if item.diagnostic.code in _ABOUT_REFERENCES and item.concerns(application.name) and item.diagnostic.span
    }
    told = [better.get(str(item.span), item) if item.code == "not-in-project" else item for item in found]
    return list({(item.code, item.message): item for item in told}.values())


def _found(construct: Construct, entries: list[Entry]) -> ForeignConstruct | None:
    """As the one application says it that makes it; several that do are refused where the project is joined."""
    for entry in entries:
        for theirs in entry.application.constructs:
            same = (theirs.kind, theirs.name) == (construct.kind, construct.name)
            if same and not theirs.from_project and theirs.id in entry.shared:
                return ForeignConstruct(entry.application, theirs, entry.shared[theirs.id], entry.origin.shown())
    return None


def _snapshot(project: str, environment: Environment, ask: bool) -> Snapshot:
    if environment.target == "local":
        return Registry(local_store(), project, environment.name).snapshot()
    seen = FolderStore(state_root() / _SEEN / str(environment.region))
    if ask:
        from klotho.driver import projects, session  # the deployer and its libraries, which most builds do without

        opened = session.answering(environment, project)
        assert opened is not None
        found = projects.registry_of("aws", project, environment.name, opened).snapshot()
        _remember(found, seen)
        return found
    return Registry(seen, project, environment.name).snapshot()


def _remember(found: Snapshot, seen: FolderStore) -> None:
    """This machine's copy is what the account has, and no more."""
    registry = Registry(seen, found.project, found.environment)
    for entry in found.entries:
        registry.keep(entry)
    there = {entry.application.name for entry in found.entries}
    for entry in registry.snapshot().entries:
        if entry.application.name not in there:
            registry.withdraw(entry.application.name)
