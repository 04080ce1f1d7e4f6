"""Carries out single steps by calling the type's handler, and journals how they went.

A `HandlerError` becomes the resource's status reason; any other exception of a handler is a fault of Klotho and says so
in the reason, with the traceback in the log. Crashes and cancellation pass through untouched.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from klotho.catalogue.facts import is_custom, schema
from klotho.catalogue.facts.validate import validate
from klotho.localcloud.cloudformation.capabilities import BecomesReadyLater, DecidesReplacement, TakesSnapshots
from klotho.localcloud.cloudformation.dynamic import Reader, followed, is_reference
from klotho.localcloud.cloudformation.journal import Journal, record_of
from klotho.localcloud.cloudformation.references import check_not_held, check_targets_exist
from klotho.localcloud.cloudformation.schedule import StepFailed
from klotho.localcloud.cloudformation.store import Operation, StackResource, Step
from klotho.localcloud.handler import Handler, HandlerError, Outcome, Request
from klotho.localcloud.permissions.deployers import DeployerRights
from klotho.localcloud.permissions.handler_calls import Operation as Verb

T = TypeVar("T")
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Steps:
    """The steps of one operation."""

    operation: Operation
    stack_name: str
    journal: Journal
    handlers: Mapping[str, Handler]
    read: Reader
    known: dict[str, Step]
    """Journaled steps by name."""
    rights: DeployerRights

    def get(self, name: str) -> Step | None:
        return self.known.get(name)

    def add(self, step: Step) -> None:
        self.known[step.name] = step

    def in_phase(self, phase: str) -> list[Step]:
        return [step for name, step in self.known.items() if name.startswith(f"{phase}/")]

    def must_replace(self, wanted: StackResource, old: StackResource) -> bool:
        return handler_wants_new(self.handlers[wanted.type_name], wanted, old, self.stack_name)

    async def carry_out(self, step: Step, old: StackResource | None) -> StackResource:
        """Create, replace or update as the journaled step says."""
        assert step.resource is not None
        verb = "UPDATE" if old is not None else "CREATE"
        try:
            outcome = await self._make(step, step.resource, old)
            self.journal.checkpoint(f"handled {step.name}")
        except HandlerError as error:
            if old is None or step.action == "replace":
                step.resource.physical_id = error.identifier
            self.journal.failed(self.operation, step, f"{verb}_FAILED", _reason(error))
            raise StepFailed(step.logical_id) from error
        return self.journal.done(self.operation, step, f"{verb}_COMPLETE", outcome)

    async def _make(self, step: Step, resource: StackResource, old: StackResource | None) -> Outcome:
        _check_valid(resource)
        if step.action == "replace" and old is not None:
            _check_replaceable(resource, old)
        check_targets_exist(self.journal.world, resource.type_name, resource.properties)
        outcome = await self._call(resource, step.token, old if step.action == "update" else None)
        self._check_unique(resource, outcome)
        return outcome

    def _check_unique(self, resource: StackResource, outcome: Outcome) -> None:
        if is_custom(resource.type_name):
            return  # their functions name them, as they please
        holder = self.journal.world.get(resource.type_name, outcome.identifier)
        if holder is not None and holder.token != resource.token:
            raise HandlerError(
                f"{outcome.identifier} already exists in stack {holder.stack_name} ({holder.logical_id})",
                "AlreadyExists",
            )

    async def restore(self, name: str, old: StackResource, forward: Step) -> None:
        """Take an update back."""
        step = self.get(f"restore/{name}")
        if step is not None and step.state == "done":
            return
        if step is not None and step.state == "failed":
            raise StepFailed(name)
        if step is None:
            token = f"{self.operation.operation_id}/{name}/restore"
            step = Step(self.operation.operation_id, f"restore/{name}", name, "update", token, resource=old)
            self.add(step)
            self.journal.begin(self.operation, step, "UPDATE_IN_PROGRESS")
        try:
            assert forward.resource is not None
            # What the update made may be another one than before: from there it goes back.
            present = replace(old, physical_id=forward.resource.physical_id)
            outcome = await self._call(present, step.token, forward.resource)
            self.journal.checkpoint(f"handled {step.name}")
        except HandlerError as error:
            self.journal.failed(self.operation, step, "UPDATE_FAILED", _reason(error))
            raise StepFailed(name) from error
        self.journal.done(self.operation, step, "UPDATE_COMPLETE", outcome)

    async def delete(self, phase: str, resource: StackResource, own_row: bool, keep_row: bool) -> None:
        """Delete a resource, or leave it as its policy says. `own_row`: the stack's row is about this very resource."""
        name = f"{phase}/{resource.logical_id}"
        step = self.get(name)
        if step is not None and step.state == "done":
            return
        if step is not None and step.state == "failed":
            raise StepFailed(resource.logical_id)
        if step is None:
            token = f"{self.operation.operation_id}/{resource.logical_id}/{phase}"
            step = Step(self.operation.operation_id, name, resource.logical_id, "delete", token, resource=resource)
            self.add(step)
            self.journal.begin_delete(self.operation, step, own_row)
        try:
            skipped = await self._take_down(phase, resource, step.token)
            self.journal.checkpoint(f"handled {step.name}")
        except HandlerError as error:
            self.journal.failed(self.operation, step, "DELETE_FAILED", _reason(error), keep_row=own_row)
            raise StepFailed(resource.logical_id) from error
        self.journal.deleted(self.operation, step, own_row, keep_row, skipped)

    async def _take_down(self, phase: str, resource: StackResource, token: str) -> str | None:
        """None when the resource is gone, else why it was left behind (may be empty)."""
        policy = resource.deletion_policy
        undoing = phase in ("rollback", "discard")
        if policy == "Retain" or (policy == "RetainExceptOnCreate" and not undoing):
            return ""
        handler = self.handlers.get(resource.type_name)
        if handler is None:
            raise HandlerError(f"{resource.type_name} is not supported by this version of the local cloud")
        check_not_held(self.journal.world, record_of(resource, self.stack_name))
        if policy == "Snapshot" and not undoing:
            kept = await self._snapshot(handler, resource)
            if kept is not None:
                return kept
        request = self._request(resource, token, None)
        self._permit("delete", request)
        await _guarded(handler.delete(request), resource)
        return None

    async def _snapshot(self, handler: Handler, resource: StackResource) -> str | None:
        """None once a snapshot is taken; else why the resource is kept instead of deleted."""
        if isinstance(handler, TakesSnapshots):
            await _guarded(handler.snapshot(record_of(resource, self.stack_name)), resource)
            return None
        return (
            f"The local cloud takes no snapshots of {resource.type_name}, so DeletionPolicy Snapshot keeps the "
            f"resource with its data"
        )

    async def _call(self, resource: StackResource, token: str, old: StackResource | None) -> Outcome:
        request = self._request(resource, token, old)
        self._permit("create" if old is None else "update", request)
        properties = await followed(request.properties, resource.logical_id, self.read)
        handler = self.handlers[resource.type_name]
        if self.operation.express and isinstance(handler, BecomesReadyLater) and self.operation.phase == "forward":
            return await _guarded(handler.apply(replace(request, properties=properties)), resource)
        if old is None:
            return await _guarded(handler.create(replace(request, properties=properties, identifier=None)), resource)
        previous = await followed(request.previous, resource.logical_id, self.read)
        return await _guarded(handler.update(replace(request, properties=properties, previous=previous)), resource)

    def _permit(self, verb: Verb, request: Request) -> None:
        """HandlerError when whoever deploys may not do it; this machine's own key may do everything."""
        if self.operation.role_arn is not None:
            self.rights.check(self.operation.role_arn, self.operation.user, verb, request)

    def _request(self, resource: StackResource, token: str, old: StackResource | None) -> Request:
        return _request_for(resource, token, old, self.stack_name)


