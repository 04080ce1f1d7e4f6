"""`up` for the command line; `preview` is in `previewing`, `down` in `takedown`.

Input: a program, the environment's name, a sink for events. Output: values that say what happened. Refuses data loss
nobody asked for, on AWS a deployment nobody agreed to, and on this machine an application that belongs to another
folder's program. A program with mistakes changes nothing. Nothing here knows whether an environment is on AWS but
through `driver.session`, and that this machine keeps notes of what it runs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from klotho.deploy.assets import AssetStep
from klotho.deploy.data_loss import NOTHING_AGREED, Agreed, refuse_data_loss
from klotho.deploy.differences import ResourceChange
from klotho.deploy.drain import Drain
from klotho.deploy.events import Sink, Step
from klotho.deploy.forecast import Forecast
from klotho.deploy.functions.package import FunctionPackager
from klotho.deploy.moves import Deployed, possible_renames
from klotho.deploy.orchestrator import Orchestrator, SharedStacks
from klotho.deploy.outcome import Deployment
from klotho.deploy.preview import Preview
from klotho.deploy.sites.step import SiteOutcome, SiteStep
from klotho.deploy.stacks import DeployedStack
from klotho.deploy.steps import Steps, Surroundings
from klotho.deploy.threads import workers
from klotho.diagnostics import Diagnostic, ExitCode, Failure, Report
from klotho.driver import guardrails, projects, records, session
from klotho.driver.build import Build, build
from klotho.driver.change import Change
from klotho.driver.domains import LocalDomain, local_domains
from klotho.driver.environments import keep_note
from klotho.driver.lock_file import LOCK_FILE
from klotho.driver.machine import cache_folder, new_run_id, runs_in_ci
from klotho.driver.needed_servers import refuse_missing_servers
from klotho.driver.program import Program
from klotho.driver.reasons import reasons_of
from klotho.driver.recording import record
from klotho.driver.session import Session
from klotho.driver.settings import Environment
from klotho.driver.shipping import decided
from klotho.driver.unset_secrets import secrets_not_set
from klotho.stacks import Manifest

BUILD_THREADS = 4
"""How many assets are built at once."""
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
    data: Agreed = NOTHING_AGREED
    """Whose data may go, and which new constructs keep those of old ones."""
    breaking: frozenset[str] = frozenset()
    """Applications of the project that may be broken by what this one removes or changes."""


def up(
    program: Program,
    environment: str | None,
    sink: Sink,
    *,
    take_over: bool = False,
    consent: Consent | None = None,
    drain: Drain | None = None,
    command: str = "klotho up",
) -> UpResult:
    """Bring the program up; what did not change is not touched.

    Removing or replacing what holds data is refused (`ConsentNeeded`) before anything is changed, unless
    `consent.data` names it; so is breaking another application (`projects.BreakingNeeded`), unless `consent.breaking`
    does.
    `take_over` allows going on with an application that was brought up from another folder.
    `consent` is asked for what `session.asks_first` environments do only when a person agrees.
    `drain` is how the user asks to stop: what has begun is finished, nothing else begins. `command`: what was run, for
    the history.
    """
    begun = time.monotonic()
    sink(Step(f"compiling {program.path.name}"))
    consent = consent or Consent()
    compiled = partial(build, program, environment, in_ci=runs_in_ci(), moves=consent.data.moves, ask=True)
    built = compiled()
    _refuse_early(built, consent.data)
    packager = packager_of(built)
    built = decided(built, lambda entries: compiled(shipped=entries), packager, sink)
    for pin in guardrails.pin(built):
        sink(Step(f"answers to {pin.bundle} {pin.version} ({LOCK_FILE} pins it: commit it)"))
    with Change(built.environment, built.application.project, built.application.name, command, sink) as change:
        result = _deploy(built, packager, sink, change, consent, drain, take_over=take_over, command=command)
    return replace(result, seconds=time.monotonic() - begun)


def _deploy(
    built: Build,
    packager: FunctionPackager,
    sink: Sink,
    change: Change,
    consent: Consent,
    drain: Drain | None,
    *,
    take_over: bool,
    command: str,
) -> UpResult:
    """Under the lease, which every write passes."""
    notes = _Notes.of(built, take_over=take_over)
    on_aws = built.environment.target == "aws"
    standing = None if on_aws else projects.standing(built, None, consent.breaking)
    count = len(built.manifest.stacks)
    heading = f"{built.application.name} → {built.environment.name} ({count} {'stack' if count == 1 else 'stacks'})"
    sink(Step(notes.notice or heading))
    assets, sites = asset_step_of(built, sink, packager=packager), site_step_of(built, sink)
    with workers(BUILD_THREADS, "asset") as threads:
        assets.start(threads)
        sites.start(threads)
        opened = change.open(consent.bootstrap)
        standing = standing or projects.standing(built, opened, consent.breaking)
        shared = projects.shared_stack(built, opened, change, sink)
        foreseen = projects.foreseen(built, opened)
        run_id = new_run_id()
        orchestrator = _orchestrator(foreseen, opened, assets, sink, run_id, drain, shared)
        deployed = deployed_of(built, opened)
        forecast = Forecast.read(foreseen.manifest, foreseen.templates, deployed, opened.calls)
        _refuse_losses(built, orchestrator.losses(forecast.there, forecast.moves), forecast.there, consent.data)
        _ask(foreseen, opened, assets, forecast, sink, consent)
        notes.write()
        recovered = orchestrator.recovered(deployed)
        deployment = orchestrator.deploy(recovered, delete_data=consent.data.delete, moves=forecast.moves, checked=True)
        if deployment.drained:
            record(built, opened, deployment, orchestrator.resolved, (), command, standing.broke)
            threads.shutdown(wait=False, cancel_futures=True)
            return UpResult(built, deployment)
        settled = settled_outputs(deployment)
        compared = sites.compare(settled, opened.clients)
        # Before the files are there, which may take the CDN minutes: what was deployed can be gone back to.
        record(built, opened, deployment, orchestrator.resolved, compared, command, standing.broke)
        published = sites.publish(compared, settled, opened.clients, run_id, opened.pace)
    outputs = shown_outputs(built.manifest, {item.stack: item.outputs for item in deployment.outcomes})
    units = opened.units(built.application.name)
    if deployment.ok:
        notes = notes.settled(built, units)
    notes.write()
    keep_note(built, opened)
    if deployment.ok:
        if shared is not None:
            shared.settle(built.application.project, built.environment.name)
        projects.publish(built, standing, deployment, outputs, change)
    failed = tuple(unit for unit in units if unit.get("state") == "failed")
    unset = secrets_not_set(built, outputs, opened.clients)
    domains = local_domains(built.application, units)
    return UpResult(built, deployment, outputs, 0.0, failed, unset, published, domains)


def settled_outputs(deployment: Deployment) -> dict[str, Mapping[str, str]]:
    """The outputs of the stacks that are up."""
    return {item.stack: item.outputs for item in deployment.outcomes if item.result in _UP}


def _refuse_early(built: Build, agreed: Agreed) -> None:
    if built.environment.target == "local":
        refuse_missing_servers(built)
    if agreed.delete:
        refuse_protected(built.environment)


def deployed_of(built: Build, opened: Session) -> dict[str, DeployedStack]:
    """`live_stacks` of a build."""
    return live_stacks(built.manifest, opened)


def live_stacks(manifest: Manifest, opened: Session) -> dict[str, DeployedStack]:
    """The live stacks of the application in its environment, and the project's if it uses that; by CloudFormation
    name."""
    found = opened.calls.deployed(project=manifest.project, environment=manifest.environment)
    shared = {stack.stack_name for stack in manifest.stacks if stack.shared}
    return {
        name: stack
        for name, stack in found.items()
        if name in shared or stack.tags.get("klotho:application") == manifest.application
    }


def _ask(
    built: Build,
    opened: Session,
    assets: AssetStep,
    forecast: Forecast,
    sink: Sink,
    consent: Consent,
) -> None:
    """Failure (`not-agreed`) when the person does not want what would happen. An environment on this machine has
    nothing to ask."""
    if consent.deploy is None or built.environment.target == "local":
        return
    bucket = opened.clients.place.artifact_bucket
    found = forecast.preview(assets, opened.calls, bucket, steps_of(built, opened, sink))
    found = replace(found, reasons=reasons_of(built, found))
    if found.changes and not consent.deploy(built, found):
        raise Failure("not-agreed", "nothing was deployed", exit_code=ExitCode.CANCELLED)


def _orchestrator(
    built: Build,
    opened: Session,
    assets: AssetStep,
    sink: Sink,
    run_id: str,
    drain: Drain | None,
    shared: SharedStacks | None,
) -> Orchestrator:
    return Orchestrator(
        built.manifest,
        built.templates,
        assets,
        opened.clients,
        pace=opened.pace,
        sink=sink,
        run_id=run_id,
        spans=built.spans,
        steps=steps_of(built, opened, sink),
        drain=drain,
        labels=built.labels,
        notes=session.notes_of(built.environment, built.application.project, built.application.name, opened),
        express=built.environment.express,
        shared=shared,
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


def _refuse_losses(built: Build, losses: list[ResourceChange], there: Deployed, agreed: Agreed) -> None:
    """ConsentNeeded (`data-would-be-deleted`) unless somebody has agreed to every loss."""
    if losses:
        refuse_data_loss(
            losses,
            built.spans,
            consented=agreed.delete,
            labels=built.labels,
            renames=possible_renames(built.manifest, built.templates, there),
            protected=built.environment.protect,
            note="nothing was deployed",
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


def shown_outputs(manifest: Manifest, by_stack: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """The outputs people see, by name; those of stacks that are not there are left out."""
    return {
        output.name: by_stack[output.stack][output.output]
        for output in manifest.outputs
        if output.output in by_stack.get(output.stack, {})
    }


def refuse_protected(environment: Environment) -> None:
    """Failure (`environment-protected`) when data of a protected environment would be deleted."""
    if environment.protect:
        raise Failure(
            "environment-protected",
            f"the environment `{environment.name}` is protected: its data can't be deleted",
            at=environment.span,
            helps=("if the data may go: remove `protect: true` from klotho.yaml, run `klotho up`, then try again",),
        )


def steps_of(built: Build, session: Session, sink: Sink) -> Steps:
    """What the deployer does around the stacks."""
    return Steps(built.manifest, Surroundings(session.clients, built.program.folder, sink, built.spans))


def packager_of(built: Build) -> FunctionPackager:
    """For the functions of the program."""
    return FunctionPackager(built.program.folder, cache_folder(), session.target_of(built.environment))


def asset_step_of(
    built: Build, sink: Sink, *, reads_only: bool = False, packager: FunctionPackager | None = None
) -> AssetStep:
    """The assets of the program, none begun. `reads_only`: nothing of them goes to an account."""
    folder = built.program.folder
    return AssetStep(
        built.manifest.assets,
        program_root=folder,
        cache=cache_folder(),
        target=session.target_of(built.environment),
        build_image=session.image_builder(built, reads_only=reads_only),
        sink=sink,
        clock=time.monotonic,
        validate_image=session.image_validator(built),
        spans=built.spans,
        packager=packager,
    )


def site_step_of(built: Build, sink: Sink) -> SiteStep:
    """The sites of the program, none begun."""
    return SiteStep(
        built.manifest.sites,
        program_root=built.program.folder,
        cache=cache_folder(),
        sink=sink,
        clock=time.monotonic,
        spans=built.spans,
    )
