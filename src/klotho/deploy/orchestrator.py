"""Deploys the stacks of a manifest that differ from what is deployed, each as soon as its upstreams are done.

Input: the manifest, its templates, the asset step and what is deployed. Output: a `Deployment` with the outcome of
every stack. Allowed effects: CloudFormation calls, and uploads of what a deployed stack needs. A stack is touched only
when its digest (template, resolved parameter values, tags) differs from the one it was deployed with; a failed
stack's dependents are skipped, everything else finishes; on request what had begun is finished and nothing else begins.
What consumers still use goes last. Refuses nothing: failures are outcomes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, Protocol

from klotho.deploy.assets import Assets
from klotho.deploy.data_loss import refuse_data_loss
from klotho.deploy.deployed import DeployedStack, upstreams
from klotho.deploy.desired import deployed_digest, wanted_tags
from klotho.deploy.desired import leftovers as leftovers
from klotho.deploy.differences import ResourceChange, removals
from klotho.deploy.drain import Drain
from klotho.deploy.events import (
    Cause,
    DeploymentPlanned,
    Draining,
    Sink,
    StackCancelled,
    StackFailed,
    StackSkipped,
)
from klotho.deploy.expansion import used_outputs
from klotho.deploy.express import may_be_express
from klotho.deploy.foreign import ForeignValues
from klotho.deploy.moves import Deployed, Move, Projected, after_moves
from klotho.deploy.moving import Mover
from klotho.deploy.outcome import Deployment as Deployment
from klotho.deploy.outcome import StackOutcome as StackOutcome
from klotho.deploy.place import Clients, Pace
from klotho.deploy.preview import Previewer
from klotho.deploy.proving import Prover
from klotho.deploy.stack_run import StackRun, request_token
from klotho.deploy.stacks import Request, StackCalls
from klotho.deploy.steps import Steps
from klotho.deploy.template import parsed
from klotho.deploy.threads import workers
from klotho.deploy.unproven import Notes
from klotho.deploy.walk import Ended, walk
from klotho.diagnostics import ExitCode, Failure, Span
from klotho.stacks import AssetSource, ForeignSource, Manifest, Source, Stack, StepSource

PARALLEL_STACKS = 8
"""How many stacks change at once. CloudFormation has no such limit; its API throttles beyond some tens."""
_ASSET = "asset "


class SharedStacks(Protocol):
    """Deploys what several applications use."""

    def deploy(self, stack: Stack) -> StackOutcome:
        """Bring the stack to hold at least what its template says. Failure when that can't be."""


