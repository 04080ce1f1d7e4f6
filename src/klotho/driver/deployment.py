"""`up`, `down` and `preview` for the command line.

Input: a program, the environment's name, a sink for events. Output: values that say what happened. Refuses
environments on AWS by name (deploying there comes with a later release), and data loss nobody asked for. A program
with mistakes changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from klotho.deploy.assets import AssetStep
from klotho.deploy.events import Sink, Step
from klotho.deploy.orchestrator import Deployment, Orchestrator, leftovers
from klotho.deploy.preview import Preview, assets_of_deployed, preview
from klotho.deploy.stacks import DeployedStack
from klotho.deploy.threads import workers
from klotho.diagnostics import Failure, one_of
from klotho.driver import local_cloud
from klotho.driver.build import Build, build
from klotho.driver.identity import Identity, identify
from klotho.driver.machine import cache_folder, local_pace, new_run_id, runs_in_ci
from klotho.driver.program import Program
from klotho.driver.settings import Environment
from klotho.driver.unset_secrets import secrets_not_set
from klotho.stacks import Manifest

_BUILD_THREADS = 4


@dataclass(frozen=True, slots=True)
class UpResult:
    """What `up` did."""

    built: Build
    deployment: Deployment
    outputs: Mapping[str, str] = field(default_factory=dict)
    """By the name the user knows: `shop-api.url`."""
    seconds: float = 0.0
    secrets_not_set: tuple[str, ...] = ()
    """Names of deployed secrets that have no value yet."""


@dataclass(frozen=True, slots=True)
class DownResult:
    """What `down` did."""

    identity: Identity
    was_running: bool
    data_deleted: bool
    deployment: Deployment | None = None
    """Of the stacks deleted one by one, where other applications live in the same local cloud."""
    others: tuple[str, ...] = ()
    """Other applications of the project that stopped with it, or whose presence kept it running."""


def up(program: Program, environment: str | None, sink: Sink, *, delete_data: bool = False) -> UpResult:
    """Bring the program up; what did not change is not touched.

    `delete_data` allows removing or replacing what holds data; otherwise that is refused before it happens.
    """
    begun = time.monotonic()
    sink(Step(f"compiling {program.path.name}"))
    built = build(program, environment, in_ci=runs_in_ci())
    refuse_aws(built.environment, "deploying")
    if delete_data:
        refuse_protected(built.environment)
    project, name = built.application.project, built.environment.name
    sink(Step(f"{built.application.name} → {name} ({len(built.manifest.stacks)} stacks)"))
    assets = _asset_step(built, sink)
    with workers(_BUILD_THREADS, "asset") as threads:
        assets.start(threads)
        session = local_cloud.started_session(project, name, built.region, lambda line: sink(Step(line)))
        deployed = session.calls.deployed(project=project, environment=name, application=built.application.name)
        if not delete_data:
            refuse_data_loss(leftovers(built.manifest, deployed))
        orchestrator = Orchestrator(
            built.manifest,
            built.templates,
            assets,
            session.clients,
            pace=local_pace(),
            sink=sink,
            run_id=new_run_id(),
            spans=built.spans,
        )
        deployment = orchestrator.deploy(deployed, delete_data=delete_data)
    outputs = shown_outputs(built.manifest, {item.stack: item.outputs for item in deployment.outcomes})
    unset = secrets_not_set(built, outputs, session.clients)
    return UpResult(built, deployment, outputs, time.monotonic() - begun, unset)


def preview_up(program: Program, environment: str | None, sink: Sink) -> tuple[Build, Preview]:
    """What `up` would do. A stopped local cloud that holds data is started for the question and stopped again."""
    built = build(program, environment, in_ci=runs_in_ci())
    refuse_aws(built.environment, "previewing")
    project, name = built.application.project, built.environment.name
    assets = _asset_step(built, sink)
    if not local_cloud.has_data(project, name):
        return built, preview(built.manifest, built.templates, {}, assets, None, "")
    session, stop_after = local_cloud.running_session(project, name), False
    if session is None:
        session = local_cloud.started_session(project, name, built.region, lambda line: sink(Step(line)))
        stop_after = True
    try:
        deployed = session.calls.deployed(project=project, environment=name, application=built.application.name)
        with workers(_BUILD_THREADS, "asset") as threads:
            assets.start(threads, assets_of_deployed(built.manifest, deployed))
            bucket = session.clients.place.artifact_bucket
            found = preview(built.manifest, built.templates, deployed, assets, session.calls, bucket)
    finally:
        if stop_after:
            local_cloud.stop(project, name)
    return built, found


def down(program: Program, environment: str | None, sink: Sink, *, delete_data: bool = False) -> DownResult:
    """Stop what runs and keep the data; with `delete_data` remove everything of the application."""
    identity = identify(program, environment)
    refuse_aws(identity.environment, "taking down")
    project, name = identity.project, identity.environment.name
    if delete_data:
        refuse_protected(identity.environment)
        return _delete(identity, sink)
    others = _other_applications(local_cloud.running_session(project, name), identity)
    sink(Step("stopping the local cloud"))
    return DownResult(identity, local_cloud.stop(project, name), data_deleted=False, others=others)


def _delete(identity: Identity, sink: Sink) -> DownResult:
    project, name = identity.project, identity.environment.name
    if not local_cloud.has_data(project, name):
        return DownResult(identity, was_running=False, data_deleted=False)
    assert identity.environment.region is not None
    running = local_cloud.running_session(project, name)
    session = running or local_cloud.started_session(
        project, name, identity.environment.region, lambda line: sink(Step(line))
    )
    others = _other_applications(session, identity)
    if not others:
        # Nothing else lives here, so the whole cloud goes: no stack can refuse, and no retained table is left behind.
        sink(Step("stopping the local cloud and deleting its data"))
        local_cloud.stop(project, name)
        local_cloud.delete_data(project, name)
        return DownResult(identity, running is not None, data_deleted=True)
    deployed = session.calls.deployed(project=project, environment=name, application=identity.application)
    empty = Manifest(identity.application, project, name, identity.environment.region, (), (), ())
    assets = AssetStep(
        (), program_root=identity.program.folder, cache=cache_folder(), build_image=_no_images, sink=sink,
        clock=time.monotonic,
    )  # fmt: skip
    orchestrator = Orchestrator(empty, {}, assets, session.clients, pace=local_pace(), sink=sink, run_id=new_run_id())
    deployment = orchestrator.delete(deployed.values(), delete_data=True)
    return DownResult(identity, running is not None, deployment.ok, deployment, others)


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
            helps=("remove `protect: true` from klotho.yaml first, if the data may go",),
        )


def refuse_data_loss(stacks: Iterable[DeployedStack]) -> None:
    """Failure (`data-would-be-deleted`) when a stack that holds data is not part of the program any more."""
    names = sorted(stack.name for stack in stacks if stack.stateful)
    if names:
        raise Failure(
            "data-would-be-deleted",
            f"this would delete the data of {one_of(names)}",
            notes=("the program does not hold them any more; nothing was deployed",),
            helps=("put them back into the program", "run it with `--delete-data` to delete them for good"),
        )


def _asset_step(built: Build, sink: Sink) -> AssetStep:
    folder = built.program.folder
    return AssetStep(
        built.manifest.assets,
        program_root=folder,
        cache=cache_folder(),
        build_image=local_cloud.image_builder(folder, built.application.project, built.environment.name),
        sink=sink,
        clock=time.monotonic,
    )


def _no_images(properties: object, log: object) -> str:
    raise AssertionError("deleting builds nothing")


def _other_applications(session: local_cloud.Session | None, identity: Identity) -> tuple[str, ...]:
    """Other applications of the project in the same local cloud, by name."""
    if session is None:
        return ()
    deployed = session.calls.deployed(project=identity.project, environment=identity.environment.name)
    names = {stack.tags.get("klotho:application", stack.name) for stack in deployed.values()}
    return tuple(sorted(names - {identity.application}))
