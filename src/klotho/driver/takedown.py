"""`down` for the command line: stops one application, or deletes it with its data.

Input: an identity, a sink for events. Output: a `DownResult` that says what happened. Other applications of the
project are left as they are: running ones run on, stopped ones stay stopped, and the local cloud itself ends with the
last one that runs. On AWS its stacks are deleted and what holds data stays (`account_takedown`). Refuses deleting data
of a protected environment, deleting an application that belongs to another folder's program, and deleting what other
applications of the project use (`projects.BreakingNeeded`) unless somebody has agreed to break them by their names.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from klotho.deploy.assets import AssetStep
from klotho.deploy.drain import Drain
from klotho.deploy.events import Sink, Step
from klotho.deploy.orchestrator import Orchestrator
from klotho.deploy.outcome import Deployment
from klotho.deploy.steps import Steps, Surroundings
from klotho.deploy.target import HOST
from klotho.diagnostics import Failure
from klotho.driver import account_takedown, local_cloud, projects, records
from klotho.driver.account_takedown import Removal
from klotho.driver.change import Change
from klotho.driver.deployment import refuse_protected
from klotho.driver.identity import Identity
from klotho.driver.machine import cache_folder, local_pace, new_run_id
from klotho.driver.program import refuse_mistaken_settings
from klotho.driver.underway import Underway
from klotho.localcloud.connect import state_folder
from klotho.resources.naming import project_stack_name
from klotho.stacks import PROJECT_STACK, Manifest

_UNREADABLE = ("newer-data", "damaged-data")
"""Why a local cloud does not start although nothing is in its way: its data (`localcloud.startup_failure`)."""
_UNTOUCHED = "nothing was deleted"


@dataclass(frozen=True, slots=True)
class DownResult:
    """What `down` did."""

    identity: Identity
    was_running: bool
    data_deleted: bool
    deployment: Deployment | None = None
    """Of the stacks deleted one by one, where other applications live in the same local cloud."""
    running: tuple[str, ...] = ()
    """Other applications of the project that run on."""
    stopped: tuple[str, ...] = ()
    """Other applications of the project that are stopped and stay so."""
    was_there: bool = True
    """Whether there was anything of the application."""
    removal: Removal | None = None
    """What happened on AWS."""
    users: tuple[str, ...] = ()
    """Other applications that use what is only stopped."""


def stop(
    identity: Identity, sink: Sink, drain: Drain | None = None, breaking: frozenset[str] | None = frozenset()
) -> DownResult:
    """Stop what runs of the application and keep its data. `breaking`: as `delete` has it; on this machine nothing is
    removed, and others find it again after the next `up`."""
    if identity.environment.target == "aws":
        return _removed(identity, sink, delete_data=False, drain=drain, breaking=breaking)
    if not local_cloud.has_data(identity.project, identity.environment.name):
        return DownResult(identity, was_running=False, data_deleted=False, was_there=False)
    with _change(identity, sink):
        return replace(_stop(identity, sink), users=projects.users(identity))


def _stop(identity: Identity, sink: Sink) -> DownResult:
    project, name = identity.project, identity.environment.name
    session = local_cloud.running_session(project, name)
    if session is None:
        # One that hangs, or was killed and left processes, is ended too.
        hung = local_cloud.stop(project, name)
        return DownResult(identity, hung, data_deleted=False, was_there=local_cloud.has_data(project, name))
    with local_cloud.local_failures():
        states = session.connection.applications()
    was_running = states.get(identity.application) == "running"
    record = identity.record
    if record is not None and record.folder != identity.folder and record.holds_program:
        sink(Step(f"{identity.application} was brought up from {record.folder}, not from {identity.folder}"))
    if was_running:
        sink(Underway(f"stopping {identity.application}"))
        with local_cloud.local_failures():
            states = session.connection.pause(identity.application)
    running, stopped = _others(states, identity)
    if not running:
        local_cloud.stop(project, name)
    known = identity.application in states or identity.record is not None
    return DownResult(identity, was_running, False, running=running, stopped=stopped, was_there=known)


def data_of(identity: Identity, *, take_over: bool) -> list[str]:
    """The constructs whose data `delete` would delete, as far as known; refuses what `delete` refuses."""
    refuse_mistaken_settings(identity.folder)
    refuse_protected(identity.environment)
    record = identity.record
    records.refuse_elsewhere(record, identity.folder, take_over=take_over)
    return sorted(name for names in record.stateful.values() for name in names) if record else []


def delete(
    identity: Identity,
    sink: Sink,
    *,
    take_over: bool,
    drain: Drain | None = None,
    breaking: frozenset[str] | None = frozenset(),
) -> DownResult:
    """Remove everything of the application, its data too. `drain` is how the user asks to stop. `breaking`: the
    applications that may lose what they use of it; None: nobody is asked, as when an environment's time is up."""
    data_of(identity, take_over=take_over)
    notice = records.refuse_elsewhere(identity.record, identity.folder, take_over=take_over)
    if notice:
        sink(Step(notice))
    if identity.environment.target == "aws":
        return _removed(identity, sink, delete_data=True, drain=drain, breaking=breaking)
    with _change(identity, sink) as change:
        broke = () if breaking is None else projects.refuse_leaving(identity, None, breaking, note=_UNTOUCHED)
        if local_cloud.has_data(identity.project, identity.environment.name):
            result = _delete(identity, sink, change, drain)
        else:
            result = DownResult(identity, was_running=False, data_deleted=False, was_there=False)
        if result.deployment is None or result.deployment.ok:
            projects.withdraw(identity, None, broke)
        return result


