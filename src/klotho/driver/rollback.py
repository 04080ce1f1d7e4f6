"""`rollback` for the command line.

Input: where a command looks, an environment, a sink. Output: what a rollback would do and did. Refuses, before anything
is touched and by name: a revision that is not there, one of which something is missing, one that breaks a rule of
today, data loss nobody asked for. No program is run: the revision has all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from klotho.deploy.data_loss import refuse_data_loss
from klotho.deploy.differences import holds_data
from klotho.deploy.drain import Drain
from klotho.deploy.events import Sink, Step
from klotho.deploy.forecast import Forecast
from klotho.deploy.orchestrator import Deployment, Orchestrator
from klotho.deploy.preview import Preview
from klotho.deploy.revisions import Revision, Revisions, StoredAssets, step_values
from klotho.deploy.sites.kept import index_key
from klotho.deploy.sites.step import Compared, SiteOutcome, SiteStep
from klotho.deploy.stacks import DeployedStack
from klotho.deploy.steps import Steps, Surroundings
from klotho.deploy.template import parsed
from klotho.diagnostics import Diagnostic, ExitCode, Failure
from klotho.driver import projects, records
from klotho.driver.change import Change
from klotho.driver.deployment import live_stacks, refuse_protected, settled_outputs
from klotho.driver.history import revisions_of
from klotho.driver.identity import Identity, Where, identify
from klotho.driver.judged_revisions import judge_revision
from klotho.driver.machine import cache_folder, new_run_id
from klotho.driver.program import refuse_mistaken_settings
from klotho.driver.project_stack import ProjectStack
from klotho.driver.recording import about, changed, keep
from klotho.driver.session import Session, answering, notes_of

_SHOWN_FILES = 5


@dataclass(frozen=True, slots=True)
class RollbackPlan:
    """What a rollback would do."""

    identity: Identity
    to: Revision
    current: Revision
    found: Preview
    notes: tuple[str, ...] = ()
    """What does not come back, by name."""
    told: tuple[Diagnostic, ...] = ()
    """What guardrails say that stops nothing."""


@dataclass(frozen=True, slots=True)
class RollbackResult:
    plan: RollbackPlan
    deployment: Deployment
    recorded: Revision | None
    """None when nothing had to change."""
    sites: tuple[SiteOutcome, ...] = ()

    @property
    def failed_sites(self) -> tuple[SiteOutcome, ...]:
        return tuple(site for site in self.sites if site.result == "failed")


def rollback(
    where: Where,
    environment: str | None,
    number: int | None,
    sink: Sink,
    *,
    delete_data: frozenset[str],
    ask: Callable[[RollbackPlan], None],
    drain: Drain | None = None,
) -> RollbackResult:
    """Deploy a kept revision again, the last good one before the current unless named.

    `delete_data` names the constructs whose data may go. `ask` is called with the plan before anything is deployed,
    and raises when the person says no. `drain` is how the user asks to stop: what has begun is finished, nothing else
    begins. Failure (`rollback-impossible`) when something is missing.
    """
    identity = identify(where, environment)
    if delete_data:
        refuse_mistaken_settings(identity.folder)
        refuse_protected(identity.environment)
    _refuse_untouched(identity)
    with Change(identity.environment, identity.project, identity.application, "klotho rollback", sink) as change:
        ready = _planned(identity, change, number, sink)
        lost = [item for _, item in ready.plan.found.data_lost]
        refuse_data_loss(lost, {}, consented=delete_data, note="nothing was deployed")
        ask(ready.plan)
        result = _carried_out(ready, sink, delete_data, drain)
        if result.deployment.ok and changed(result.deployment):
            projects.note_rollback(identity, ready.opened, change, ready.plan.to)
        return result


@dataclass(frozen=True, slots=True)
class _Ready:
    """Everything a rollback takes, read before it begins."""

    opened: Session
    kept: Revisions
    templates: Mapping[str, bytes]
    """Of the revision."""
    model: bytes
    """Of the revision."""
    deployed: Mapping[str, DeployedStack]
    forecast: Forecast
    """With the project's stack as the whole project needs it."""
    shared: ProjectStack | None
    steps: Steps
    sites: SiteStep
    plan: RollbackPlan


