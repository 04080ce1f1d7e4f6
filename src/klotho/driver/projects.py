"""The registry of projects: where it is, what an application publishes, and whether it fits to the others.

Input: a program, a session where the environment is on AWS. Output: diagnostics before a deployment, a published entry
after it. Refuses (`ProgramError`) a program that does not fit to what others have published, (`BreakingNeeded`) one
that breaks what they use unless somebody has agreed to that, and (`Failure`) entries that can't be read. The registry
of environments on this machine is a folder beside the leases: `down --delete-data` takes the entry away by itself, and
not with the local cloud's data. That of AWS is the bootstrap stack's bucket for projects, per account and region.
"""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from klotho.application import Application
from klotho.application.model import DEFAULT_PROJECT
from klotho.deploy import bootstrap
from klotho.deploy.events import Sink
from klotho.deploy.outcome import Deployment
from klotho.deploy.place import Clients, translated
from klotho.deploy.revisions import Revision, Version
from klotho.diagnostics import Diagnostic, ProgramError
from klotho.driver import project_stack
from klotho.driver.build import Build
from klotho.driver.change import Change
from klotho.driver.guardrails import Loaded, project_rules, refuse_dropped
from klotho.driver.identity import Identity
from klotho.driver.leases import user_name
from klotho.driver.local_cloud import local_failures
from klotho.driver.local_registry import local_store
from klotho.driver.machine import cache_folder, now_ms
from klotho.driver.origin import origin_of
from klotho.driver.program import Program
from klotho.driver.project_stack import Foreseen, ProjectStack, claim_of, spoken_of
from klotho.driver.recording import changed, version_of
from klotho.driver.session import Session
from klotho.driver.settings import Environment
from klotho.registry import (
    Broken,
    Claim,
    Claims,
    Conflict,
    Entry,
    News,
    Publication,
    Registry,
    Snapshot,
    digest_of,
    emptied,
    join,
    leave,
)
from klotho.registry.rules import RULES
from klotho.resources import SHARED, owner_of, role_of
from klotho.stores import Remembered, Store
from klotho.stores.bucket import BucketStore


class Joining(Protocol):
    """A program that is to be joined with its project: `Build`, or `Described`."""

    @property
    def program(self) -> Program: ...
    @property
    def environment(self) -> Environment: ...
    @property
    def application(self) -> Application: ...
    @property
    def guardrails(self) -> Loaded: ...


class BreakingNeeded(ProgramError):
    """What others use would be broken: a person may agree to it by their names."""

    def __init__(self, diagnostics: Iterable[Diagnostic], names: Iterable[str]) -> None:
        super().__init__(diagnostics)
        self.names = tuple(sorted(names))
        """The applications that would be broken, and that nobody has agreed to break."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How an application stands in its project before it is deployed."""

    registry: Registry
    own: Entry | None
    """What it published last."""
    etags: Mapping[str, str] | None
    """Of all entries, as they were when they were found to fit; None when its model is the published one."""
    broke: tuple[Broken, ...] = ()
    """What it breaks of others, as somebody has agreed to."""
    breaking: frozenset[str] = frozenset()
    """The applications that somebody has agreed to break."""


def claims_on_this_machine(project: str, environment: str) -> Mapping[str, Claim]:
    """What each application needs of the project's stack in an environment on this machine."""
    with local_failures():
        return Claims(local_store(), project, environment).all()


def bucket_store(clients: Clients) -> Store:
    """Of all environments in one account and region."""
    bucket = bootstrap.project_bucket(clients.place)
    return BucketStore(lambda: clients.s3, bucket, "", what="the project's registry", translated=translated)


def registry_of(target: str, project: str, environment: str, opened: Session | None) -> Registry:
    """The registry of a project in an environment; `opened` is needed on AWS."""
    if target == "local":
        return Registry(local_store(), project, environment)
    assert opened is not None
    place = hashlib.sha256(bucket_store(opened.clients).address("").encode()).hexdigest()[:16]
    remembered = Remembered(cache_folder() / "registry" / place)
    return Registry(bucket_store(opened.clients), project, environment, remembered)


def refuse_misfit(joining: Joining, opened: Session | None) -> None:
    """ProgramError with every mistake that joining the program with the project shows, and with the guardrails that its
    store demands."""
    refuse_dropped(joining, opened)
    found = misfits(joining, opened)
    if found:
        raise ProgramError(found)


def misfits(joining: Joining, opened: Session | None) -> list[Diagnostic]:
    """Every mistake that joining the program with the project shows and that is its own."""
    found = conflicts(joining, _registry(joining, opened))
    return [item.diagnostic for item in found if item.concerns(joining.application.name)]


def conflicts(joining: Joining, registry: Registry) -> list[Conflict]:
    """Everything that is wrong in the project, with this program as it is now."""
    with local_failures():
        return _joined(registry, registry.snapshot(), joining)


