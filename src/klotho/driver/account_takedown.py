"""`down` on AWS: deletes an application's stacks, and lists what stays.

Input: an identity, a sink, whether data goes too. Output: what was deleted and what is left, with the command that
removes each. Without `delete_data` CloudFormation keeps what the templates say to keep, and snapshots of databases;
stacks protected from deletion stay, with what they build on. Nothing here knows about this machine's local cloud.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from klotho.deploy.assets import AssetStep
from klotho.deploy.drain import Drain
from klotho.deploy.events import Sink, Step
from klotho.deploy.leftovers import Leftover, left_behind
from klotho.deploy.orchestrator import Deployment, Orchestrator
from klotho.deploy.stacks import DeployedStack, upstreams
from klotho.deploy.steps import Steps, Surroundings
from klotho.deploy.target import HOST
from klotho.driver import projects, session
from klotho.driver.change import Change
from klotho.driver.environments import forget_note
from klotho.driver.identity import Identity
from klotho.driver.machine import cache_folder, new_run_id
from klotho.driver.session import Session, notes_of
from klotho.registry import Broken
from klotho.stacks import Manifest


@dataclass(frozen=True, slots=True)
class Removal:
    deployment: Deployment | None
    """None when nothing was deployed."""
    kept_stacks: tuple[str, ...] = ()
    """Protected from deletion, or needed by such."""
    left: tuple[Leftover, ...] = ()


def remove(
    identity: Identity,
    sink: Sink,
    *,
    delete_data: bool,
    drain: Drain | None = None,
    breaking: frozenset[str] | None = frozenset(),
) -> Removal:
    """Delete the stacks, consumers first, under the application's lease.

    `breaking`: the applications that may lose what they use of it; None: nobody is asked.
    """
    opened = session.answering(identity.environment, identity.project)
    assert opened is not None
    if not _deployed(identity, opened):
        # Nothing to change, so no lease: the bucket it lies in need not be there. A run that was killed may have left
        # the entry.
        projects.withdraw(identity, opened)
        return Removal(None, left=tuple(left_behind(opened.clients, _tags(identity))))
    with Change(identity.environment, identity.project, identity.application, "klotho down", sink) as change:
        guarded = change.guard(opened)
        broke: tuple[Broken, ...] = ()
        if breaking is not None:
            broke = projects.refuse_leaving(identity, guarded, breaking, note="nothing was deleted")
        deployed = _deployed(identity, guarded)
        staying = set() if delete_data else _staying(deployed)
        going = [stack for name, stack in deployed.items() if name not in staying]
        deployment = _orchestrator(identity, guarded, sink, drain).delete(going, delete_data=delete_data)
        kept = tuple(sorted(deployed[name].name for name in staying))
        if deployment.ok and not staying:
            projects.release(identity, guarded, change, sink)
            projects.withdraw(identity, guarded, broke)
            forget_note(guarded.clients, identity.project, identity.environment.name, identity.application)
            Steps(_nothing(identity), Surroundings(guarded.clients, identity.folder, sink, {})).sweep()
        if deployment.ok:
            sink(Step("looking for what was left behind"))
        busy = {*kept, *(item.stack for item in deployment.failed)}
        return Removal(deployment, kept, tuple(left_behind(guarded.clients, _tags(identity), busy)))


def _staying(deployed: Mapping[str, DeployedStack]) -> set[str]:
    """Stacks CloudFormation refuses to delete, and all they take values from."""
    sources = upstreams(deployed.values())
    pending = [name for name, stack in deployed.items() if stack.protected]
    staying: set[str] = set()
    while pending:
        name = pending.pop()
        if name not in staying:
            staying.add(name)
            pending += sources[name]
    return staying


def _orchestrator(identity: Identity, opened: Session, sink: Sink, drain: Drain | None) -> Orchestrator:
    assets = AssetStep(
        (),
        program_root=identity.folder,
        cache=cache_folder(),
        target=HOST,
        build_image=_no_images,
        sink=sink,
        clock=time.monotonic,
    )
    notes = notes_of(identity.environment, identity.project, identity.application, opened)
    return Orchestrator(
        _nothing(identity), {}, assets, opened.clients, pace=opened.pace, sink=sink, run_id=new_run_id(), drain=drain,
        notes=notes,
    )  # fmt: skip


def _nothing(identity: Identity) -> Manifest:
    region = identity.environment.region
    assert region is not None
    return Manifest(identity.application, identity.project, identity.environment.name, region, (), (), ())


def _tags(identity: Identity) -> dict[str, str]:
    return {
        "klotho:project": identity.project,
        "klotho:application": identity.application,
        "klotho:environment": identity.environment.name,
    }


def _deployed(identity: Identity, opened: Session) -> dict[str, DeployedStack]:
    return opened.calls.deployed(
        project=identity.project, environment=identity.environment.name, application=identity.application
    )


def _no_images(asset: object, log: object, package: object = None) -> str:
    raise AssertionError("deleting builds nothing")