def _planned(identity: Identity, change: Change, number: int | None, sink: Sink) -> _Ready:
    """Only reads; refuses what is not there any more."""
    opened = _opened(identity, change)
    kept = revisions_of(identity, opened)
    to, current = _chosen(kept, number)
    sink(Step(f"{identity.application} → {identity.environment.name}, back to revision {to.number}"))
    _refuse_incomplete(to, kept, opened)
    templates, model = kept.templates(to), kept.model(to)
    told = judge_revision(identity, to, templates, model, opened)
    sites = _site_step(to, kept, identity, sink)
    seen, shared = projects.shared_of_revision(identity, to, templates, opened, change, sink)
    deployed = live_stacks(to.manifest, opened)
    outputs = _outputs(to, deployed)
    _refuse_lost_files(to, sites, outputs, kept, opened)
    forecast = Forecast.read(seen.manifest, seen.templates, deployed, opened.calls)
    steps = Steps(to.manifest, Surroundings(opened.clients, identity.folder, sink, {}), step_values(to))
    found = forecast.preview(StoredAssets(to), opened.calls, opened.clients.place.artifact_bucket, steps)
    found = replace(found, sites=sites.changes(outputs, opened.clients))
    plan = RollbackPlan(identity, to, current, found, _not_coming_back(to, seen.templates, found), told)
    return _Ready(opened, kept, templates, model, deployed, forecast, shared, steps, sites, plan)


def _carried_out(ready: _Ready, sink: Sink, delete_data: frozenset[str], drain: Drain | None) -> RollbackResult:
    """The stacks, then the revision, then the files of sites, as `up` does it."""
    opened, plan, run_id = ready.opened, ready.plan, new_run_id()
    identity, to = plan.identity, plan.to
    orchestrator = Orchestrator(
        ready.forecast.manifest,
        ready.forecast.templates,
        StoredAssets(to),
        opened.clients,
        pace=opened.pace,
        sink=sink,
        run_id=run_id,
        steps=ready.steps,
        drain=drain,
        shared=ready.shared,
        notes=notes_of(identity.environment, identity.project, identity.application, opened),
        express=identity.environment.express,
    )
    _note(identity, to, done=False)
    deployed = orchestrator.recovered(ready.deployed)
    deployment = orchestrator.deploy(deployed, delete_data=delete_data, moves=ready.forecast.moves, checked=True)
    _note(identity, to, done=deployment.ok)
    if deployment.ok and ready.shared is not None:
        ready.shared.settle(identity.project, identity.environment.name)
    settled = settled_outputs(deployment)
    compared = () if deployment.drained else ready.sites.compare(settled, opened.clients)
    recorded = _recorded(ready, deployment, compared)
    published = ready.sites.publish(compared, settled, opened.clients, run_id, opened.pace)
    return RollbackResult(plan, deployment, recorded, published)


def _refuse_untouched(identity: Identity) -> None:
    """Where nothing was ever deployed nothing is begun: no account is prepared, no local cloud started."""
    from klotho.driver import local_cloud

    found = answering(identity.environment, identity.project)
    if found is None:
        empty = not local_cloud.has_data(identity.project, identity.environment.name)
    else:
        empty = not revisions_of(identity, found).numbers()
    if empty:
        raise _nothing_earlier("nothing was deployed yet that could be deployed again")


def _opened(identity: Identity, change: Change) -> Session:
    """An account is taken as the deployments have left it: a rollback needs no newer bootstrap stack."""
    found = answering(identity.environment, identity.project) if identity.environment.target == "aws" else None
    return change.open(lambda question: True) if found is None else change.guard(found)


def _recorded(ready: _Ready, deployment: Deployment, sites: Sequence[Compared]) -> Revision | None:
    to = ready.plan.to
    why = replace(about(f"klotho rollback {to.number}", to.about.version), of=to.number)
    return keep(ready.kept, why, to.manifest, ready.templates, to.values, deployment, sites, ready.model)


def _site_step(to: Revision, kept: Revisions, identity: Identity, sink: Sink) -> SiteStep:
    """Publishes the files that the revision kept; sites of which it kept none stay as they are."""
    return SiteStep(
        to.manifest.sites,
        program_root=identity.folder,
        cache=cache_folder(),
        sink=sink,
        clock=time.monotonic,
        spans={},
        kept=kept.site_files(to),
    )


def _outputs(to: Revision, deployed: Mapping[str, DeployedStack]) -> dict[str, Mapping[str, str]]:
    """What the revision's stacks give now, as far as they are there."""
    names = {stack.stack_name: stack.name for stack in to.manifest.stacks}
    return {names[name]: stack.outputs for name, stack in deployed.items() if name in names}


