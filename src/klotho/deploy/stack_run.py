"""Brings one stack to what the manifest says, or deletes it.

Input: the stack, what is deployed under its name, and its request. Output: a `StackOutcome`; events while it happens.
Allowed effects: CloudFormation calls on this stack, emptying buckets that go with it. Refuses what holds data being
replaced or removed without consent, and what `recovery` refuses; a failure of CloudFormation is an outcome.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from klotho.deploy import recovery
from klotho.deploy.data_loss import refuse_data_loss
from klotho.deploy.deployed import DeployedStack
from klotho.deploy.differences import differences
from klotho.deploy.emptying import empty_buckets
from klotho.deploy.events import (
    Action,
    Cause,
    ResourceChanged,
    ResourceLeft,
    Sink,
    StackDone,
    StackFailed,
    StackStarted,
    StackUnchanged,
    Step,
)
from klotho.deploy.expansion import carried_names, encoded, expanded, used_outputs
from klotho.deploy.express import keeps_services
from klotho.deploy.following import FirstFailure, ResourceEvent, Settled
from klotho.deploy.outcome import LeftBehind, Result, StackOutcome
from klotho.deploy.place import Clients, Pace
from klotho.deploy.proving import UNDONE, Prover
from klotho.deploy.sites.removal import empty_what_goes
from klotho.deploy.stacks import SETTLING_LOOKS, OutOfDate, Request, StackCalls
from klotho.deploy.template import constructs, parsed
from klotho.diagnostics import Span
from klotho.stacks import Stack

ATTEMPTS = 5
"""How often a stack is looked at anew when CloudFormation says that it is in another state than it showed."""
EXPANDED = "expanded-"
"""What the digest of a stack begins with that still holds what consumers used: it equals no manifest's."""


