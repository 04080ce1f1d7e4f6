"""`up` and `preview` for the command line; `down` is in `takedown`.

Input: a program, the environment's name, a sink for events. Output: values that say what happened. Refuses data loss
nobody asked for, on AWS a deployment nobody agreed to, and on this machine an application that belongs to another
folder's program. A program with mistakes changes nothing. Nothing here knows whether an environment is on AWS but
through `driver.session`, and that this machine keeps notes of what it runs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from typing import Any

from klotho.deploy.assets import AssetStep
from klotho.deploy.events import Sink, Step
from klotho.deploy.orchestrator import Deployment, Orchestrator, leftovers
from klotho.deploy.preview import Preview, assets_of_deployed, preview
from klotho.deploy.sites.step import SiteChange, SiteOutcome, SiteStep
from klotho.deploy.stacks import DeployedStack
from klotho.deploy.steps import Steps, Surroundings
from klotho.deploy.threads import workers
from klotho.diagnostics import ExitCode, Failure, one_of
from klotho.driver import records, session
from klotho.driver.build import Build, build
from klotho.driver.domains import LocalDomain, local_domains
from klotho.driver.environments import keep_note
from klotho.driver.machine import cache_folder, new_run_id, runs_in_ci
from klotho.driver.needed_servers import refuse_missing_servers
from klotho.driver.program import Program
from klotho.driver.session import Session
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


@dataclass(frozen=True, slots=True)
class Consent:
    """What a person says while `up` runs; by default they agree to everything that loses no data."""

    bootstrap: Callable[[str], bool] = lambda question: True
    """Asked before an account gets the bootstrap stack."""
    deploy: Callable[[Build, Preview], bool] | None = None
    """Asked with the preview before anything is deployed; None: not asked."""


def up(
    program: Program,
    environment: str | None,
    sink: Sink,
    *,
    delete_data: bool = False,
    take_over: bool = False,
    consent: Consent | None = None,
) -> UpResult:
    """Bring the program up; what did not change is not touched.

    `delete_data` allows removing or replacing what holds data; otherwise that is refused before it happens.
    `take_over` allows going on with an application that was brought up from another folder.
    `consent` is asked for what `session.asks_first` environments do only when a person agrees.
    """
    begun = time.monotonic()
    sink(Step(f"compiling {program.path.name}"))
    built = build(program, environment, in_ci=runs_in_ci())
    _refuse_early(built, delete_data)
    notes = _Notes.of(built, take_over=take_over)
    count = len(built.manifest.stacks)
    heading = f"{built.application.name} → {built.environment.name} ({count} {'stack' if count == 1 else 'stacks'})"
    sink(Step(notes.notice or heading))
    assets, sites = asset_step(built, sink), _site_step(built, sink)
    with workers(_BUILD_THREADS, "asset") as threads:
        assets.start(threads)
        sites.start(threads)
        opened = session.started(
            built.environment,
            built.application.project,
            lambda line: sink(Underway(line)),
            application=built.application.name,
        )
        deployed = _deployed(built, opened)
        if not delete_data:
            refuse_data_loss(leftovers(built.manifest, deployed), notes.stateful)
        _ask(built, opened, assets, deployed, sink, consent or Consent())
        run_id = new_run_id()
        notes.write()
        deployment = _orchestrator(built, opened, assets, sink, run_id).deploy(deployed, delete_data=delete_data)
        settled = {item.stack: item.outputs for item in deployment.outcomes if item.result in _UP}
        published = sites.publish(settled, opened.clients, run_id, opened.pace)
    outputs = shown_outputs(built.manifest, {item.stack: item.outputs for item in deployment.outcomes})
    units = opened.units(built.application.name)
    if deployment.ok:
        notes = notes.settled(built, units)
    notes.write()
    keep_note(built, opened)
    failed = tuple(unit for unit in units if unit.get("state") == "failed")
    unset = secrets_not_set(built, outputs, opened.clients)
    domains = local_domains(built.application, units)
    return UpResult(built, deployment, outputs, time.monotonic() - begun, failed, unset, published, domains)


def _refuse_early(built: Build, delete_data: bool) -> None:
    if built.environment.target == "local":
        refuse_missing_servers(built)
    if delete_data:
        refuse_protected(built.environment)


def _deployed(built: Build, opened: Session) -> dict[str, DeployedStack]:
    return opened.calls.deployed(
        project=built.application.project, environment=built.environment.name, application=built.application.name
    )


def _ask(
    built: Build,
    opened: Session,
    assets: AssetStep,
    deployed: Mapping[str, DeployedStack],
    sink: Sink,
    consent: Consent,
) -> None:
    """Failure (`not-agreed`) when the person does not want what would happen. An environment on this machine has
    nothing to ask."""
    opened.prepare(consent.bootstrap)
    if consent.deploy is None or built.environment.target == "local":
        return
    bucket = opened.clients.place.artifact_bucket
    steps = _steps(built, opened, sink)
    found = preview(built.manifest, built.templates, deployed, assets, opened.calls, bucket, steps)
    if found.changes and not consent.deploy(built, found):
        raise Failure("not-agreed", "nothing was deployed", exit_code=ExitCode.CANCELLED)


def _orchestrator(built: Build, opened: Session, assets: AssetStep, sink: Sink, run_id: str) -> Orchestrator:
    return Orchestrator(
        built.manifest,
        built.templates,
        assets,
        opened.clients,
        pace=opened.pace,
        sink=sink,
        run_id=run_id,
        spans=built.spans,
        steps=_steps(built, opened, sink),
    )


@dataclass(frozen=True, slots=True)
class _Notes:
    """What this machine keeps of an application it runs; for one on AWS nothing, the account has it all."""

    record: records.Record | None
    notice: str | None = None
    """A line for the person, when another folder's application is taken over."""

    @classmethod
    def of(cls, built: Build, *, take_over: bool) -> _Notes:
        if built.environment.target == "aws":
            return cls(None)
        known = records.read(built.application.project, built.environment.name, built.application.name)
        notice = records.refuse_elsewhere(known, built.program.folder, take_over=take_over)
        return cls(_record(built, known), notice)

    @property
    def stateful(self) -> Mapping[str, tuple[str, ...]]:
        return self.record.stateful if self.record else {}

    def settled(self, built: Build, units: Iterable[Mapping[str, Any]]) -> _Notes:
        """After everything has worked: what is not in the program any more is gone."""
        if self.record is None:
            return self
        logs = {str(unit["log_group"]): _unit_name(unit) for unit in units if unit.get("log_group")}
        return _Notes(replace(self.record, stateful=_stateful(built), logs=logs))

    def write(self) -> None:
        if self.record is not None:
            records.write(self.record)


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