def _chosen(kept: Revisions, number: int | None) -> tuple[Revision, Revision]:
    """The revision to go to, and the current one."""
    numbers = kept.numbers()
    if not numbers:
        raise _nothing_earlier("nothing was deployed yet that could be deployed again")
    current = kept.read(numbers[-1])
    if number is not None:
        return kept.read(number), current
    for earlier in reversed(numbers[:-1]):
        revision = kept.read(earlier)
        if revision.outcome == "succeeded" and revision.number != current.about.of:
            return revision, current
    raise _nothing_earlier(f"revision {current.number} is the first one that was deployed as a whole")


def _nothing_earlier(why: str) -> Failure:
    return Failure(
        "rollback-no-earlier",
        "there is nothing to roll back to",
        notes=(why,),
        helps=("`klotho history` lists the revisions",),
        exit_code=ExitCode.NOT_FOUND,
    )


def _refuse_incomplete(to: Revision, kept: Revisions, opened: Session) -> None:
    """Failure that names everything that can't be deployed again."""
    gone = kept.missing(to.objects)
    lost = [f"the template of stack {stack}" for stack, key in to.templates.items() if key in gone]
    lost += [f"the code of {_short(name)}" for name, key in to.zips.items() if key in gone]
    lost += [f"the packages of {_short(name)}" for name, key in to.layers.items() if key in gone]
    lost += [f"the image of {_short(name)}" for name, uri in to.images.items() if not opened.has_image(uri)]
    lost += [f"{_short(name)}, which was never built" for name in to.unknown]
    lost += [f"the list of the files of {_short(name)}" for name, index in to.sites.items() if index_key(index) in gone]
    if lost:
        raise _impossible(to, lost)


def _refuse_lost_files(
    to: Revision, sites: SiteStep, outputs: Mapping[str, Mapping[str, str]], kept: Revisions, opened: Session
) -> None:
    """Failure when a file is gone that is to be published: one that the site has not, or has in another version."""
    wanted = sites.to_put(outputs, opened.clients)
    gone = kept.missing(file.kept for files in wanted.values() for file in files if file.kept)
    lost = [
        f"{file.key} of {_short(construct)}"
        for construct, files in wanted.items()
        for file in files
        if file.kept in gone
    ]
    if lost:
        more = [f"{len(lost) - _SHOWN_FILES} more"] if lost[_SHOWN_FILES:] else []
        raise _impossible(to, [*lost[:_SHOWN_FILES], *more])


def _impossible(to: Revision, lost: Sequence[str]) -> Failure:
    return Failure(
        "rollback-impossible",
        f"revision {to.number} can't be deployed again: {', '.join(lost)} {'is' if len(lost) == 1 else 'are'} gone",
        notes=("nothing was touched",),
        helps=(
            "`klotho history` lists the other revisions",
            f"check out commit {to.about.version.commit} and run `klotho up`" if to.about.version else None,
        ),
    )


def _not_coming_back(to: Revision, templates: Mapping[str, bytes], found: Preview) -> tuple[str, ...]:
    """What the rollback makes anew and empty, and what is no part of a revision."""
    notes = []
    files = {stack.name: stack.template for stack in to.manifest.stacks}
    for change in found.stacks:
        resources = parsed(templates[files[change.stack]])["Resources"] if change.stack in files else {}
        for item in change.resources:
            if item.change == "add" and holds_data(resources[item.logical_id]):
                notes.append(f"{_short(item.construct) or item.logical_id} comes back empty: its data does not")
    notes += [
        f"the files of {_short(site.construct)} stay as they are, for the revision kept none: `klotho up` publishes"
        for site in to.manifest.sites
        if site.construct not in to.sites
    ]
    return tuple(dict.fromkeys(notes))


def _note(identity: Identity, to: Revision, *, done: bool) -> None:
    """This machine's notes of what it runs; what is to go stays in them until it has gone."""
    known = identity.record if identity.environment.target == "local" else None
    if known is None:
        return
    stateful = {
        stack.name: tuple(sorted(_short(name) for name in stack.constructs))
        for stack in to.manifest.stacks
        if stack.stateful
    }
    outputs = tuple((item.name, item.stack, item.output) for item in to.manifest.outputs)
    records.write(replace(known, outputs=outputs, stateful=stateful if done else {**known.stateful, **stateful}))


def _short(construct: str) -> str:
    return construct.rpartition("/")[2]
