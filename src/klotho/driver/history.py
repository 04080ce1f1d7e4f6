"""`history` and `rollback` for the command line.

Input: where a command looks, an environment, a sink. Output: revisions, and what a rollback would do and did. Refuses,
before anything is touched and by name: a revision that is not there, one of which something is missing, data loss
nobody asked for. No program is run: the revision has all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from klotho.deploy.data_loss import refuse_data_loss
from klotho.deploy.differences import holds_data
from klotho.deploy.events import Sink, Step
from klotho.deploy.foreign import ForeignValues
from klotho.deploy.moves import Deployed, Move, Projected, after_moves, planned_moves, read_deployed
from klotho.deploy.orchestrator import Deployment, Orchestrator
from klotho.deploy.preview import Preview, preview, with_moves
from klotho.deploy.revisions import Revision, Revisions, StoredAssets, step_values
from klotho.deploy.steps import Steps, Surroundings
from klotho.deploy.template import parsed
from klotho.diagnostics import ExitCode, Failure
from klotho.driver import projects, records
from klotho.driver.change import Change
from klotho.driver.deployment import live_stacks, refuse_protected
from klotho.driver.identity import Identity, Where, identify
from klotho.driver.machine import new_run_id
from klotho.driver.program import refuse_mistaken_settings
from klotho.driver.project_stack import Foreseen
from klotho.driver.recording import about, changed, keep
from klotho.driver.session import Session, answering, for_a_question


@dataclass(frozen=True, slots=True)
class RollbackPlan:
    """What a rollback would do."""

    identity: Identity
    to: Revision
    current: Revision
    found: Preview
    notes: tuple[str, ...] = ()
    """What does not come back, by name."""


@dataclass(frozen=True, slots=True)
class RollbackResult:
    plan: RollbackPlan
    deployment: Deployment
    recorded: Revision | None
    """None when nothing had to change."""


def history(where: Where, environment: str | None, sink: Sink) -> tuple[Identity, list[Revision]]:
    """Newest first. A local cloud that is stopped is started for the question."""
    identity = identify(where, environment)
    with for_a_question(identity.environment, identity.project, sink) as opened:
        return identity, [] if opened is None else _revisions(identity, opened).all()


def rollback(
    where: Where,
    environment: str | None,
    number: int | None,
    sink: Sink,
    *,
    delete_data: frozenset[str],
    ask: Callable[[RollbackPlan], None],
) -> RollbackResult:
    """Deploy a kept revision again, the last good one before the current unless named.

    `delete_data` names the constructs whose data may go. `ask` is called with the plan before anything is deployed,
    and raises when the person says no. Failure (`rollback-impossible`) when something is missing.
    """
    identity = identify(where, environment)
    if delete_data:
        refuse_mistaken_settings(identity.folder)
        refuse_protected(identity.environment)
    _refuse_untouched(identity)
    with Change(identity.environment, identity.project, identity.application, "klotho rollback", sink) as change:
        opened = _opened(identity, change)
        kept = _revisions(identity, opened)
        to, current = _chosen(kept, number)
        sink(Step(f"{identity.application} → {identity.environment.name}, back to revision {to.number}"))
        _refuse_incomplete(to, kept, opened)
        templates = kept.templates(to)
        seen, shared = projects.shared_of_revision(identity, to, templates, opened, change, sink)
        deployed = live_stacks(to.manifest, opened)
        there = read_deployed(to.manifest, deployed, opened.calls)
        moves = planned_moves(to.manifest, templates, there)
        steps = Steps(to.manifest, Surroundings(opened.clients, identity.folder, sink, {}), step_values(to))
        plan = _plan(identity, opened, to, current, seen, there, moves, steps)
        lost = [item for _, item in plan.found.data_lost]
        refuse_data_loss(lost, {}, consented=delete_data, note="nothing was deployed")
        ask(plan)
        orchestrator = Orchestrator(
            seen.manifest,
            seen.templates,
            StoredAssets(to),
            opened.clients,
            pace=opened.pace,
            sink=sink,
            run_id=new_run_id(),
            steps=steps,
            shared=shared,
        )
        _note(identity, to, done=False)
        deployment = orchestrator.deploy(deployed, delete_data=delete_data, moves=moves, checked=True)
        _note(identity, to, done=deployment.ok)
        if deployment.ok and shared is not None:
            shared.settle(identity.project, identity.environment.name)
        if deployment.ok and changed(deployment):
            projects.note_rollback(identity, opened, change, to)
        return RollbackResult(plan, deployment, _recorded(kept, to, templates, deployment))


def _refuse_untouched(identity: Identity) -> None:
    """Where nothing was ever deployed nothing is begun: no account is prepared, no local cloud started."""
    from klotho.driver import local_cloud

    found = answering(identity.environment, identity.project)
    if found is None:
        empty = not local_cloud.has_data(identity.project, identity.environment.name)
    else:
        empty = not _revisions(identity, found).numbers()
    if empty:
        raise _nothing_earlier("nothing was deployed yet that could be deployed again")


def _opened(identity: Identity, change: Change) -> Session:
    """An account is taken as the deployments have left it: a rollback needs no newer bootstrap stack."""
    found = answering(identity.environment, identity.project) if identity.environment.target == "aws" else None
    return change.open(lambda question: True) if found is None else change.guard(found)


def _recorded(kept: Revisions, to: Revision, templates: Mapping[str, bytes], deployment: Deployment) -> Revision | None:
    why = replace(about(f"klotho rollback {to.number}", to.about.version), of=to.number)
    return keep(kept, why, to.manifest, templates, to.values, deployment)


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
    lost += [f"the image of {_short(name)}" for name, uri in to.images.items() if not opened.has_image(uri)]
    lost += [f"{_short(name)}, which was never built" for name in to.unknown]
    if lost:
        raise Failure(
            "rollback-impossible",
            f"revision {to.number} can't be deployed again: {', '.join(lost)} {'is' if len(lost) == 1 else 'are'} gone",
            notes=("nothing was touched",),
            helps=(
                "`klotho history` lists the other revisions",
                f"check out commit {to.about.version.commit} and run `klotho up`" if to.about.version else None,
            ),
        )


def _plan(
    identity: Identity,
    opened: Session,
    to: Revision,
    current: Revision,
    seen: Foreseen,
    there: Deployed,
    moves: Sequence[Move],
    steps: Steps,
) -> RollbackPlan:
    bucket = opened.clients.place.artifact_bucket
    will_be = after_moves(there, moves)
    calls = Projected(opened.calls, will_be.templates)
    foreign = ForeignValues(opened.calls).value
    found = preview(seen.manifest, seen.templates, will_be.stacks, StoredAssets(to), calls, bucket, steps, foreign)
    found = with_moves(found, moves, to.manifest)
    return RollbackPlan(identity, to, current, found, _not_coming_back(to, seen.templates, found))


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
        f"the files of {_short(site.construct)} stay as they are: `klotho up` publishes" for site in to.manifest.sites
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


def _revisions(identity: Identity, opened: Session) -> Revisions:
    return Revisions(opened.clients, identity.project, identity.environment.name, identity.application)


def _short(construct: str) -> str:
    return construct.rpartition("/")[2]
