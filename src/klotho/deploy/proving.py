"""What follows an operation in express mode: waiting until the stack's services are ready, else undoing it.

Input: a stack that was just created or updated, or that an earlier run left unproven. Output: the failure, None when
all is well. Allowed effects: notes in the artifact bucket, CloudFormation calls on this stack. Refuses what `Notes` and
`StackCalls` refuse: the note stays then, and the next run goes on.

CloudFormation will not roll back what it calls complete. So an update is undone by another one, in standard mode, to
the template, parameters and tags the stack had; what was created is deleted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from klotho.deploy.deployed import DeployedStack
from klotho.deploy.events import Sink, Step
from klotho.deploy.expansion import encoded
from klotho.deploy.following import FirstFailure, ResourceEvent
from klotho.deploy.health import HealthWait, asked_of
from klotho.deploy.place import Clients, Pace
from klotho.deploy.stacks import Request, StackCalls
from klotho.deploy.template import parsed
from klotho.deploy.unproven import Before, Notes, Unproven

UNDONE = "UNDONE"
NOT_UNDONE = "UNDO_ROLLBACK_FAILED"
"""Stand where CloudFormation's status does, for what is said of the stack."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A stack whose services did not become ready."""

    failure: FirstFailure
    status: str


@dataclass(slots=True)
class Prover:
    """For all stacks of one run."""

    clients: Clients
    calls: StackCalls
    pace: Pace
    sink: Sink
    notes: Notes

    def begins(self, request: Request, deployed: DeployedStack | None, template: Mapping[str, Any]) -> None:
        """Before the operation: what it will be, and what the stack is now (`template` is the deployed one)."""
        before = None
        if deployed is not None:
            assert deployed.digest is not None
            body = encoded(template).decode()
            before = Before(deployed.stack_id, body, deployed.parameters, deployed.tags, deployed.digest)
        self.notes.write(Unproven(request.stack_name, request.digest, before))

    def proven(self, there: DeployedStack, template: bytes, token: str, listen: ResourceEvent) -> Failed | None:
        """Wait until the services of the stack are ready; undo what was done when one does not get there."""
        note = self.notes.of(there)
        if note is None:
            return None
        services = asked_of(parsed(template), self.calls.resources(there.stack_id))
        failure = HealthWait(self.clients, self.pace, self.sink, there.name).until_ready(services)
        if failure is None:
            self.notes.remove(there.stack_name)
            return None
        self.sink(Step(f"{there.name}: {failure.logical_id} does not become ready; undoing the change"))
        undone = (
            self._deleted(there, token, listen)
            if note.before is None
            else self._back(there, note.before, token, listen)
        )
        if undone:
            self.notes.remove(there.stack_name)
        return Failed(failure, UNDONE if undone else NOT_UNDONE)

    def _deleted(self, there: DeployedStack, token: str, listen: ResourceEvent) -> bool:
        return self.calls.delete(there, token, listen).failure is None

    def _back(self, there: DeployedStack, before: Before, token: str, listen: ResourceEvent) -> bool:
        body = before.template.encode()
        digest = hashlib.sha256(body).hexdigest()
        request = Request(there.stack_name, body, digest, before.parameters, before.tags, before.digest, token)
        settled = self.calls.update(there, request, listen)
        return settled is None or settled.failure is None