def _removed(
    identity: Identity, sink: Sink, *, delete_data: bool, drain: Drain | None, breaking: frozenset[str] | None
) -> DownResult:
    done = account_takedown.remove(identity, sink, delete_data=delete_data, drain=drain, breaking=breaking)
    was_there = done.deployment is not None
    gone = delete_data and was_there and (done.deployment is None or done.deployment.ok)
    return DownResult(identity, was_there, gone, done.deployment, was_there=was_there, removal=done)


def _change(identity: Identity, sink: Sink) -> Change:
    return Change(identity.environment, identity.project, identity.application, "klotho down", sink)


def _delete(identity: Identity, sink: Sink, change: Change, drain: Drain | None) -> DownResult:
    project, name = identity.project, identity.environment.name
    session = local_cloud.running_session(project, name)
    found = _neighbours(session, identity)
    if not found and (session is not None or identity.record is not None):
        return _delete_all(identity, sink, was_running=session is not None)
    return _delete_one(identity, sink, session, change, drain)


def _delete_all(identity: Identity, sink: Sink, *, was_running: bool) -> DownResult:
    """Nothing else lives here, so the whole cloud goes: no stack can refuse, no retained table is left behind, and
    data that can't be read any more goes too."""
    sink(Underway(f"deleting {identity.application} and its data"))
    was_running = local_cloud.stop(identity.project, identity.environment.name) or was_running
    local_cloud.delete_data(identity.project, identity.environment.name)
    projects.forget_claim(identity)
    return DownResult(identity, was_running, data_deleted=True)


def _delete_one(
    identity: Identity, sink: Sink, running: local_cloud.Session | None, change: Change, drain: Drain | None
) -> DownResult:
    """Delete the application's stacks beside those of others. A local cloud that has to be started for that is
    stopped again."""
    project, name = identity.project, identity.environment.name
    session = running or _started(identity, sink)
    session = session.guarded(change.lease.guard)
    with local_cloud.local_failures():
        states = session.connection.applications()
    others = _others(states, identity)
    was_running = running is not None and states.get(identity.application) == "running"
    if not any(others) and running is None:
        return _delete_all(identity, sink, was_running=False)
    try:
        deployment = _delete_stacks(identity, session, sink, drain)
        if deployment.ok:
            projects.release(identity, session, change, sink)
    finally:
        if running is None or not others[0]:
            local_cloud.stop(project, name)
    if deployment.ok:
        records.remove(project, name, identity.application)
    alive, idle = others if running is not None else ((), tuple(sorted({*others[0], *others[1]})))
    return DownResult(identity, was_running, deployment.ok, deployment, alive, idle)


def _delete_stacks(identity: Identity, session: local_cloud.Session, sink: Sink, drain: Drain | None) -> Deployment:
    project, name = identity.project, identity.environment.name
    deployed = session.calls.deployed(project=project, environment=name, application=identity.application)
    empty = Manifest(identity.application, project, name, session.connection.region, (), (), ())
    assets = AssetStep(
        (), program_root=identity.folder, cache=cache_folder(), target=HOST, build_image=_no_images, sink=sink,
        clock=time.monotonic,
    )  # fmt: skip
    orchestrator = Orchestrator(
        empty, {}, assets, session.clients, pace=local_pace(), sink=sink, run_id=new_run_id(), drain=drain
    )
    deployment = orchestrator.delete(deployed.values(), delete_data=True)
    if deployment.ok:
        Steps(empty, Surroundings(session.clients, identity.folder, sink, {})).sweep()
    return deployment


def _started(identity: Identity, sink: Sink) -> local_cloud.Session:
    project, name = identity.project, identity.environment.name
    assert identity.environment.region is not None
    try:
        return local_cloud.started_session(
            project, name, identity.environment.region, lambda line: sink(Underway(line)), application=None
        )
    except Failure as failure:
        if failure.diagnostic.code not in _UNREADABLE:
            raise
        others = [item.application for item in records.of_cloud(project, name)]
        also = ", ".join(other for other in others if other != identity.application) or "other applications"
        raise Failure(
            failure.diagnostic.code,
            str(failure),
            notes=(f"the data of {also} is in the same place, so it can't be deleted for one of them alone",),
            helps=(f"delete the folder {state_folder(project, name)} yourself if all of it may go",),
        ) from failure


def _neighbours(session: local_cloud.Session | None, identity: Identity) -> set[str]:
    """Other applications in the same local cloud: those it knows when it runs, else those with a record."""
    recorded = {item.application for item in records.of_cloud(identity.project, identity.environment.name)}
    if session is not None:
        with local_cloud.local_failures():
            recorded = set(session.connection.applications())
        deployed = session.calls.deployed(project=identity.project, environment=identity.environment.name)
        recorded |= {
            stack.tags.get("klotho:application", stack.name)
            for name, stack in deployed.items()
            if name != project_stack_name(identity.project, identity.environment.name, PROJECT_STACK)
        }
    return recorded - {identity.application}


def _others(states: Mapping[str, str], identity: Identity) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of the other applications that run, and of those that are stopped."""
    names = sorted(states.keys() - {identity.application})
    return (
        tuple(name for name in names if states[name] == "running"),
        tuple(name for name in names if states[name] != "running"),
    )


def _no_images(asset: object, log: object, package: object = None) -> str:
    raise AssertionError("deleting builds nothing")
