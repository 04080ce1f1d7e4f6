"""The registry of projects: where it is, what an application publishes, and whether it fits to the others.

Input: a compiled program, a session where the environment is on AWS. Output: diagnostics before a deployment, a
published entry after it. Refuses (`ProgramError`) a program that does not fit to what others have published, and
(`Failure`) entries that can't be read. The registry of environments on this machine is a folder beside the leases:
`down --delete-data` takes the entry away by itself, and not with the local cloud's data. That of AWS is the
bootstrap stack's bucket for projects, per account and region.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

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
from klotho.driver.identity import Identity
from klotho.driver.leases import user_name
from klotho.driver.local_cloud import local_failures
from klotho.driver.machine import now_ms, state_root
from klotho.driver.origin import origin_of
from klotho.driver.project_stack import Foreseen, ProjectStack, claim_of, spoken_of
from klotho.driver.recording import changed, version_of
from klotho.driver.session import Session
from klotho.registry import Claims, Conflict, Entry, News, Publication, Registry, digest_of, join
from klotho.resources import SHARED, owner_of, role_of
from klotho.stores import Store
from klotho.stores.bucket import BucketStore
from klotho.stores.folder import FolderStore

_FOLDER = ".registry"
"""In the state root; no project has a name that begins with a dot."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How an application stands in its project before it is deployed."""

    registry: Registry
    own: Entry | None
    """What it published last."""
    etags: Mapping[str, str] | None
    """Of all entries, as they were when they were found to fit; None when its model is the published one."""


def local_store() -> Store:
    """Of all environments on this machine."""
    return FolderStore(state_root() / _FOLDER)


def bucket_store(clients: Clients) -> Store:
    """Of all environments in one account and region."""
    bucket = bootstrap.project_bucket(clients.place)
    return BucketStore(lambda: clients.s3, bucket, "", what="the project's registry", translated=translated)


def registry_of(target: str, project: str, environment: str, opened: Session | None) -> Registry:
    """The registry of a project in an environment; `opened` is needed on AWS."""
    if target == "local":
        return Registry(local_store(), project, environment)
    assert opened is not None
    return Registry(bucket_store(opened.clients), project, environment)


def refuse_misfit(built: Build, opened: Session | None) -> None:
    """ProgramError with every mistake that joining the program with the project shows."""
    found = conflicts(built, _registry(built, opened))
    _stop_on([item.diagnostic for item in found if item.concerns(built.application.name)])


def conflicts(built: Build, registry: Registry) -> list[Conflict]:
    """Everything that is wrong in the project, with this program as it is now."""
    with local_failures():
        return join(registry.snapshot(), built.application, str(built.program.folder))


def standing(built: Build, opened: Session | None) -> Standing:
    """Refuses what `refuse_misfit` refuses. A program whose model is the published one fits: one object is read."""
    registry = _registry(built, opened)
    with local_failures():
        own = registry.read(built.application.name)
        if own is not None and own.latest.model == digest_of(built.application):
            return Standing(registry, own, None)
        return Standing(registry, own, _fitting(built, registry))


def publish(
    built: Build, before: Standing, deployment: Deployment, outputs: Mapping[str, str], change: Change
) -> Entry | None:
    """After a deployment that worked; None when there is nothing new to say.

    Under the project's lease it is looked again whether it fits, if others have published meanwhile.
    """
    if not (changed(deployment) or _says_more(built, before.own, outputs)):
        return None
    news = _news(built, outputs)
    with change.shared(), local_failures():
        change.lease.check(fresh=True)
        if before.etags is not None and before.registry.etags() != before.etags:
            _fitting(built, before.registry, note="it is deployed, and not published: another one was faster")
        return before.registry.publish(news)


def note_rollback(identity: Identity, opened: Session, change: Change, to: Revision) -> Entry | None:
    """The published model stays, and says that what runs is older; None where nothing was published."""
    registry = registry_of(identity.environment.target, identity.project, identity.environment.name, opened)
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


def withdraw(identity: Identity, opened: Session | None) -> bool:
    """After an application is gone. False when it had published nothing."""
    registry = registry_of(identity.environment.target, identity.project, identity.environment.name, opened)
    with local_failures():
        return registry.withdraw(identity.application)


def _registry(built: Build, opened: Session | None) -> Registry:
    return registry_of(built.environment.target, built.application.project, built.environment.name, opened)


def _fitting(built: Build, registry: Registry, note: str | None = None) -> Mapping[str, str]:
    """The ETags of all entries, with which the program fits together."""
    snapshot = registry.snapshot()
    found = join(snapshot, built.application, str(built.program.folder))
    _stop_on([item.diagnostic for item in found if item.concerns(built.application.name)], note)
    return snapshot.etags


def _stop_on(found: Iterable[Diagnostic], note: str | None = None) -> None:
    told = [replace(item, notes=(*item.notes, note)) if note else item for item in found]
    if told:
        raise ProgramError(told)


def _says_more(built: Build, own: Entry | None, outputs: Mapping[str, str]) -> bool:
    return (
        own is None
        or own.latest.model != digest_of(built.application)
        or own.latest.rollback is not None
        or (own.region, own.needs, dict(own.outputs)) != (built.region, _needs(built), dict(outputs))
        or own.shared != built.manifest.shared
        or (built.environment.target == "local" and own.origin.folder != str(built.program.folder))
    )


def _news(built: Build, outputs: Mapping[str, str]) -> News:
    origin = origin_of(built.program.folder, built.environment.target)
    publication = _publication(digest_of(built.application), version_of(built.program.folder))
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
