"""`up` and `preview` for the command line; `down` is in `takedown`.

Input: a program, the environment's name, a sink for events. Output: values that say what happened. Refuses
environments on AWS by name (deploying there comes with a later release), data loss nobody asked for, and an application
that belongs to another folder's program. A program with mistakes changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from typing import Any

from klotho.deploy.assets import AssetStep
from klotho.deploy.drain import Drain
from klotho.deploy.events import Sink, Step
from klotho.deploy.orchestrator import Orchestrator, leftovers
from klotho.deploy.outcome import Deployment
from klotho.deploy.preview import Preview, assets_of_deployed, preview
from klotho.deploy.sites.step import SiteChange, SiteOutcome, SiteStep
from klotho.deploy.stacks import DeployedStack
from klotho.deploy.steps import Steps, Surroundings
from klotho.deploy.threads import workers
from klotho.diagnostics import Failure, one_of
from klotho.driver import local_cloud, records
from klotho.driver.build import Build, build
from klotho.driver.domains import LocalDomain, local_domains
from klotho.driver.machine import cache_folder, local_pace, new_run_id, runs_in_ci
from klotho.driver.needed_servers import refuse_missing_servers
from klotho.driver.program import Program
from klotho.driver.settings import Environment
from klotho.driver.underway import Underway
from klotho.driver.unset_secrets import secrets_not_set
from klotho.stacks import Manifest

_BUILD_THREADS = 4
_UP = ("created", "updated", "unchanged")


@dataclass(frozen=True, slots=True)
class UpResult:
    """What `up` did."""

    built: Build
    deployment: Deployment
    outputs: Mapping[str, str] = field(default_factory=dict)
    """By the name the user knows: `shop-api.url`."""
    seconds: float = 0.0
    failed_units: tuple[Mapping[str, Any], ...] = ()
    """What is deployed but does not run (`localcloud.status.UnitStatus`): an API whose port somebody has."""
    secrets_not_set: tuple[str, ...] = ()
    """Names of deployed secrets that have no value yet."""
    sites: tuple[SiteOutcome, ...] = ()
    domains: tuple[LocalDomain, ...] = ()
    """Custom domains, as this machine reaches them."""

    @property
    def ok(self) -> bool:
        return self.deployment.ok and not self.failed_units and not self.failed_sites

    @property
    def failed_sites(self) -> tuple[SiteOutcome, ...]:
        return tuple(site for site in self.sites if site.result == "failed")


def up(
    program: Program,
    environment: str | None,
    sink: Sink,
    *,
    delete_data: bool = False,
    take_over: bool = False,
    drain: Drain | None = None,
) -> UpResult:
    """Bring the program up; what did not change is not touched.

    `delete_data` allows removing or replacing what holds data; otherwise that is refused before it happens.
    `take_over` allows going on with an application that was brought up from another folder. `drain` is how the user
    asks to stop: what has begun is finished, nothing else begins.
    """
    begun = time.monotonic()
    sink(Step(f"compiling {program.path.name}"))
    built = build(program, environment, in_ci=runs_in_ci())
    refuse_aws(built.environment, "deploying")
    refuse_missing_servers(built)
    if delete_data:
        refuse_protected(built.environment)
    project, name = built.application.project, built.environment.name
    application = built.application.name
    known = records.read(project, name, application)
    notice = records.refuse_elsewhere(known, program.folder, take_over=take_over)
    count = len(built.manifest.stacks)
    sink(Step(notice or f"{application} → {name} ({count} {'stack' if count == 1 else 'stacks'})"))
    assets, sites = _asset_step(built, sink), _site_step(built, sink)
    with workers(_BUILD_THREADS, "asset") as threads:
        assets.start(threads)
        sites.start(threads)
        session = local_cloud.started_session(
            project, name, built.region, lambda line: sink(Underway(line)), application=application
        )
        deployed = session.calls.deployed(project=project, environment=name, application=application)
        if not delete_data:
            refuse_data_loss(leftovers(built.manifest, deployed), known.stateful if known else {})
        record, run_id = _record(built, known), new_run_id()
        records.write(record)
        orchestrator = Orchestrator(
            built.manifest,
            built.templates,
            assets,
            session.clients,
            pace=local_pace(),
            sink=sink,
            run_id=run_id,
            spans=built.spans,
            steps=_steps(built, session, sink),
            drain=drain,
        )
        deployment = orchestrator.deploy(deployed, delete_data=delete_data)
        settled = {item.stack: item.outputs for item in deployment.outcomes if item.result in _UP}
        if deployment.drained:
            threads.shutdown(wait=False, cancel_futures=True)
            return UpResult(built, deployment, {}, time.monotonic() - begun)
        published = sites.publish(settled, session.clients, run_id, local_pace())
    result = UpResult(built, deployment, sites=published)
    return replace(_looked_at(result, record, session), seconds=time.monotonic() - begun)


def _looked_at(result: UpResult, record: records.Record, session: local_cloud.Session) -> UpResult:
    """The result with what is to be seen of the application now; keeps its record."""
    built, deployment = result.built, result.deployment
    outputs = shown_outputs(built.manifest, {item.stack: item.outputs for item in deployment.outcomes})
    units = _units(session, built.application.name)
    logs = {str(unit["log_group"]): _unit_name(unit) for unit in units if unit.get("log_group")}
    if deployment.ok:
        record = replace(record, stateful=_stateful(built), logs=logs)
    records.write(record)
    return replace(
        result,
        outputs=outputs,
        failed_units=tuple(unit for unit in units if unit.get("state") == "failed"),
        secrets_not_set=secrets_not_set(built, outputs, session.clients),
        domains=local_domains(built.application, units),
    )


def _record(built: Build, known: records.Record | None) -> records.Record:
    """What is kept of this `up`. Stacks that are to go stay in it until it has worked: they may refuse."""
    return records.Record(
        built.application.name,
        built.application.project,
        built.environment.name,
        built.region,
        str(built.program.path),
        tuple((item.name, item.stack, item.output) for item in built.manifest.outputs),
        {**(known.stateful if known else {}), **_stateful(built)},
        known.logs if known else {},
    )


def _stateful(built: Build) -> dict[str, tuple[str, ...]]:
    """Names of the constructs in stacks that hold data, by stack."""
    return {
        stack.name: tuple(sorted(name.rpartition("/")[2] for name in stack.constructs))
        for stack in built.manifest.stacks
        if stack.stateful
    }


def _units(session: local_cloud.Session, application: str) -> list[Mapping[str, Any]]:
    with local_cloud.local_failures():
        units = session.connection.status().get("units", ())
    return [unit for unit in units if unit.get("application") == application]


def _unit_name(unit: Mapping[str, Any]) -> str:
    return str(unit.get("name", "")).rpartition("/")[2]


def preview_up(program: Program, environment: str | None, sink: Sink) -> tuple[Build, Preview]:
    """What `up` would do. A stopped local cloud that holds data is started for the question and stopped again."""
    built = build(program, environment, in_ci=runs_in_ci())
    refuse_aws(built.environment, "previewing")
    project, name = built.application.project, built.environment.name
    assets = _asset_step(built, sink)
    assets.validate()
    if not local_cloud.has_data(project, name):
        found = preview(built.manifest, built.templates, {}, assets, None, "")
        return built, replace(found, sites=_site_step(built, sink).changes({}, None))
    session, stop_after = local_cloud.running_session(project, name), False
    if session is None:
        session = local_cloud.started_session(
            project, name, built.region, lambda line: sink(Step(line)), application=None
        )
        stop_after = True
    try:
        deployed = session.calls.deployed(project=project, environment=name, application=built.application.name)
        with workers(_BUILD_THREADS, "asset") as threads:
            assets.start(threads, assets_of_deployed(built.manifest, deployed))
            bucket = session.clients.place.artifact_bucket
            found = preview(
                built.manifest, built.templates, deployed, assets, session.calls, bucket, _steps(built, session, sink)
            )
            found = replace(found, sites=_site_changes(built, deployed, session, sink, threads))
    finally:
        if stop_after:
            local_cloud.stop(project, name)
    return built, found


def _site_changes(
    built: Build, deployed: Mapping[str, DeployedStack], session: local_cloud.Session, sink: Sink, threads: Executor
) -> tuple[SiteChange, ...]:
    """Compared with the outputs of now: what this program's values will be is known after its deployment only."""
    names = {stack.stack_name: stack.name for stack in built.manifest.stacks}
    outputs = {names[name]: stack.outputs for name, stack in deployed.items() if name in names}
    sites = _site_step(built, sink)
    sites.start(threads, sites.deployed(outputs))
    return sites.changes(outputs, session.clients)