def _request_for(resource: StackResource, token: str, old: StackResource | None, stack_name: str) -> Request:
    return Request(
        type_name=resource.type_name,
        logical_id=resource.logical_id,
        stack_name=stack_name,
        stack_id=resource.stack_id,
        token=token,
        properties=resource.properties,
        identifier=resource.physical_id,
        previous=old.properties if old is not None else {},
        attributes=resource.attributes,
        tags=resource.tags,
    )


def handler_wants_new(handler: Handler, wanted: StackResource, old: StackResource, stack_name: str) -> bool:
    """Whether the handler wants a new resource for a change that is not create-only by the schema."""
    return isinstance(handler, DecidesReplacement) and handler.must_replace(_request_for(wanted, "", old, stack_name))


async def _guarded(work: Awaitable[T], resource: StackResource) -> T:
    """Await a handler; a fault in it fails this resource only, and is named."""
    try:
        return await work
    except HandlerError:
        raise
    except Exception as error:
        _log.exception("the handler of %s failed on %s", resource.type_name, resource.logical_id)
        raise HandlerError(
            f"Internal failure in the local cloud: {type(error).__name__}: {error}", "InternalFailure"
        ) from error


def _check_valid(resource: StackResource) -> None:
    # A secret's reference follows no pattern, and its value must not end up in a message about one.
    problems = validate(resource.type_name, resource.properties, is_reference)
    if problems:
        listed = "; ".join(str(problem) for problem in problems)
        raise HandlerError(
            f"Properties validation failed for resource {resource.logical_id}: {listed}", "InvalidRequest"
        )


def _check_replaceable(resource: StackResource, old: StackResource) -> None:
    """A resource with a name of the user's can't be replaced: the new one would need the name while the old has it.

    Nor can a custom resource by a change of its function, which alone knows what it made.
    """
    if is_custom(resource.type_name):
        raise HandlerError("Modifying service token is not allowed.", "InvalidRequest")
    identifier = schema(resource.type_name).primary_identifier
    if len(identifier) != 1 or len(identifier[0]) != 1:
        return
    name = resource.properties.get(identifier[0][0])
    if name is not None and name == old.properties.get(identifier[0][0]):
        raise HandlerError(
            f"CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename {name} and "
            f"update the stack again.",
            "AlreadyExists",
        )


def _reason(error: HandlerError) -> str:
    """AWS's form; after several lines on a line of its own, so that a log's last line stays as it was written."""
    if error.code == "GeneralServiceException":
        return error.reason
    separator = "\n" if "\n" in error.reason else ""
    return f"{error.reason}{separator} (HandlerErrorCode: {error.code})"