def standing(built: Build, opened: Session | None, breaking: frozenset[str] = frozenset()) -> Standing:
    """Refuses what `refuse_misfit` refuses, but what breaks only the applications in `breaking`; `BreakingNeeded` where
    nothing else is in the way. A program whose model is the published one fits: one object is read."""
    refuse_dropped(built, opened)
    registry = _registry(built, opened)
    with local_failures():
        own = registry.read(built.application.name)
        if own is not None and own.latest.model == digest_of(built.application):
            return Standing(registry, own, None)
        etags, broke = _fitting(built, registry, breaking)
        return Standing(registry, own, etags, broke, breaking)


def publish(
    built: Build, before: Standing, deployment: Deployment, outputs: Mapping[str, str], change: Change
) -> Entry | None:
    """After a deployment that worked; None when there is nothing new to say.

    Under the project's lease it is looked again whether it fits, if others have published meanwhile.
    """
    if not (changed(deployment) or _says_more(built, before.own, outputs)):
        return None
    broke = before.broke
    with change.shared(), local_failures():
        change.lease.check(fresh=True)
        if before.etags is not None and before.registry.etags() != before.etags:
            note = "it is deployed, and not published: another one was faster"
            _, broke = _fitting(built, before.registry, before.breaking, note)
        return before.registry.publish(_news(built, outputs, broke))


def note_rollback(identity: Identity, opened: Session, change: Change, to: Revision) -> Entry | None:
    """The published model stays, and says that what runs is older; None where nothing was published."""
    registry = _registry_of(identity, opened)
    with local_failures():
        own = registry.read(identity.application)
    if own is None:
        return None
    publication = replace(_publication(own.latest.model, to.about.version), rollback=to.number)
    news = News(own.application, own.region, own.origin, publication, own.needs, own.outputs, own.shared)
    with change.shared(), local_failures():
        change.lease.check(fresh=True)
        return registry.publish(news)


def shared_stack(built: Build, opened: Session, change: Change, sink: Sink) -> ProjectStack | None:
    """How the project's stack is deployed with this application; None where there is no project."""
    if not built.application.in_project:
        return None
    return ProjectStack(_claims(built, opened), built.application.name, claim_of(built), change, opened, sink)


def shared_of_revision(
    identity: Identity, to: Revision, templates: Mapping[str, bytes], opened: Session, change: Change, sink: Sink
) -> tuple[Foreseen, ProjectStack | None]:
    """An earlier deployment, in which the project's stack has what all others need of it now, and how that is brought
    about."""
    if identity.project == DEFAULT_PROJECT:
        return Foreseen(to.manifest, templates), None
    claims = claims_of(identity.environment.target, identity.project, identity.environment.name, opened)
    own = project_stack.revision_claim(identity.application, to.manifest, templates, str(identity.folder))
    seen = project_stack.foreseen(to.manifest, templates, own, claims)
    return seen, ProjectStack(claims, identity.application, own, change, opened, sink)


def foreseen(built: Build, opened: Session | None) -> Build:
    """The build with the project's stack as it is to be. Failure when that can't be."""
    if opened is None and built.environment.target == "aws":
        return built  # nobody has deployed anything there
    claims, at = _claims(built, opened), spoken_of(built)
    manifest, templates = project_stack.foreseen(built.manifest, built.templates, claim_of(built), claims, at)
    files = {f"cloudformation/{name}": body for name, body in templates.items()}
    return replace(built, manifest=manifest, files={**built.files, **files})


def release(identity: Identity, opened: Session, change: Change, sink: Sink) -> None:
    """The application is gone: it needs nothing of its project's stack any more."""
    if identity.project == DEFAULT_PROJECT:
        return
    claims = claims_of(identity.environment.target, identity.project, identity.environment.name, opened)
    stack = ProjectStack(claims, identity.application, None, change, opened, sink)
    stack.settle(identity.project, identity.environment.name)


def forget_claim(identity: Identity) -> None:
    """The local cloud that held the project's stack is gone, so nobody needs anything of it."""
    claims_of("local", identity.project, identity.environment.name, None).withdraw(identity.application)


def claims_of(target: str, project: str, environment: str, opened: Session | None) -> Claims:
    """What the applications of a project need of its stack; `opened` is needed on AWS."""
    if target == "local":
        return Claims(local_store(), project, environment)
    assert opened is not None
    return Claims(bucket_store(opened.clients), project, environment)


def _claims(built: Build, opened: Session | None) -> Claims:
    return claims_of(built.environment.target, built.application.project, built.environment.name, opened)