class Orchestrator:
    """One run of the deployer."""

    def __init__(
        self,
        manifest: Manifest,
        templates: Mapping[str, bytes],
        assets: Assets,
        clients: Clients,
        *,
        pace: Pace,
        sink: Sink,
        run_id: str,
        spans: Mapping[str, Span] | None = None,
        steps: Steps | None = None,
        drain: Drain | None = None,
        labels: Mapping[str, str] | None = None,
        notes: Notes | None = None,
        express: bool = False,
        shared: SharedStacks | None = None,
    ) -> None:
        """`templates` holds bytes by the stacks' `template`; `run_id` tells this run's requests from any other's
        (it is part of each ClientRequestToken); `spans` and `labels` are the user's lines and names by construct id;
        `steps` are needed by a manifest that has some; `drain` is how the user asks to stop; `shared` deploys stacks
        that are not this application's alone. `notes` are where it is kept what is not known to be healthy; only with
        them may `express` deploy leaf stacks in express mode."""
        self._manifest = manifest
        self._templates = templates
        self._assets = assets
        self._clients = clients
        self._calls = StackCalls(clients, pace, sink)
        self._run = StackRun(clients, self._calls, pace, sink, run_id, spans or {}, labels or {})
        self._notes = notes
        if notes is not None:
            self._run.prover = Prover(clients, self._calls, pace, sink, notes)
        self._express = express and notes is not None
        self._mover = Mover(manifest, clients, pace, sink, run_id)
        self._sink = sink
        self._steps = steps
        self._shared = shared
        self._drain = drain or Drain()
        self._outcomes: dict[str, StackOutcome] = {}
        self._foreign = ForeignValues(self._calls)
        self.resolved: dict[str, dict[str, str]] = {}
        """What assets and steps gave, by stack and parameter: for the revision."""

    def deploy(
        self,
        deployed: Mapping[str, DeployedStack],
        *,
        delete_data: frozenset[str] = frozenset(),
        moves: Sequence[Move] = (),
        checked: bool = False,
    ) -> Deployment:
        """Carry out the moves, deploy what changed, then delete stacks the manifest does not hold any more, then take
        out of the others what only those that moved or went had used.

        A change that would replace or remove what holds data is refused (`Failure`) before anything is deployed, unless
        `delete_data` names its construct; one that only values of this very run bring about fails its stack before it
        begins. `checked`: the caller has asked for the `losses`, and has consent for them.
        """
        self._run.consented = delete_data
        self._foreign.read(self._manifest)
        if not checked:
            lost = self._losses_in_place(Deployed(deployed))
            run = self._run
            refuse_data_loss(lost, run.spans, consented=delete_data, labels=run.labels, note="nothing was deployed")
        deployed = self._moved(deployed, moves)
        self._run.others = tuple(deployed.values())
        if self._notes is not None:
            self._notes.read()
        if self._steps is not None:
            self._steps.begin(_step_sources(self._manifest))
        self._sink(DeploymentPlanned(tuple((stack.name, stack.depends_on) for stack in self._manifest.stacks)))
        with self._drain.working():
            self._deploy_all(deployed)
            outcomes = self._of(stack.name for stack in self._manifest.stacks)
            # A consumer that failed may still use what a removed stack holds: removals wait for a run without failures.
            gone = leftovers(self._manifest, deployed)
            if gone and Deployment(outcomes, self._drain.requested).ok:
                # What was kept for consumers may hang on what a removed stack holds, and the other way round.
                outcomes = self._contract(outcomes, waiting=self._used_by(gone, deployed))
            if Deployment(outcomes, self._drain.requested).ok:
                outcomes += self.delete(gone, delete_data=bool(delete_data)).outcomes
            if Deployment(outcomes, self._drain.requested).ok:
                outcomes = self._contract(outcomes)
        if Deployment(outcomes).ok and self._steps is not None and any(item.result != "unchanged" for item in outcomes):
            self._steps.sweep()
        return Deployment(outcomes, self._drain.requested)

    def delete(self, stacks: Iterable[DeployedStack], *, delete_data: bool = False) -> Deployment:
        """Delete stacks, consumers before those they take values from.

        With `delete_data` also what their templates would retain or keep a snapshot of.
        """
        self._run.deletes_data = delete_data
        if self._notes is not None:
            self._notes.read()
        by_name = {stack.stack_name: stack for stack in stacks}
        waits: dict[str, set[str]] = {name: set() for name in by_name}
        for consumer, sources in upstreams(by_name.values()).items():
            for source in sources:
                if not _reaches(waits, consumer, source):
                    waits[source].add(consumer)
        with self._drain.working(), workers(PARALLEL_STACKS, "stack") as threads:
            self._walk(waits, lambda name: threads.submit(self._run.delete, by_name[name]))
        return Deployment(self._of(by_name), self._drain.requested)

    def _deploy_all(self, deployed: Mapping[str, DeployedStack]) -> None:
        by_name = {stack.name: stack for stack in self._manifest.stacks}
        builds = {f"{_ASSET}{name}": name for stack in by_name.values() for name in _assets_of(stack)}
        waits = {name: set(stack.depends_on) | _asset_nodes(stack) for name, stack in by_name.items()}
        with workers(PARALLEL_STACKS, "stack") as threads:

            def begin(node: str) -> Future[Any]:
                if node in builds:
                    return self._assets.future(builds[node])
                stack = by_name[node]
                return threads.submit(self._deploy_stack, stack, deployed.get(stack.stack_name))

            self._walk(waits, begin)

    def _walk(self, waits: Mapping[str, set[str]], begin: Callable[[str], Future[Any]]) -> None:
        """Everything in its order; what was not begun because the user asked to stop has an outcome, too."""
        walk(waits, _Nodes(self._outcomes, self._sink, begin), self._drain)
        for node in waits:
            if node not in self._outcomes and not node.startswith(_ASSET):
                self._outcomes[node] = StackOutcome(node, "cancelled")
                self._sink(StackCancelled(node))

    def _of(self, names: Iterable[str]) -> tuple[StackOutcome, ...]:
        return tuple(self._outcomes[name] for name in names)

    def losses(self, deployed: Deployed, moves: Sequence[Move] = ()) -> list[ResourceChange]:
        """Every change that loses data, as far as it can be known before the deployment, once the moves are done."""
        will_be = after_moves(deployed, moves)
        found = self._losses_in_place(will_be)
        for stack in leftovers(self._manifest, will_be.stacks):
            if stack.stateful:
                there = will_be.templates.get(stack.stack_name)
                found += removals(self._calls.template(stack.stack_name) if there is None else there)
        return [item for item in found if item.loses_data]

    def _losses_in_place(self, deployed: Deployed) -> list[ResourceChange]:
        """What stacks that stay would lose."""
        stacks = deployed.stacks
        live = [(stack, stacks[stack.stack_name]) for stack in self._manifest.stacks if stack.stack_name in stacks]
        if not any(stack.stateful or there.stateful for stack, there in live):
            return []
        found = Previewer(
            self._manifest,
            self._templates,
            stacks,
            self._assets,
            Projected(self._calls, deployed.templates),
            self._clients.place.artifact_bucket,
            self._steps,
            self._foreign.value,
        ).kept(assets_may_fail=True)
        return [item for change in found for item in change.resources if item.loses_data]

    def recovered(self, deployed: Mapping[str, DeployedStack]) -> Mapping[str, DeployedStack]:
        """Finish moves that an earlier run left half-way; what is deployed then."""
        touched = self._mover.finish(deployed.values())
        return {**deployed, **{name: self._calls.describe(name) for name in touched}}

    def _moved(self, deployed: Mapping[str, DeployedStack], moves: Sequence[Move]) -> Mapping[str, DeployedStack]:
        """Carry out the moves; what is deployed then."""
        for move in moves:
            self._mover.move(move)
        self._run.emptied = frozenset(move.source for move in moves)
        touched = {name for move in moves for name in (move.source, move.target)}
        return {**deployed, **{name: self._calls.describe(name) for name in touched}}

    def _deploy_stack(self, stack: Stack, deployed: DeployedStack | None) -> StackOutcome:
        if stack.shared and self._shared is not None:
            return self._shared.deploy(stack)
        request = self._request(stack)
        deployed = self._run.settle(stack, deployed)
        if deployed is not None and deployed.settled_well and deployed.digest == request.digest:
            if self._run.unproven(deployed):
                return self._run.prove(stack, deployed, request)
            return self._run.unchanged(stack, deployed)
        self._assets.upload(_assets_of(stack), self._clients)
        express = self._express and may_be_express(stack, parsed(request.template), self._manifest)
        return self._run.change(stack, deployed, replace(request, express=express))

    def _used_by(self, gone: Sequence[DeployedStack], deployed: Mapping[str, DeployedStack]) -> frozenset[str]:
        """The stacks that others which are to go take values from."""
        before = ((stack.name, deployed.get(stack.stack_name)) for stack in self._manifest.stacks)
        return frozenset(name for name, found in before if found is not None and used_outputs(found, gone))

    def _contract(
        self, outcomes: tuple[StackOutcome, ...], waiting: frozenset[str] = frozenset()
    ) -> tuple[StackOutcome, ...]:
        """Consumers before those they take values from. One that fails keeps what nobody uses; the next run tries.
        `waiting`: stacks whose turn comes later, and with it that of those they take values from."""
        contracted: dict[str, StackOutcome] = {}
        later = set(waiting)
        for outcome in reversed(outcomes):
            if outcome.expanded and not self._drain.requested:
                stack = self._manifest.stack(outcome.stack)
                if stack.name in later:
                    later.update(stack.depends_on)
                    continue
                try:
                    contracted[stack.name] = self._run.contract(stack, self._request(stack, "contract"))
                except Failure as failure:
                    contracted[stack.name] = refused(stack.name, failure, self._sink)
        return tuple(contracted.get(item.stack, item) for item in outcomes)

    def _request(self, stack: Stack, step: str = "deploy") -> Request:
        parameters = {name: self._value(source) for name, source in stack.parameters.items()}
        self.resolved[stack.name] = {
            name: parameters[name]
            for name, source in stack.parameters.items()
            if isinstance(source, AssetSource | StepSource)
        }
        digest = deployed_digest(stack, parameters)
        return Request(
            stack_name=stack.stack_name,
            template=self._templates[stack.template],
            template_digest=stack.digest,
            parameters=parameters,
            tags=wanted_tags(stack),
            digest=digest,
            token=request_token(self._run.run_id, stack.stack_name + digest, step),
        )

    def _value(self, source: Source) -> str:
        if isinstance(source, StepSource):
            assert self._steps is not None, f"nobody does the step {source.step}"
            return self._steps.value(source)
        if isinstance(source, AssetSource):
            return self._assets.value(source, self._clients.place.artifact_bucket)
        if isinstance(source, ForeignSource):
            return self._foreign.value(source)
        outputs = self._outcomes[source.stack].outputs
        assert source.output in outputs, f"stack {source.stack} has no output {source.output}"
        return outputs[source.output]


