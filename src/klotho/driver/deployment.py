"""`up` and `preview` for the command line; `down` is in `takedown`.

Input: a program, the environment's name, a sink for events. Output: values that say what happened. Refuses
environments on AWS by name (deploying there comes with a later release), data loss nobody asked for, and an application
that belongs to another folder's program. A program with mistakes changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from typing import Any

from klotho.deploy.assets import AssetStep
from klotho.deploy.data_loss import NO_CONSENT, Consent, refuse_data_loss
from klotho.deploy.differences import ResourceChange
from klotho.deploy.events import Sink, Step
from klotho.deploy.moves import Deployed, Projected, after_moves, planned_moves, possible_renames, read_deployed
from klotho.deploy.orchestrator import Deployment, Orchestrator
from klotho.deploy.preview import Preview, assets_of_deployed, preview
from klotho.deploy.sites.step import SiteChange, SiteOutcome, SiteStep
from klotho.deploy.stacks import DeployedStack
from klotho.deploy.steps import Steps, Surroundings
from klotho.deploy.threads import workers
from klotho.diagnostics import Diagnostic, Failure, Report
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
    consent: Consent = NO_CONSENT,
    take_over: bool = False,
) -> UpResult:
    """Bring the program up; what did not change is not touched.

    Removing or replacing what holds data is refused (`ConsentNeeded`) before anything is changed, unless `consent`
    names it; `consent.moves` says which new constructs are old ones under new names.
    `take_over` allows going on with an application that was brought up from another folder.
    """
    begun = time.monotonic()
    sink(Step(f"compiling {program.path.name}"))
    built = build(program, environment, in_ci=runs_in_ci(), moves=consent.moves)
    refuse_aws(built.environment, "deploying")
    refuse_missing_servers(built)
    if consent.delete:
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
        run_id = new_run_id()
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
            labels=built.labels,
        )
        record, deployment = _deploy(built, known, session, orchestrator, consent)
        settled = {item.stack: item.outputs for item in deployment.outcomes if item.result in _UP}
        published = sites.publish(settled, session.clients, run_id, local_pace())
    outputs = shown_outputs(built.manifest, {item.stack: item.outputs for item in deployment.outcomes})
    units = _units(session, application)
    logs = {str(unit["log_group"]): _unit_name(unit) for unit in units if unit.get("log_group")}
    if deployment.ok:
        record = replace(record, stateful=_stateful(built), logs=logs)
    records.write(record)
    failed = tuple(unit for unit in units if unit.get("state") == "failed")
    unset = secrets_not_set(built, outputs, session.clients)
    domains = local_domains(built.application, units)
    return UpResult(built, deployment, outputs, time.monotonic() - begun, failed, unset, published, domains)


def _deploy(
    built: Build,
    known: records.Record | None,
    session: local_cloud.Session,
    orchestrator: Orchestrator,
    consent: Consent,
) -> tuple[records.Record, Deployment]:
    """Deploy, once it is sure that no data are lost; with what is kept of it."""
    project, name, application = built.application.project, built.environment.name, built.application.name
    deployed = orchestrator.recovered(
        session.calls.deployed(project=project, environment=name, application=application)
    )
    there = read_deployed(built.manifest, deployed, session.calls)
    moves = planned_moves(built.manifest, built.templates, there)
    _refuse_losses(built, orchestrator.losses(there, moves), there, consent)
    record = _record(built, known)
    records.write(record)
    return record, orchestrator.deploy(deployed, delete_data=consent.delete, moves=moves, checked=True)


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


def preview_up(
    program: Program, environment: str | None, sink: Sink, *, moves: Mapping[str, str] | None = None
) -> tuple[Build, Preview]:
    """What `up` would do. A stopped local cloud that holds data is started for the question and stopped again.

    `moves` as `Consent` has them.
    """
    built = build(program, environment, in_ci=runs_in_ci(), moves=moves)
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
        there = read_deployed(built.manifest, deployed, session.calls)
        planned = planned_moves(built.manifest, built.templates, there)
        will_be = after_moves(there, planned)
        with workers(_BUILD_THREADS, "asset") as threads:
            assets.start(threads, assets_of_deployed(built.manifest, will_be.stacks))
            bucket = session.clients.place.artifact_bucket
            calls = Projected(session.calls, will_be.templates)
            steps = _steps(built, session, sink)
            found = preview(built.manifest, built.templates, will_be.stacks, assets, calls, bucket, steps)
            found = replace(
                found,
                sites=_site_changes(built, deployed, session, sink, threads),
                moves=tuple(planned),
                renames=tuple(possible_renames(built.manifest, built.templates, there)),
            )
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


def moves_to_write(built: Build, moves: Mapping[str, str]) -> tuple[Diagnostic, ...]:
    """A warning for each rename that only this command knew of: the program must say it too."""
    report = Report()
    for old, new in moves.items():
        for construct in built.application.constructs:
            if (construct.name, construct.renamed_to) == (old, new):
                report.warning(
                    "move-not-written",
                    f"`{new}` has kept the data of `{old}`, but the program does not say so",
                    construct.span,
                    helps=[f'write `was="{old}"` here: then every run and every environment keeps them unasked'],
                )
    return tuple(report.diagnostics)


def _refuse_losses(built: Build, losses: list[ResourceChange], there: Deployed, consent: Consent) -> None:
    """ConsentNeeded (`data-would-be-deleted`) unless somebody has agreed to every loss."""
    if losses:
        refuse_data_loss(
            losses,
            built.spans,
            consented=consent.delete,
            labels=built.labels,
            renames=possible_renames(built.manifest, built.templates, there),
            protected=built.environment.protect,
            note="nothing was deployed",
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
