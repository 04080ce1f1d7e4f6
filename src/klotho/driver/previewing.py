"""`preview` for the command line: what `up` would do, why, and what it widens.

Input: a program, the environment's name, a sink for events. Output: the build and a `Preview`. Deploys nothing: without
`verify` every call only reads; with it, change sets are made and deleted. Refuses what `up` refuses before it begins.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial

from klotho.deploy.assets import AssetStep
from klotho.deploy.desired import deployed_digest, wanted_tags
from klotho.deploy.differences import REPLACED, UNKNOWN
from klotho.deploy.events import Sink, Step
from klotho.deploy.forecast import Forecast
from klotho.deploy.preview import Preview, StackChange, assets_of_deployed, preview
from klotho.deploy.sites.step import SiteChange
from klotho.deploy.stacks import DeployedStack, Request
from klotho.deploy.threads import workers
from klotho.deploy.verify import Mark, Question, Verification, Verifier
from klotho.driver import projects, session
from klotho.driver.build import Build, build
from klotho.driver.deployment import (
    BUILD_THREADS,
    asset_step_of,
    deployed_of,
    packager_of,
    site_step_of,
    steps_of,
)
from klotho.driver.machine import machine_name, new_run_id, process_runs, runs_in_ci
from klotho.driver.program import Program
from klotho.driver.reasons import reasons_of
from klotho.driver.session import Session
from klotho.driver.shipping import foreseen
from klotho.stacks import Stack

_NOT_ASKED = {
    "delete": "it is deleted as a whole",
    "recreate": "it is deleted and made anew",
    "stuck": "CloudFormation takes no update of it in its state",
}


def preview_up(
    program: Program,
    environment: str | None,
    sink: Sink,
    *,
    verify: bool = False,
    moves: Mapping[str, str] | None = None,
) -> tuple[Build, Preview]:
    """What `up` would do. A stopped local cloud that holds data is started for the question and stopped again.

    `moves`: new names of constructs by the former ones, whose data they keep.
    """
    compiled = partial(build, program, environment, in_ci=runs_in_ci(), moves=moves, ask=True)
    built = compiled()
    packager = packager_of(built)
    asset_step_of(built, sink, reads_only=True, packager=packager).validate()
    with session.for_a_question(built.environment, built.application.project, sink) as opened:
        # Where something is deployed, packages are packed for the comparison anyway.
        built = foreseen(built, lambda entries: compiled(shipped=entries), packager, sink, looks=opened is not None)
        assets = asset_step_of(built, sink, reads_only=True, packager=packager)
        projects.refuse_misfit(built, opened)
        seen = projects.foreseen(built, opened)
        found = _first(seen, assets, sink) if opened is None else _compared(seen, opened, assets, sink)
        if verify and opened is not None:
            found = replace(found, verified=_verified(seen, found, deployed_of(seen, opened), opened, sink))
        elif verify:
            found = replace(found, verified=_not_asked(found.changes))
    return built, replace(found, reasons=reasons_of(built, found))


def _first(built: Build, assets: AssetStep, sink: Sink) -> Preview:
    """Where nothing was ever deployed."""
    found = preview(built.manifest, built.templates, {}, assets, None, "")
    return replace(found, sites=site_step_of(built, sink).changes({}, None))


def _compared(built: Build, opened: Session, assets: AssetStep, sink: Sink) -> Preview:
    deployed = deployed_of(built, opened)
    forecast = Forecast.read(built.manifest, built.templates, deployed, opened.calls)
    with workers(BUILD_THREADS, "asset") as threads:
        assets.start(threads, assets_of_deployed(built.manifest, forecast.will_be.stacks))
        bucket, steps = opened.clients.place.artifact_bucket, steps_of(built, opened, sink)
        found = forecast.preview(assets, opened.calls, bucket, steps)
        return replace(found, sites=_site_changes(built, deployed, opened, sink, threads))


def _site_changes(
    built: Build, deployed: Mapping[str, DeployedStack], session: Session, sink: Sink, threads: Executor
) -> tuple[SiteChange, ...]:
    """Compared with the outputs of now: what this program's values will be is known after its deployment only."""
    names = {stack.stack_name: stack.name for stack in built.manifest.stacks}
    outputs = {names[name]: stack.outputs for name, stack in deployed.items() if name in names}
    sites = site_step_of(built, sink)
    sites.start(threads, sites.deployed(outputs))
    return sites.changes(outputs, session.clients)


def _verified(
    built: Build, found: Preview, deployed: Mapping[str, DeployedStack], session: Session, sink: Sink
) -> tuple[Verification, ...]:
    """CloudFormation's word on every changed stack it can be asked about."""
    run = new_run_id()
    mark = Mark(machine_name(), os.getpid(), run, process_runs)
    verifier = Verifier(session.clients, session.pace, mark)
    verifier.sweep(deployed)
    stacks = {stack.name: stack for stack in built.manifest.stacks}
    asked = [item for item in found.changes if _why_not(item) is None]
    sink(Step(f"asking CloudFormation about {len(asked)} of {len(found.changes)} changed stacks"))
    answers = verifier.ask([_question(built, stacks[item.stack], item, run) for item in asked])
    others = {item.stack: item for item in _not_asked(found.changes)}
    return tuple(answers.get(item.stack) or others[item.stack] for item in found.changes)


def _not_asked(changes: tuple[StackChange, ...]) -> tuple[Verification, ...]:
    why = ((item.stack, _why_not(item)) for item in changes)
    return tuple(Verification(stack, "not asked", reason) for stack, reason in why if reason is not None)


def _why_not(change: StackChange) -> str | None:
    """Why CloudFormation can't be asked about a stack; None if it can."""
    if change.action != "update":
        return _NOT_ASKED.get(change.action, "it does not exist yet")
    unknown = sorted(name for name, value in change.values.items() if UNKNOWN in value or REPLACED in value)
    return f"an input is known after deploy: {', '.join(unknown)}" if unknown else None


def _question(built: Build, stack: Stack, change: StackChange, run: str) -> Question:
    digest = deployed_digest(stack, change.values)
    request = Request(
        stack_name=stack.stack_name,
        template=change.template or built.templates[stack.template],
        template_digest=hashlib.sha256(change.template).hexdigest() if change.template else stack.digest,
        parameters=change.values,
        tags=wanted_tags(stack),
        digest=digest,
        token=f"klotho-{run}-{digest[:24]}-verify",
    )
    return Question(stack.name, request, change.resources)
