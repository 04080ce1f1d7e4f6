"""Writes what an operation does: each method is one transaction that changes step, resource, record and event together.

A reader never sees a resource complete without its event, and a crash leaves either all of a transition or none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from klotho.localcloud.cloudformation.store import Event, Operation, Stack, StackResource, Step, Store, now
from klotho.localcloud.handler import Outcome, Record
from klotho.localcloud.identity import uuid_of
from klotho.localcloud.world import World

Checkpoint = Callable[[str], None]
"""Called with a name before and after each thing that is journaled; tests crash there."""
STACK_TYPE = "AWS::CloudFormation::Stack"


def record_of(resource: StackResource, stack_name: str) -> Record:
    """The resource as the World stores it."""
    return Record(
        type_name=resource.type_name,
        identifier=resource.physical_id or "",
        properties=resource.properties,
        attributes=resource.attributes,
        token=resource.token,
        stack_id=resource.stack_id,
        stack_name=stack_name,
        logical_id=resource.logical_id,
        tags=resource.tags,
    )


class Journal:
    """The journal of one stack."""

    def __init__(self, store: Store, world: World, stack_id: str, checkpoint: Checkpoint) -> None:
        self.store = store
        self.world = world
        self.stack_id = stack_id
        # The name is in the id (arn:...:stack/<name>/<uuid>); reading the whole stack for each event would be slow.
        self.stack_name = stack_id.rsplit("/", 2)[1]
        self.checkpoint = checkpoint

    def stack(self) -> Stack:
        found = self.store.stack_by_id(self.stack_id)
        if found is None:  # pragma: no cover - stacks are never removed from the store
            raise LookupError(self.stack_id)
        return found

    def stack_status(self, operation: Operation, status: str, reason: str | None = None) -> None:
        """Move the stack to a status and say so in an event; saves the operation's phase with it."""
        with self.store.transaction():
            stack = self.stack()
            stack.status, stack.reason = status, reason
            if operation.kind != "create":
                stack.updated = now()
            if status == "DELETE_COMPLETE":
                stack.deleted = now()
            self.store.put_stack(stack)
            self.store.put_operation(operation)
            self._change_set_ended(operation, status)
            self._event(stack.name, STACK_TYPE, stack.stack_id, status, reason, operation.client_token)
        self.checkpoint(f"stack {status}")

    def review(self, stack: Stack, reason: str) -> None:
        """A stack has come to be by a change set; no operation runs."""
        self._event(stack.name, STACK_TYPE, stack.stack_id, stack.status, reason, None)

    def put_stack(self, stack: Stack, status: str, reason: str | None, client_token: str | None = None) -> None:
        """Store the stack in a status, with its event: for what is one transaction and no `Operation`."""
        stack.status, stack.reason, stack.updated = status, reason, now()
        self.store.put_stack(stack)
        self._event(stack.name, STACK_TYPE, stack.stack_id, status, reason, client_token)

    def put_resource(
        self, resource: StackResource, status: str, reason: str | None, client_token: str | None = None
    ) -> None:
        """Store a resource that exists already as this stack's, with its event."""
        resource.status, resource.reason, resource.updated = status, None, now()
        self.store.put_resource(resource)
        self.world.put(record_of(resource, self.stack_name))
        physical = resource.physical_id or ""
        self._event(resource.logical_id, resource.type_name, physical, status, reason, client_token)

    def _change_set_ended(self, operation: Operation, status: str) -> None:
        change_set = self.store.change_set_by_id(operation.change_set_id) if operation.change_set_id else None
        if change_set is not None and operation.finished:
            good = status in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
            change_set.execution_status = "EXECUTE_COMPLETE" if good else "EXECUTE_FAILED"
            self.store.put_change_set(change_set)

    def begin(self, operation: Operation, step: Step, status: str, reason: str | None = None) -> None:
        """A step is about to start on `step.resource`."""
        assert step.resource is not None
        with self.store.transaction():
            self.store.put_step(step)
            self.store.put_resource(replace(step.resource, status=status, reason=reason, updated=now()))
            self._resource_event(operation, step.resource, status, reason)
        self.checkpoint(f"before {step.name}")

    def done(self, operation: Operation, step: Step, status: str, outcome: Outcome | None = None) -> StackResource:
        """A create, replace or update succeeded: the record of the World is the outcome from now on."""
        assert step.resource is not None
        resource = replace(step.resource, status=status, reason=None, updated=now())
        if outcome is not None:
            resource.physical_id, resource.attributes = outcome.identifier, dict(outcome.attributes)
            resource.no_echo = outcome.no_echo
        step.state, step.resource = "done", resource
        with self.store.transaction():
            self.store.put_step(step)
            self.store.put_resource(resource)
            self.world.put(record_of(resource, self.stack_name))
            self._resource_event(operation, resource, status, None)
        self.checkpoint(f"after {step.name}")
        return resource

    def failed(self, operation: Operation, step: Step, status: str, reason: str, keep_row: bool = True) -> None:
        """A step failed; the resource's row says why unless it is no part of the stack any more."""
        assert step.resource is not None
        reason = self._without_secrets(reason)
        step.state, step.reason = "failed", reason
        with self.store.transaction():
            self.store.put_step(step)
            if keep_row:
                self.store.put_resource(replace(step.resource, status=status, reason=reason, updated=now()))
            self._resource_event(operation, step.resource, status, reason)
        self.checkpoint(f"failed {step.name}")

    def skipped(self, operation: Operation, resource: StackResource) -> None:
        """A rollback leaves a resource as it is; as on AWS, its row is complete from then on."""
        if self.store.resources(self.stack_id)[resource.logical_id].status == "UPDATE_COMPLETE":
            return  # said before a crash
        with self.store.transaction():
            self.store.put_resource(replace(resource, status="UPDATE_COMPLETE", reason=None, updated=now()))
            self._resource_event(operation, resource, "UPDATE_COMPLETE", None)
        self.checkpoint(f"skipped {resource.logical_id}")

    def _without_secrets(self, reason: str) -> str:
        """The reason without the secret attributes of the stack's resources (`NoEcho`), as AWS masks them."""
        for resource in self.store.resources(self.stack_id).values():
            for value in resource.attributes.values() if resource.no_echo else ():
                if isinstance(value, str) and value:
                    reason = reason.replace(value, "*****")
        return reason

    def begin_delete(self, operation: Operation, step: Step, own_row: bool) -> None:
        assert step.resource is not None
        with self.store.transaction():
            self.store.put_step(step)
            if own_row:
                self.store.put_resource(replace(step.resource, status="DELETE_IN_PROGRESS", reason=None, updated=now()))
            self._resource_event(operation, step.resource, "DELETE_IN_PROGRESS", None)
        self.checkpoint(f"before {step.name}")

    def deleted(
        self, operation: Operation, step: Step, own_row: bool, keep_row: bool, skipped: str | None = None
    ) -> None:
        """A resource is gone (or left behind, with the reason in `skipped`)."""
        assert step.resource is not None
        resource = step.resource
        status = "DELETE_COMPLETE" if skipped is None else "DELETE_SKIPPED"
        step.state = "done"
        with self.store.transaction():
            self.store.put_step(step)
            if own_row and keep_row:
                self.store.put_resource(replace(resource, status=status, reason=skipped or None, updated=now()))
            elif own_row:
                self.store.remove_resource(resource.stack_id, resource.logical_id)
            if skipped is None and resource.physical_id is not None:
                self.world.remove(resource.type_name, resource.physical_id)
            self._resource_event(operation, resource, status, skipped or None)
        self.checkpoint(f"after {step.name}")

    def _resource_event(self, operation: Operation, resource: StackResource, status: str, reason: str | None) -> None:
        physical = resource.physical_id or ""
        self._event(resource.logical_id, resource.type_name, physical, status, reason, operation.client_token)

    def _event(
        self,
        logical_id: str,
        type_name: str,
        physical_id: str,
        status: str,
        reason: str | None,
        client_token: str | None,
    ) -> None:
        number = self.store.event_count(self.stack_id)
        self.store.add_event(
            Event(
                stack_id=self.stack_id,
                stack_name=self.stack_name,
                event_id=uuid_of(f"{self.stack_id}/{number}", "event"),
                timestamp=now(),
                logical_id=logical_id,
                physical_id=physical_id,
                type_name=type_name,
                status=status,
                reason=reason,
                client_token=client_token,
            )
        )