class _Nodes:
    """Stacks and assets as nodes of a walk (`walk.Walker`)."""

    def __init__(self, outcomes: dict[str, StackOutcome], sink: Sink, begin: Callable[[str], Future[Any]]) -> None:
        self._outcomes, self._sink = outcomes, sink
        self.begin = begin

    def ended(self, node: str, future: Future[Any]) -> Ended:
        try:
            outcome = future.result()
        except Failure as failure:
            if not node.startswith(_ASSET):
                self._outcomes[node] = refused(node, failure, self._sink)
            return Ended(False, failure)
        if isinstance(outcome, StackOutcome):
            self._outcomes[node] = outcome
            return Ended(outcome.result != "failed")
        return Ended(True)

    def skip(self, node: str, because: str, failure: Failure | None) -> None:
        shown = because.removeprefix(_ASSET)
        is_asset = because.startswith(_ASSET) and failure is not None
        self._outcomes[node] = StackOutcome(
            node,
            "failed" if is_asset else "skipped",
            cause=Cause(f"`{shown}` could not be built", construct=shown) if is_asset else None,
            diagnostic=failure.diagnostic if is_asset and failure else None,
            exit_code=failure.exit_code if is_asset and failure else ExitCode.RESOURCE_FAILED,
        )
        self._sink(StackSkipped(node, shown))

    def draining(self, running: list[str]) -> list[str]:
        """Nobody needs what is being built any more."""
        stacks = tuple(name for name in running if not name.startswith(_ASSET))
        self._sink(Draining(stacks))
        return [name for name in running if name.startswith(_ASSET)]


def refused(name: str, failure: Failure, sink: Sink) -> StackOutcome:
    """The outcome of a stack whose deployment raised."""
    cause = Cause(str(failure))
    sink(StackFailed(name, "update", cause, 0.0))
    return StackOutcome(name, "failed", cause=cause, diagnostic=failure.diagnostic, exit_code=failure.exit_code)


def _step_sources(manifest: Manifest) -> list[StepSource]:
    sources = (source for stack in manifest.stacks for source in stack.parameters.values())
    return [source for source in sources if isinstance(source, StepSource)]


def _assets_of(stack: Stack) -> set[str]:
    return {source.construct for source in stack.parameters.values() if isinstance(source, AssetSource)}


def _asset_nodes(stack: Stack) -> set[str]:
    return {f"{_ASSET}{name}" for name in _assets_of(stack)}


def _reaches(waits: Mapping[str, set[str]], start: str, goal: str) -> bool:
    """Whether `start` waits for `goal` already: adding the opposite would close a circle."""
    pending, seen = [start], set()
    while pending:
        node = pending.pop()
        if node == goal:
            return True
        if node not in seen:
            seen.add(node)
            pending += waits[node]
    return False