@dataclass(slots=True)
class StackRun:
    """What all stacks of one run have in common."""

    clients: Clients
    calls: StackCalls
    pace: Pace
    sink: Sink
    run_id: str
    spans: Mapping[str, Span]
    labels: Mapping[str, str] = field(default_factory=dict)
    """The user's names by construct id."""
    consented: frozenset[str] = frozenset()
    """Names of the constructs whose data may go."""
    deletes_data: bool = False
    """Whether stacks are deleted with what their templates would keep."""
    emptied: frozenset[str] = frozenset()
    """Stacks whose data went to another one."""
    prover: Prover | None = None
    """For stacks in express mode; None where there are none."""
    others: Iterable[DeployedStack] = field(default_factory=tuple)
    """Every stack of the application as it was deployed before: who uses what of whom."""

    # Deploying

    def settle(self, stack: Stack, deployed: DeployedStack | None) -> DeployedStack | None:
        """Wait for an operation an earlier run or someone else began."""
        if deployed is None or not deployed.busy:
            return deployed
        self.sink(Step(f"waiting for stack {stack.name}: {deployed.status} from an earlier run"))
        return self.calls.wait(deployed, recovery.busy_helps(deployed, self.clients.place))

    def unchanged(self, stack: Stack, deployed: DeployedStack) -> StackOutcome:
        self.protect(stack, deployed)
        self.sink(StackUnchanged(stack.name))
        return StackOutcome(stack.name, "unchanged", deployed.outputs)

    def unproven(self, deployed: DeployedStack) -> bool:
        """Whether an earlier run ended before the stack's services were known to be ready."""
        return self.prover is not None and self.prover.notes.of(deployed) is not None

    def prove(self, stack: Stack, deployed: DeployedStack, request: Request) -> StackOutcome:
        """Finish what that run has begun."""
        job = _Job(self, stack, request, "prove", self.pace.clock())
        self.sink(StackStarted(stack.name, "prove"))
        failed = job.proven(deployed)
        if failed is not None:
            return failed
        self.protect(stack, deployed)
        self.sink(StackDone(stack.name, "prove", self.pace.clock() - job.begun))
        return StackOutcome(stack.name, "unchanged", deployed.outputs)

    def change(self, stack: Stack, deployed: DeployedStack | None, request: Request) -> StackOutcome:
        """Create or update the stack; one that CloudFormation says is in another state is looked at again."""
        for attempt in range(ATTEMPTS):
            try:
                return self._change(stack, deployed, replace(request, token=f"{request.token}-{attempt}"))
            except OutOfDate:
                there = self.calls.find(stack.stack_name)
                ours = there is None or _is_ours(stack, there)
                if attempt == ATTEMPTS - 1 or not ours:
                    raise
                self.pace.sleep(self.pace.slowest)
                deployed = self.settle(stack, there)
                if deployed is not None and deployed.tags:
                    self._look_again(stack)
        raise AssertionError("unreachable")

    def _look_again(self, stack: Stack) -> None:
        """What was read at the beginning was old, so who uses what is read anew: until this stack is among them."""
        tags = stack.tags
        for _ in range(SETTLING_LOOKS):
            found = self.calls.deployed(
                project=tags["klotho:project"],
                environment=tags["klotho:environment"],
                application=tags.get("klotho:application"),
            )
            if stack.stack_name in found:
                break
            self.pace.sleep(self.pace.slowest)
        self.others = (*self.others, *found.values())

    def _change(self, stack: Stack, deployed: DeployedStack | None, request: Request) -> StackOutcome:
        way = recovery.way_out(deployed) if deployed else "create"
        action: Action = "create" if deployed is None else "recreate" if way == "clear" else "update"
        job = _Job(self, stack, request, action, self.pace.clock())
        self.sink(StackStarted(stack.name, action))
        if deployed is None:
            return job.created()
        if way == "stuck":
            raise recovery.stuck(deployed, self.clients.place)
        if way == "clear":
            return self._recreate(job, deployed)
        return self._update(job, deployed)

    def _recreate(self, job: _Job, leftover: DeployedStack) -> StackOutcome:
        """Create, after deleting what is left under the name."""
        recovery.refuse_lost_data(self.calls, leftover, self.clients.place, self.consented, self.labels)
        token = self._token(leftover.stack_id, "clear")
        gone, left = recovery.cleared(self.calls, leftover, token, job.listen)
        job.leave(left)
        if gone.failure is not None:
            return job.failed(gone.failure, gone.status)
        return job.created()

    def _update(self, job: _Job, deployed: DeployedStack) -> StackOutcome:
        if recovery.way_out(deployed) == "continue":
            token = self._token(deployed.stack_id, "continue")
            settled, left = recovery.continued(self.calls, deployed, token, job.listen)
            job.leave(left)
            if settled.failure is not None:
                return job.failed(settled.failure, settled.status)
        before = self.calls.template(deployed.stack_name)
        job.carry_names(before)
        if job.stack.stateful or deployed.stateful:
            changes = differences(before, deployed.parameters, parsed(job.request.template), job.request.parameters)
            refuse_data_loss(changes, self.spans, consented=self.consented, labels=self.labels)
        self._empty_what_goes(deployed, before, parsed(job.request.template))
        job.expand(deployed, before)
        job.settle_mode(deployed, before)
        settled_or_none = self.calls.update(deployed, job.request, job.listen)
        return job.ended(settled_or_none, deployed)

    def contract(self, stack: Stack, request: Request) -> StackOutcome:
        """Take out of the stack what its consumers used before they moved."""
        deployed = self.calls.describe(stack.stack_name)
        job = _Job(self, stack, request, "contract", self.pace.clock())
        self.sink(StackStarted(stack.name, "contract"))
        job.carry_names(self.calls.template(stack.stack_name))
        return job.ended(self.calls.update(deployed, job.request, job.listen), deployed)

    def protect(self, stack: Stack, there: DeployedStack) -> None:
        """Not part of a stack's template; looked at each time, for a run may have ended before it was said."""
        if stack.protected is not there.protected:
            self.calls.protect(stack.stack_name, stack.protected)

    def _empty_what_goes(self, deployed: DeployedStack, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """Only a stack with a site has something to empty, which its outputs tell."""
        if any(name.endswith("SiteBucket") for name in deployed.outputs):
            empty_what_goes(self.clients, deployed.stack_name, dict(before), after)

    # Deleting

    def delete(self, stack: DeployedStack) -> StackOutcome:
        begun = self.pace.clock()
        there: DeployedStack | None = stack
        if stack.busy:
            there = self.calls.wait(stack, recovery.busy_helps(stack, self.clients.place))
        if there is None:
            return StackOutcome(stack.name, "deleted")
        self.sink(StackStarted(stack.name, "delete"))
        self._empty_what_goes(there, self.calls.template(there.stack_name), {})
        if there.protected and (self.deletes_data or there.stack_name in self.emptied):
            # The environment is not protected any more, or nobody would be here; or its data are in another stack.
            self.calls.protect(there.stack_name, False)
        listen = self._listener(stack.name, {})
        settled = self._release(there, listen) if self.deletes_data and there.stateful and there.usable else None
        if settled is None or settled.failure is None:
            empty_buckets(self.clients, there.stack_name, self.calls.template(there.stack_name))
            settled = self.calls.delete(there, self._token(there.stack_id, "delete"), listen)
        if settled.failure is not None:
            return self._failed(stack.name, "delete", settled.failure, settled.status, {}, begun)
        if self.prover is not None:
            self.prover.notes.remove(stack.stack_name)
        self.sink(StackDone(stack.name, "delete", self.pace.clock() - begun))
        return StackOutcome(stack.name, "deleted")

    def _release(self, stack: DeployedStack, listen: ResourceEvent) -> Settled | None:
        """Take the template's word back that data is retained, so that deleting the stack deletes the data.

        CloudFormation does not update a DeletionPolicy alone (User Guide, "DeletionPolicy attribute"), so a tag
        changes with it.
        """
        template = self.calls.template(stack.stack_name)
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
        return self.calls.update(stack, request, listen)

    # What both say

    def _failed(
        self, name: str, action: Action, failure: FirstFailure, status: str, owners: Mapping[str, str], begun: float
    ) -> StackOutcome:
        construct = owners.get(failure.logical_id, "")
        cause = Cause(
            failure.reason,
            failure.logical_id,
            failure.type,
            construct,
            self.spans.get(construct),
            failure.code,
            _aftermath(action, status),
        )
        self.sink(StackFailed(name, action, cause, self.pace.clock() - begun))
        return StackOutcome(name, "failed", cause=cause)

    def _listener(self, name: str, owners: Mapping[str, str]) -> ResourceEvent:
        def on_event(logical_id: str, type_: str, status: str, reason: str) -> None:
            self.sink(ResourceChanged(name, logical_id, type_, status, reason, owners.get(logical_id, "")))

        return on_event

    def _token(self, what: str, step: str) -> str:
        return request_token(self.run_id, what, step)


@dataclass(slots=True)
class _Job:
    """One change of one stack while it goes on."""

    run: StackRun
    stack: Stack
    request: Request
    action: Action
    begun: float
    left: tuple[LeftBehind, ...] = ()
    expanded: bool = False
    owners: Mapping[str, str] = field(init=False)
    listen: ResourceEvent = field(init=False)

    def __post_init__(self) -> None:
        self._names_known()

    def _names_known(self) -> None:
        self.owners = constructs(self.request.template)
        self.listen = self.run._listener(self.stack.name, self.owners)

    def carry_names(self, before: Mapping[str, Any]) -> None:
        """Keep the logical ids that replacements were given (see `expansion`)."""
        wanted = parsed(self.request.template)
        carried = carried_names(before, wanted)
        if carried != wanted:
            self._use(carried)

    def expand(self, deployed: DeployedStack, before: Mapping[str, Any]) -> None:
        """Keep what deployed consumers still use, until they have moved."""
        used = used_outputs(deployed, self.run.others)
        after = parsed(self.request.template)
        made = expanded(before, deployed.parameters, after, self.request.parameters, used) if used else None
        if made is not None:
            self.expanded = True
            self._use(made)
            self.request = replace(self.request, digest=EXPANDED + self.request.digest[: 64 - len(EXPANDED)])

    def _use(self, template: Mapping[str, Any]) -> None:
        body = encoded(template)
        self.request = replace(self.request, template=body, template_digest=hashlib.sha256(body).hexdigest())
        self._names_known()

    def leave(self, left: Iterable[LeftBehind]) -> None:
        """Say what AWS would not let go of."""
        for item in left:
            self.run.sink(ResourceLeft(self.stack.name, item.logical_id, item.type, item.physical_id, item.why))
        self.left = (*self.left, *left)

    def failed(self, failure: FirstFailure, status: str) -> StackOutcome:
        outcome = self.run._failed(self.stack.name, self.action, failure, status, self.owners, self.begun)
        return replace(outcome, left=self.left)

    def created(self) -> StackOutcome:
        if self.request.express and self.run.prover is not None:
            self.run.prover.begins(self.request, None, {})
        return self.ended(self.run.calls.create(self.request, self.listen))

    def settle_mode(self, deployed: DeployedStack, before: Mapping[str, Any]) -> None:
        """Express mode only from a stack that is known to be well, for a change that can be undone whole."""
        if not self.request.express:
            return
        run, wanted = self.run, parsed(self.request.template)
        changes = differences(before, deployed.parameters, wanted, self.request.parameters)
        sound = deployed.settled_well and deployed.digest is not None and not run.unproven(deployed)
        express = sound and not used_outputs(deployed, run.others) and keeps_services(changes)
        self.request = replace(self.request, express=express and run.prover is not None)
        if self.request.express and run.prover is not None:
            run.prover.begins(self.request, deployed, before)

    def proven(self, there: DeployedStack) -> StackOutcome | None:
        """None when the stack's services are ready, or nothing is to be asked; else the outcome of having undone it."""
        run = self.run
        if run.prover is None:
            return None
        token = run._token(there.stack_id + self.request.digest, "undo")
        found = run.prover.proven(there, self.request.template, token, self.listen)
        return None if found is None else self.failed(found.failure, found.status)

    def ended(self, settled: Settled | None, before: DeployedStack | None = None) -> StackOutcome:
        """The outcome of a settled operation; None: CloudFormation found nothing to do."""
        run, name = self.run, self.stack.name
        if run.prover is not None and self._note_is_over(settled):
            run.prover.notes.remove(self.stack.stack_name)
        if settled is None:
            assert before is not None
            return replace(run.unchanged(self.stack, before), left=self.left, expanded=self.expanded)
        if settled.failure is not None:
            return self.failed(settled.failure, settled.status)
        self.leave(settled.left)
        there = run.calls.settled(self.stack.stack_name, self.request.digest)
        failed = self.proven(there) if self.request.express else None
        if failed is not None:
            return failed
        run.protect(self.stack, there)
        run.sink(StackDone(name, self.action, run.pace.clock() - self.begun))
        made: Result = "created" if self.action in ("create", "recreate") else "updated"
        return StackOutcome(name, made, there.outputs, left=self.left, expanded=self.expanded)

    def _note_is_over(self, settled: Settled | None) -> bool:
        """Whether nothing is left to prove: what began in express mode did not come about, or CloudFormation itself has
        waited for what is there now."""
        if settled is None or settled.failure is not None:
            return self.request.express
        return not self.request.express


def _is_ours(stack: Stack, there: DeployedStack) -> bool:
    """By its tags; one in review has neither tags nor resources, and its name is the one we would give."""
    in_review = there.status == "REVIEW_IN_PROGRESS" and not there.tags
    return in_review or stack.tags.items() <= there.tags.items()


def request_token(run_id: str, what: str, step: str) -> str:
    """Unique per run, stack and step; at most 128 letters, digits and hyphens (ClientRequestToken)."""
    return f"klotho-{run_id}-{hashlib.sha256(what.encode()).hexdigest()[:24]}-{step}"


def _aftermath(action: Action, status: str) -> str:
    """What a failed operation leaves behind, by the status it settled in."""
    if status == "DELETE_FAILED":
        return "the stack could not be deleted; what is left of it is still there"
    if status.endswith("ROLLBACK_FAILED"):
        return "undoing it failed too; run `klotho up` again to finish that"
    if action in ("update", "contract") or (action == "prove" and status == UNDONE):
        return "the stack was rolled back to what it was before"
    return "what the new stack had made was removed again"