def refuse_leaving(
    identity: Identity, opened: Session | None, breaking: frozenset[str], *, note: str | None = None
) -> tuple[Broken, ...]:
    """What taking the application down breaks of those in `breaking`; refuses (`BreakingNeeded`) to break others, and
    to take down what entries that can't be read may use."""
    registry = _registry_of(identity, opened)
    with local_failures():
        found = leave(registry.snapshot(), identity.application, str(identity.folder))
    return _consented(found, breaking, note)


def users(identity: Identity) -> tuple[str, ...]:
    """The applications on this machine that use what this one has published."""
    registry = _registry_of(identity, None)
    with local_failures():
        found = leave(registry.snapshot(), identity.application)
    return tuple(sorted({name for item in found for name in item.breaks}))


def withdraw(identity: Identity, opened: Session | None, broke: tuple[Broken, ...] = ()) -> bool:
    """After an application is gone. False when it had published nothing. What it broke of others stays on record: the
    entry is kept, without any construct, until the application is deployed or taken down again."""
    registry = _registry_of(identity, opened)
    with local_failures():
        own = registry.read(identity.application) if broke else None
        if own is None:
            return registry.withdraw(identity.application)
        gone = emptied(own.application)
        publication = replace(_publication(digest_of(gone), None), broke=broke, down=True)
        registry.publish(News(gone, own.region, own.origin, publication))
        return True


def _registry_of(identity: Identity, opened: Session | None) -> Registry:
    return registry_of(identity.environment.target, identity.project, identity.environment.name, opened)


def _registry(joining: Joining, opened: Session | None) -> Registry:
    environment = joining.environment
    return registry_of(environment.target, joining.application.project, environment.name, opened)


def _joined(registry: Registry, snapshot: Snapshot, joining: Joining) -> list[Conflict]:
    """Every conflict. Other environments are read only if something is missing in this one."""
    application, where = joining.application, str(joining.program.folder)
    rules = (*RULES, *project_rules(joining))
    found = join(snapshot, application, where, rules=rules)
    if any(item.missing for item in found):
        found = join(snapshot, application, where, elsewhere=registry.elsewhere(), rules=rules)
    return found


def _fitting(
    built: Build, registry: Registry, breaking: frozenset[str], note: str | None = None
) -> tuple[Mapping[str, str], tuple[Broken, ...]]:
    """The ETags of all entries, with which the program fits together; and what it breaks with consent."""
    snapshot = registry.snapshot()
    found = _joined(registry, snapshot, built)
    mine = [item for item in found if item.concerns(built.application.name)]
    return snapshot.etags, _consented(mine, breaking, note)


def _consented(found: Iterable[Conflict], breaking: frozenset[str], note: str | None = None) -> tuple[Broken, ...]:
    """What is broken with consent; ProgramError for all else, `BreakingNeeded` if consent is all that is missing."""
    agreed: list[Conflict] = []
    refused: list[Conflict] = []
    for item in found:
        (agreed if item.breaks and item.breaks <= breaking else refused).append(item)
    if refused:
        told = [_noted(item.diagnostic, note) for item in refused]
        if all(item.breaks for item in refused):
            raise BreakingNeeded(told, {name for item in refused for name in item.breaks - breaking})
        raise ProgramError(told)
    return tuple(
        Broken(name, item.construct or "", item.diagnostic.message) for item in agreed for name in sorted(item.breaks)
    )


def _noted(diagnostic: Diagnostic, note: str | None) -> Diagnostic:
    return replace(diagnostic, notes=(*diagnostic.notes, note)) if note else diagnostic


def _says_more(built: Build, own: Entry | None, outputs: Mapping[str, str]) -> bool:
    return (
        own is None
        or own.latest.model != digest_of(built.application)
        or own.latest.rollback is not None
        or own.latest.down
        or (own.region, own.needs, dict(own.outputs)) != (built.region, _needs(built), dict(outputs))
        or own.shared != built.manifest.shared
        or (built.environment.target == "local" and own.origin.folder != str(built.program.folder))
    )


def _news(built: Build, outputs: Mapping[str, str], broke: tuple[Broken, ...]) -> News:
    origin = origin_of(built.program.folder, built.environment.target)
    publication = _publication(digest_of(built.application), version_of(built.program.folder))
    publication = replace(publication, broke=broke)
    return News(built.application, built.region, origin, publication, _needs(built), outputs, built.manifest.shared)


def _publication(model: str, source: Version | None) -> Publication:
    """This command, here and now."""
    from importlib.metadata import version

    return Publication(
        now_ms(),
        user_name(),
        socket.gethostname(),
        version("klotho"),
        model,
        os.urandom(12).hex(),
        commit=source.commit if source else None,
        dirty=source.dirty if source else False,
    )


def _needs(built: Build) -> tuple[str, ...]:
    """Names of what the application uses and none of its constructs owns."""
    return tuple(sorted({role_of(key) for key in built.graph.resources if owner_of(key) == SHARED}))
