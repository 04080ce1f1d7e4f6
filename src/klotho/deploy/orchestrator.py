"""Deploys the stacks of a manifest that differ from what is deployed, each as soon as its upstreams are done.

Input: the manifest, its templates, the asset step and what is deployed. Output: a `Deployment` with the outcome of
every stack. Allowed effects: CloudFormation calls, and uploads of what a deployed stack needs. A stack is touched only
when its digest (template, resolved parameter values, tags) differs from the one it was deployed with; a failed
stack's dependents are skipped, everything else finishes. Refuses nothing: failures are outcomes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import Any, Literal

from klotho.deploy.assets import Assets
from klotho.deploy.data_loss import refuse_data_loss
from klotho.deploy.desired import deployed_digest, wanted_tags
from klotho.deploy.desired import leftovers as leftovers
from klotho.deploy.differences import ResourceChange, differences, removals
from klotho.deploy.emptying import empty_buckets
from klotho.deploy.events import (
    Action,
    Cause,
    DeploymentPlanned,
    ResourceChanged,
    Sink,
    StackDone,
    StackFailed,
    StackSkipped,
    StackStarted,
    StackUnchanged,
    Step,
)
from klotho.deploy.moves import Deployed, Move, Projected, after_moves
from klotho.deploy.moving import Mover
from klotho.deploy.place import Clients, Pace
from klotho.deploy.preview import Previewer
from klotho.deploy.sites.removal import empty_what_goes
from klotho.deploy.stacks import (
    DeployedStack,
    Request,
    ResourceEvent,
    Settled,
    StackCalls,
    upstreams,
)
from klotho.deploy.steps import Steps
from klotho.deploy.template import constructs, parsed
from klotho.deploy.threads import workers
from klotho.diagnostics import Diagnostic, ExitCode, Failure, Span
from klotho.stacks import AssetSource, Manifest, Source, Stack, StepSource

PARALLEL_STACKS = 8
"""How many stacks change at once. CloudFormation has no such limit; its API throttles beyond some tens."""

Result = Literal["created", "updated", "unchanged", "failed", "skipped", "deleted"]


@dataclass(frozen=True, slots=True)
class StackOutcome:
    """What became of one stack."""

    stack: str
    """Its short name."""
    result: Result
    outputs: Mapping[str, str] = field(default_factory=dict)
    cause: Cause | None = None
    diagnostic: Diagnostic | None = None
    """What a failed asset or a refused call had to say."""
    exit_code: ExitCode = ExitCode.RESOURCE_FAILED
    """What the command should end with if this is what failed."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """What became of every stack, in manifest order, then the deleted ones."""

    outcomes: tuple[StackOutcome, ...]

    @property
    def failed(self) -> tuple[StackOutcome, ...]:
        return tuple(item for item in self.outcomes if item.result == "failed")

    @property
    def ok(self) -> bool:
        return all(item.result not in ("failed", "skipped") for item in self.outcomes)

    def outputs_of(self, stack: str) -> Mapping[str, str]:
        return next((item.outputs for item in self.outcomes if item.stack == stack), {})


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
        labels: Mapping[str, str] | None = None,
    ) -> None:
        """`templates` holds bytes by the stacks' `template`; `run_id` tells this run's requests from any other's
        (it is part of each ClientRequestToken); `spans` and `labels` are the user's lines and names
        by construct id; `steps` are needed by a manifest that has some."""
        self._manifest = manifest
        self._templates = templates
        self._assets = assets
        self._clients = clients
        self._calls = StackCalls(clients, pace)
        self._pace = pace
        self._sink = sink
        self._run_id = run_id
        self._spans = spans or {}
        self._labels = labels or {}
        self._steps = steps
        self._outcomes: dict[str, StackOutcome] = {}
        self._delete_data = False
        self._consented: frozenset[str] = frozenset()
        self._emptied: frozenset[str] = frozenset()
        """Stacks whose data went to another one."""
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
        """Carry out the moves, deploy what changed, then delete stacks the manifest does not hold any more.

        A change that would replace or remove what holds data is refused (`Failure`) before anything is deployed, unless
        `delete_data` names its construct; one that only values of this very run bring about fails its stack before it
        begins. `checked`: the caller has asked for the `losses`, and has consent for them.
        """
        self._consented = delete_data
        if not checked:
            refuse_data_loss(
                self._losses_in_place(Deployed(deployed)),
                self._spans,
                consented=delete_data,
                labels=self._labels,
                note="nothing was deployed",
            )
        deployed = self._moved(deployed, moves)
        if self._steps is not None:
            self._steps.begin(_step_sources(self._manifest))
        self._sink(DeploymentPlanned(tuple((stack.name, stack.depends_on) for stack in self._manifest.stacks)))
        by_name = {stack.name: stack for stack in self._manifest.stacks}
        builds = {f"asset {name}": name for stack in by_name.values() for name in _assets_of(stack)}
        waits = {name: set(stack.depends_on) | _asset_nodes(stack) for name, stack in by_name.items()}
        with workers(PARALLEL_STACKS, "stack") as threads:

            def begin(node: str) -> Future[Any]:
                if node in builds:
                    return self._assets.future(builds[node])
                stack = by_name[node]
                return threads.submit(self._deploy_stack, stack, deployed.get(stack.stack_name))

            self._walk(waits, begin)
        outcomes = [self._outcomes[stack.name] for stack in self._manifest.stacks]
        if all(item.result not in ("failed", "skipped") for item in outcomes):
            # A consumer that failed may still use what a removed stack holds: removals wait for a run without failures.
            outcomes += self.delete(leftovers(self._manifest, deployed), delete_data=bool(delete_data)).outcomes
            if self._steps is not None and any(item.result != "unchanged" for item in outcomes):
                self._steps.sweep()
        return Deployment(tuple(outcomes))

    def delete(self, stacks: Iterable[DeployedStack], *, delete_data: bool = False) -> Deployment:
        """Delete stacks, consumers before those they take values from.

        With `delete_data` also what their templates would retain or keep a snapshot of.
        """
        self._delete_data = delete_data
        by_name = {stack.stack_name: stack for stack in stacks}
        waits: dict[str, set[str]] = {name: set() for name in by_name}
        for consumer, sources in upstreams(by_name.values()).items():
            for source in sources:
                if not _reaches(waits, consumer, source):
                    waits[source].add(consumer)
        with workers(PARALLEL_STACKS, "stack") as threads:
            self._walk(waits, lambda name: threads.submit(self._delete_stack, by_name[name]))
        return Deployment(tuple(self._outcomes[name] for name in by_name))

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
        ).kept(assets_may_fail=True)
        return [item for change in found for item in change.resources if item.loses_data]

    def recovered(self, deployed: Mapping[str, DeployedStack]) -> Mapping[str, DeployedStack]:
        """Finish moves that an earlier run left half-way; what is deployed then."""
        touched = self._mover().finish(deployed.values())
        return {**deployed, **{name: self._calls.describe(name) for name in touched}}

    def _mover(self) -> Mover:
        return Mover(self._manifest, self._clients, self._pace, self._sink, self._run_id)

    def _moved(self, deployed: Mapping[str, DeployedStack], moves: Sequence[Move]) -> Mapping[str, DeployedStack]:
        """Carry out the moves; what is deployed then."""
        mover = self._mover()
        for move in moves:
            mover.move(move)
        self._emptied = frozenset(move.source for move in moves)
        touched = {name for move in moves for name in (move.source, move.target)}
        return {**deployed, **{name: self._calls.describe(name) for name in touched}}

    def _walk(self, waits: Mapping[str, set[str]], begin: Callable[[str], Future[Any]]) -> None:
        """Run each node as soon as what it waits for has ended; skip what waits for something that did not end well."""
        sorter = TopologicalSorter(waits)
        sorter.prepare()
        running: dict[Future[Any], str] = {}
        broken: dict[str, Failure | None] = {}
        while sorter.is_active():
            for node in sorter.get_ready():
                because = next((name for name in sorted(waits.get(node, ())) if name in broken), None)
                if because is None:
                    running[begin(node)] = node
                else:
                    broken[node] = None
                    self._skip(node, because, broken[because])
                    sorter.done(node)
            if not running:
                continue
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                node = running.pop(future)
                failure = self._ended(node, future)
                if failure is not False:
                    broken[node] = failure
                sorter.done(node)

    def _ended(self, node: str, future: Future[Any]) -> Failure | Literal[False] | None:
        """False when the node ended well; else the failure behind it, None when its outcome says it all."""
        try:
            outcome = future.result()
        except Failure as failure:
            if not node.startswith("asset "):
                cause = Cause(str(failure))
                self._outcomes[node] = StackOutcome(
                    node, "failed", cause=cause, diagnostic=failure.diagnostic, exit_code=failure.exit_code
                )
                self._sink(StackFailed(node, "update", cause, 0.0))
            return failure
        if isinstance(outcome, StackOutcome):
            self._outcomes[node] = outcome
            return None if outcome.result == "failed" else False
        return False

    def _skip(self, node: str, because: str, failure: Failure | None) -> None:
        shown = because.removeprefix("asset ")
        is_asset = because.startswith("asset ") and failure is not None
        self._outcomes[node] = StackOutcome(
            node,
            "failed" if is_asset else "skipped",
            cause=Cause(f"`{shown}` could not be built", construct=shown) if is_asset else None,
            diagnostic=failure.diagnostic if is_asset and failure else None,
            exit_code=failure.exit_code if is_asset and failure else ExitCode.RESOURCE_FAILED,
        )
        self._sink(StackSkipped(node, shown))

    def _deploy_stack(self, stack: Stack, deployed: DeployedStack | None) -> StackOutcome:
        parameters = {name: self._value(source) for name, source in stack.parameters.items()}
        self.resolved[stack.name] = {
            name: parameters[name]
            for name, source in stack.parameters.items()
            if isinstance(source, AssetSource | StepSource)
        }
        digest = deployed_digest(stack, parameters)
        if deployed is not None and deployed.busy:
            self._sink(Step(f"waiting for stack {stack.name}: {deployed.status} from an earlier run"))
            deployed = self._calls.wait(deployed)
        if deployed is not None and deployed.settled_well and deployed.digest == digest:
            self._protect(stack, deployed)
            self._sink(StackUnchanged(stack.name))
            return StackOutcome(stack.name, "unchanged", deployed.outputs)
        self._assets.upload(_assets_of(stack), self._clients)
        request = Request(
            stack_name=stack.stack_name,
            template=self._templates[stack.template],
            template_digest=stack.digest,
            parameters=parameters,
            tags=wanted_tags(stack),
            digest=digest,
            token=self._token(digest, "deploy"),
        )
        return self._change(stack, deployed, request)

    def _change(self, stack: Stack, deployed: DeployedStack | None, request: Request) -> StackOutcome:
        begun = self._pace.clock()
        owners = constructs(request.template)
        listen = self._listener(stack.name, owners)
        action: Action = "create" if deployed is None else "update" if deployed.usable else "recreate"
        self._sink(StackStarted(stack.name, action))
        if action == "update":
            assert deployed is not None
            if stack.stateful or deployed.stateful:
                self._refuse_data_loss(deployed, request)
            self._empty_what_goes(deployed, parsed(request.template))
            settled = self._update(deployed, request, listen)
            if settled is None:
                self._protect(stack, deployed)
                self._sink(StackUnchanged(stack.name))
                return StackOutcome(stack.name, "unchanged", deployed.outputs)
        else:
            settled = self._create(deployed, request, listen)
        if settled.failure is not None:
            return self._failed(stack.name, action, settled, owners, begun)
        there = self._calls.describe(stack.stack_name)
        self._protect(stack, there)
        self._sink(StackDone(stack.name, action, self._pace.clock() - begun))
        return StackOutcome(stack.name, "updated" if action == "update" else "created", there.outputs)

    def _protect(self, stack: Stack, there: DeployedStack) -> None:
        """Not part of a stack's template; looked at each time, for a run may have ended before it was said."""
        if stack.protected is not there.protected:
            self._calls.protect(stack.stack_name, stack.protected)

    def _empty_what_goes(self, deployed: DeployedStack, after: Mapping[str, Any]) -> None:
        """Only a stack with a site has something to empty, which its outputs tell."""
        if any(name.endswith("SiteBucket") for name in deployed.outputs):
            empty_what_goes(self._clients, deployed.stack_name, self._calls.template(deployed.stack_name), after)

    def _refuse_data_loss(self, deployed: DeployedStack, request: Request) -> None:
        """Asked again where all values are known that decide about a replacement."""
        before, after = self._calls.template(deployed.stack_name), parsed(request.template)
        changes = differences(before, deployed.parameters, after, request.parameters)
        refuse_data_loss(changes, self._spans, consented=self._consented, labels=self._labels)

    def _create(self, leftover: DeployedStack | None, request: Request, listen: ResourceEvent) -> Settled:
        """Create, after deleting what an earlier failed creation left under the name."""
        if leftover is not None:
            gone = self._calls.delete(leftover, self._token(leftover.stack_id, "clear"), listen)
            if gone.failure is not None:
                return gone
        return self._calls.create(request, listen)

    def _update(self, deployed: DeployedStack, request: Request, listen: ResourceEvent) -> Settled | None:
        if deployed.status == "UPDATE_ROLLBACK_FAILED":
            settled = self._calls.continue_rollback(deployed, self._token(deployed.stack_id, "continue"), listen)
            if settled.failure is not None:
                return settled
        return self._calls.update(deployed, request, listen)

    def _delete_stack(self, stack: DeployedStack) -> StackOutcome:
        begun = self._pace.clock()
        if stack.busy:
            settled_stack = self._calls.wait(stack)
            if settled_stack is None:
                return StackOutcome(stack.name, "deleted")
        self._sink(StackStarted(stack.name, "delete"))
        self._empty_what_goes(stack, {})
        if stack.protected and (self._delete_data or stack.stack_name in self._emptied):
            # The environment is not protected any more, or nobody would be here; or its data are in another stack.
            self._calls.protect(stack.stack_name, False)
        listen = self._listener(stack.name, {})
        settled = self._release(stack, listen) if self._delete_data and stack.stateful and stack.usable else None
        if settled is None or settled.failure is None:
            empty_buckets(self._clients, stack.stack_name, self._calls.template(stack.stack_name))
            settled = self._calls.delete(stack, self._token(stack.stack_id, "delete"), listen)
        if settled.failure is not None:
            return self._failed(stack.name, "delete", settled, {}, begun)
        self._sink(StackDone(stack.name, "delete", self._pace.clock() - begun))
        return StackOutcome(stack.name, "deleted")

    def _release(self, stack: DeployedStack, listen: ResourceEvent) -> Settled | None:
        """Take the template's word back that data is retained, so that deleting the stack deletes the data.

        CloudFormation does not update a DeletionPolicy alone (User Guide, "DeletionPolicy attribute"), so a tag
        changes with it.
        """
        template = self._calls.template(stack.stack_name)
        for resource in template.get("Resources", {}).values():
            if "DeletionPolicy" in resource:
                resource["DeletionPolicy"] = "Delete"
        body = json.dumps(template, sort_keys=True).encode()
        request = Request(
            stack_name=stack.stack_name,
            template=body,
            template_digest=hashlib.sha256(body).hexdigest(),
            parameters=stack.parameters,
            tags={**stack.tags, "klotho:delete-data": "true"},
            digest="released",
            token=self._token(stack.stack_id, "release"),
        )
        return self._calls.update(stack, request, listen)

    def _failed(
        self, name: str, action: Action, settled: Settled, owners: Mapping[str, str], begun: float
    ) -> StackOutcome:
        failure, status = settled.failure, settled.status
        assert failure is not None
        construct = owners.get(failure.logical_id, "")
        cause = Cause(
            failure.reason,
            failure.logical_id,
            failure.type,
            construct,
            self._spans.get(construct),
            failure.code,
            _aftermath(action, status),
        )
        self._sink(StackFailed(name, action, cause, self._pace.clock() - begun))
        return StackOutcome(name, "failed", cause=cause)

    def _listener(self, name: str, owners: Mapping[str, str]) -> ResourceEvent:
        def on_event(logical_id: str, type_: str, status: str, reason: str) -> None:
            self._sink(ResourceChanged(name, logical_id, type_, status, reason, owners.get(logical_id, "")))

        return on_event

    def _value(self, source: Source) -> str:
        if isinstance(source, StepSource):
            assert self._steps is not None, f"nobody does the step {source.step}"
            return self._steps.value(source)
        if isinstance(source, AssetSource):
            return self._assets.value(source, self._clients.place.artifact_bucket)
        outputs = self._outcomes[source.stack].outputs
        assert source.output in outputs, f"stack {source.stack} has no output {source.output}"
        return outputs[source.output]

    def _token(self, what: str, step: str) -> str:
        """Unique per run, stack and step; at most 128 letters, digits and hyphens (ClientRequestToken)."""
        return f"klotho-{self._run_id}-{hashlib.sha256(what.encode()).hexdigest()[:24]}-{step}"


def _aftermath(action: Action, status: str) -> str:
    """What a failed operation leaves behind, by the status it settled in."""
    if status == "DELETE_FAILED":
        return "the stack could not be deleted; what is left of it is still there"
    if status.endswith("ROLLBACK_FAILED"):
        return "undoing it failed too; run `klotho up` again to finish that"
    if action == "update":
        return "the stack was rolled back to what it was before"
    return "what the new stack had made was removed again"


def _step_sources(manifest: Manifest) -> list[StepSource]:
    sources = (source for stack in manifest.stacks for source in stack.parameters.values())
    return [source for source in sources if isinstance(source, StepSource)]


def _assets_of(stack: Stack) -> set[str]:
    return {source.construct for source in stack.parameters.values() if isinstance(source, AssetSource)}


def _asset_nodes(stack: Stack) -> set[str]:
    return {f"asset {name}" for name in _assets_of(stack)}


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