def _unit_name(unit: Mapping[str, Any]) -> str:
    return str(unit.get("name", "")).rpartition("/")[2]


def preview_up(program: Program, environment: str | None, sink: Sink) -> tuple[Build, Preview]:
    """What `up` would do. A stopped local cloud that holds data is started for the question and stopped again."""
    built = build(program, environment, in_ci=runs_in_ci())
    assets = asset_step(built, sink)
    assets.validate()
    with session.for_a_question(built.environment, built.application.project, sink) as opened:
        if opened is None:
            found = preview(built.manifest, built.templates, {}, assets, None, "")
            return built, replace(found, sites=_site_step(built, sink).changes({}, None))
        deployed = _deployed(built, opened)
        with workers(_BUILD_THREADS, "asset") as threads:
            assets.start(threads, assets_of_deployed(built.manifest, deployed))
            bucket = opened.clients.place.artifact_bucket
            found = preview(
                built.manifest, built.templates, deployed, assets, opened.calls, bucket, _steps(built, opened, sink)
            )
            return built, replace(found, sites=_site_changes(built, deployed, opened, sink, threads))


def _site_changes(
    built: Build, deployed: Mapping[str, DeployedStack], session: Session, sink: Sink, threads: Executor
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


def _steps(built: Build, session: Session, sink: Sink) -> Steps:
    return Steps(built.manifest, Surroundings(session.clients, built.program.folder, sink, built.spans))


def asset_step(built: Build, sink: Sink) -> AssetStep:
    folder = built.program.folder
    return AssetStep(
        built.manifest.assets,
        program_root=folder,
        cache=cache_folder(),
        target=session.target_of(built.environment),
        build_image=session.image_builder(built),
        sink=sink,
        clock=time.monotonic,
        validate_image=session.image_validator(built),
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