def shown_outputs(manifest: Manifest, by_stack: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """The outputs people see, by name; those of stacks that are not there are left out."""
    return {
        output.name: by_stack[output.stack][output.output]
        for output in manifest.outputs
        if output.output in by_stack.get(output.stack, {})
    }


def refuse_aws(environment: Environment, doing: str) -> None:
    """Failure (`aws-not-yet`) for an environment on AWS."""
    if environment.target == "aws":
        raise Failure(
            "aws-not-yet",
            f"{doing} on AWS comes with a later release",
            at=environment.span,
            notes=(f"the environment `{environment.name}` has `target: aws`",),
            helps=("use `--env local`", "`klotho build` writes the CloudFormation templates for any environment"),
        )


def refuse_protected(environment: Environment) -> None:
    """Failure (`environment-protected`) when data of a protected environment would be deleted."""
    if environment.protect:
        raise Failure(
            "environment-protected",
            f"the environment `{environment.name}` is protected: its data can't be deleted",
            at=environment.span,
            helps=("if the data may go: remove `protect: true` from klotho.yaml, run `klotho up`, then try again",),
        )


def refuse_data_loss(stacks: Iterable[DeployedStack], constructs: Mapping[str, Iterable[str]]) -> None:
    """Failure (`data-would-be-deleted`) when a stack that holds data is not part of the program any more.

    `constructs`: the names of those that hold data, by stack, as far as known.
    """
    names = sorted({name for stack in stacks if stack.stateful for name in constructs.get(stack.name, (stack.name,))})
    if names:
        them = "it" if len(names) == 1 else "them"
        raise Failure(
            "data-would-be-deleted",
            f"this would delete the data of {one_of(names)}",
            notes=(f"the program does not hold {them} any more; nothing was deployed",),
            helps=(f"put {them} back into the program", f"run it with `--delete-data` to delete {them} for good"),
        )


def _steps(built: Build, session: local_cloud.Session, sink: Sink) -> Steps:
    return Steps(built.manifest, Surroundings(session.clients, built.program.folder, sink, built.spans))


def _asset_step(built: Build, sink: Sink) -> AssetStep:
    folder = built.program.folder
    return AssetStep(
        built.manifest.assets,
        program_root=folder,
        cache=cache_folder(),
        build_image=local_cloud.image_builder(folder, built.application.project, built.environment.name),
        sink=sink,
        clock=time.monotonic,
        validate_image=local_cloud.image_validator(folder),
        spans=built.spans,
    )


def _site_step(built: Build, sink: Sink) -> SiteStep:
    return SiteStep(
        built.manifest.sites,
        program_root=built.program.folder,
        cache=cache_folder(),
        sink=sink,
        clock=time.monotonic,
        spans=built.spans,
    )
