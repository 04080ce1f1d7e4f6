"""Stack refactoring: resources move between stacks, or get other logical ids, and nothing of them changes.

Input: a `RefactorRequest`. Output: `StackRefactor`s in the store, and on execution the moved resources, all in one
transaction: a crash leaves either everything where it was or everything moved. What AWS would not do (create, delete
or change a resource, other parameters, an empty stack) ends as CREATE_FAILED with the reason, as on AWS. Rules: User
Guide, "Stack refactoring considerations"; API Reference, CreateStackRefactor and ExecuteStackRefactor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from klotho.localcloud.cloudformation.coercion import coerced
from klotho.localcloud.cloudformation.deployment import EXTRA_ATTRIBUTES, Deployment
from klotho.localcloud.cloudformation.engine import UPDATABLE, Engine, StackRequest
from klotho.localcloud.cloudformation.errors import validation_error
from klotho.localcloud.cloudformation.imports import can_be_moved
from klotho.localcloud.cloudformation.intrinsics import Scope, resolve
from klotho.localcloud.cloudformation.outputs import stack_outputs
from klotho.localcloud.cloudformation.plan import attribute_changes, normal
from klotho.localcloud.cloudformation.store import Inputs, Stack, StackRefactor, StackResource, now
from klotho.localcloud.handler import HandlerError
from klotho.localcloud.identity import uuid_of
from klotho.localcloud.service import ApiError

MAX_STACKS = 5
"""User Guide: "a maximum of 5 stacks (using the AWS CLI)"."""
Place = tuple[str, str]
"""A stack's name and a logical id."""


@dataclass(frozen=True, slots=True)
class RefactorRequest:
    definitions: Mapping[str, str]
    """The new templates by stack name."""
    mappings: Mapping[Place, Place]
    """Destination to source, as far as the caller says it; the rest is found out."""
    create_stacks: bool = False
    description: str | None = None


class RefusedError(Exception):
    """Why a refactor can't be."""


@dataclass(slots=True)
class _Side:
    """One stack of a refactor."""

    stack: Stack
    new: bool
    deployment: Deployment
    live: Mapping[str, StackResource]
    wanted: dict[str, StackResource]
    """By logical id, what becomes each resource of the new template; filled in while moves are found."""

    def ref(self, name: str) -> Any:
        return self.wanted[name].physical_id

    def attribute(self, name: str, attribute: str) -> Any:
        found = self.wanted[name]
        if attribute in EXTRA_ATTRIBUTES.get(found.type_name, ()) and attribute in found.properties:
            return found.properties[attribute]
        if attribute not in found.attributes:
            raise HandlerError(f"Attribute {attribute} of {name} has no value in the local cloud", "NotFound")
        return found.attributes[attribute]

    @property
    def scope(self) -> Scope:
        return self.deployment.scope(self.ref, self.attribute)


class Refactors:
    """The stack refactors of one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._store = engine.store

    def create(self, request: RefactorRequest) -> StackRefactor:
        """Work out the moves and keep them; what can't be moved makes it CREATE_FAILED."""
        if not 1 <= len(request.definitions) <= MAX_STACKS:
            raise validation_error(f"A stack refactor takes at most {MAX_STACKS} stacks")
        number = self._store.next_number("stack refactors")
        made = StackRefactor(
            refactor_id=uuid_of(f"{self._engine.cloud.region}/{number}", "refactor"),
            definitions=dict(request.definitions),
            mappings=[[*place, *source] for place, source in request.mappings.items()],
            create_stacks=request.create_stacks,
            description=request.description,
            created=now(),
        )
        try:
            sides = self._sides(made)
            made.moves = [_described(*item, sides, request.mappings) for item in self._moves(made, sides)]
            made.new_stacks = [name for name, side in sides.items() if side.new]
            made.stack_ids = [side.stack.stack_id for side in sides.values()]
            made.operations = self._counted(made)
        except (RefusedError, ApiError, HandlerError) as error:
            reason = error.message if isinstance(error, ApiError) else str(error)
            made.status, made.reason, made.execution_status = "CREATE_FAILED", reason, "UNAVAILABLE"
        self._store.put_refactor(made)
        return made

    def find(self, refactor_id: str) -> StackRefactor:
        """StackRefactorNotFoundException (404) when there is none; OBSOLETE once one of its stacks has changed."""
        found = self._store.refactor(refactor_id)
        if found is None:
            raise ApiError("StackRefactorNotFoundException", f"Stack refactor {refactor_id} does not exist", 404)
        if found.execution_status == "AVAILABLE" and found.operations != self._counted(found):
            found.execution_status = "OBSOLETE"
            self._store.put_refactor(found)
        return found

    def listed(self) -> list[StackRefactor]:
        return [self.find(item.refactor_id) for item in self._store.refactors()]

    def execute(self, refactor_id: str) -> None:
        """Move everything; again is success once it is done."""
        found = self.find(refactor_id)
        if found.execution_status == "EXECUTE_COMPLETE":
            return
        if found.execution_status != "AVAILABLE":
            raise validation_error(
                f"Stack refactor {refactor_id} can't be executed in execution status {found.execution_status}"
            )
        try:
            sides = self._sides(found)
            moves = self._moves(found, sides)
            self._engine.checkpoint("before refactor")
            with self._store.transaction():
                for side in sides.values():
                    self._begin(side)
                for place, source in moves:
                    self._move(sides, place, source)
                for side in sides.values():
                    self._finish(side)
                found.execution_status = "EXECUTE_COMPLETE"
                self._store.put_refactor(found)
        except (RefusedError, ApiError, HandlerError) as error:
            # Nothing of it was stored.
            found.execution_status = "EXECUTE_FAILED"
            found.execution_reason = error.message if isinstance(error, ApiError) else str(error)
            self._store.put_refactor(found)
        self._engine.checkpoint("after refactor")

    # What moves

    def _counted(self, refactor: StackRefactor) -> list[int]:
        """How many operations the stacks have had: with one more, what was worked out is no longer true."""
        stacks = (self._store.stack_by_name(name) for name in refactor.definitions)
        return [self._store.operation_count(stack.stack_id) if stack is not None else -1 for stack in stacks]

    def _sides(self, refactor: StackRefactor) -> dict[str, _Side]:
        return {name: self._side(name, body, refactor) for name, body in refactor.definitions.items()}

    def _side(self, name: str, body: str, refactor: StackRefactor) -> _Side:
        stack, new = self._engine.find(name), False
        if stack is None:
            if not refactor.create_stacks:
                raise RefusedError(f"Stack {name} does not exist, and EnableStackCreation is not set")
            stack, new = self._engine.new_stack(name, "CREATE_COMPLETE"), True
        elif stack.status not in UPDATABLE:
            raise RefusedError(f"Stack {name} is in {stack.status} state and can not be refactored")
        capabilities = ["CAPABILITY_NAMED_IAM"]  # CreateStackRefactor asks for none
        request = StackRequest(name, body, dict(stack.inputs.parameters), capabilities=capabilities)
        deployment = self._engine.prepare(request, stack)
        if not new:
            _check_same_sections(name, deployment, self._engine.prepare(_present(stack, capabilities), stack))
        return _Side(stack, new, deployment, self._engine.live_resources(stack.stack_id), {})

    def _moves(self, refactor: StackRefactor, sides: Mapping[str, _Side]) -> list[tuple[Place, Place]]:
        """Destination and source of everything that moves, each checked to stay what it is."""
        mappings = {(to, name): (source, old) for to, name, source, old in refactor.mappings}
        leaving = {
            (name, logical_id): resource
            for name, side in sides.items()
            for logical_id, resource in side.live.items()
            if logical_id not in side.deployment.resources or (name, logical_id) in mappings.values()
        }
        found: list[tuple[Place, Place]] = []
        for name, side in sides.items():
            for logical_id, item in side.deployment.resources.items():
                place = (name, logical_id)
                if place not in mappings and logical_id in side.live and place not in leaving:
                    side.wanted[logical_id] = side.live[logical_id]
                    continue
                source = mappings.get(place) or _guessed(place, item.type_name, leaving)
                if source is None or source not in leaving:
                    raise RefusedError(
                        f"Stack Refactor does not support creating resources: {logical_id} of {name} is in no stack"
                    )
                side.wanted[logical_id] = leaving.pop(source)
                found.append((place, source))
        if leaving:
            shown = ", ".join(f"{logical_id} of {name}" for name, logical_id in sorted(leaving))
            raise RefusedError(f"Stack Refactor does not support deleting resources: {shown}")
        for place, source in found:
            _check_movable(sides[place[0]].wanted[place[1]], source)
        for side in sides.values():
            _check_unchanged(side)
            stack_outputs(side.deployment, side.scope)
        return found

    # Moving

    def _begin(self, side: _Side) -> None:
        status = "CREATE_IN_PROGRESS" if side.new else "UPDATE_IN_PROGRESS"
        self._engine.journal(side.stack.stack_id).put_stack(side.stack, status, "Stack refactor")

    def _move(self, sides: Mapping[str, _Side], place: Place, source: Place) -> None:
        side, old = sides[place[0]], sides[source[0]]
        before = old.live[source[1]]
        if source[1] not in old.wanted or source == place:
            self._store.remove_resource(before.stack_id, before.logical_id)
        item = side.deployment.resources[place[1]]
        moved = replace(
            before,
            stack_id=side.stack.stack_id,
            logical_id=place[1],
            status="UPDATE_COMPLETE",
            reason=None,
            tags=dict(side.stack.inputs.tags),
            metadata=item.metadata,
            updated=now(),
        )
        side.wanted[place[1]] = moved
        self._engine.journal(side.stack.stack_id).put_resource(moved, "UPDATE_COMPLETE", "Moved by a stack refactor")

    def _finish(self, side: _Side) -> None:
        for logical_id, resource in side.wanted.items():
            depends_on = sorted(side.deployment.depends_on[logical_id])
            if resource.depends_on != depends_on:
                side.wanted[logical_id] = replace(resource, depends_on=depends_on)
                self._store.put_resource(side.wanted[logical_id])
        inputs = side.stack.inputs
        side.stack.inputs = Inputs(
            side.deployment.template.body,
            dict(side.deployment.parameters),
            dict(inputs.tags),
            inputs.capabilities or ["CAPABILITY_NAMED_IAM"],
        )
        side.stack.outputs = stack_outputs(side.deployment, side.scope)
        side.stack.description = side.deployment.template.description
        status = "CREATE_COMPLETE" if side.new else "UPDATE_COMPLETE"
        self._engine.journal(side.stack.stack_id).put_stack(side.stack, status, None)


def _present(stack: Stack, capabilities: list[str]) -> StackRequest:
    return StackRequest(stack.name, stack.inputs.template, dict(stack.inputs.parameters), capabilities=capabilities)


def _check_same_sections(name: str, after: Deployment, before: Deployment) -> None:
    for section in ("parameters", "conditions", "mappings"):
        if getattr(after.template, section) != getattr(before.template, section):
            raise RefusedError(f"Stack Refactor does not support changing the {section.capitalize()} of {name}")


def _guessed(place: Place, type_name: str, leaving: Mapping[Place, StackResource]) -> Place | None:
    """The one resource that leaves a stack and can be meant: of the type, and of the same name if there are several."""
    alike = [source for source, resource in leaving.items() if resource.type_name == type_name]
    named = [source for source in alike if source[1] == place[1]]
    found = named or alike
    return found[0] if len(found) == 1 else None


def _check_movable(resource: StackResource, source: Place) -> None:
    if not can_be_moved(resource.type_name):
        raise RefusedError(f"Stack Refactor does not support {resource.type_name}: {source[1]} of {source[0]}")


def _check_unchanged(side: _Side) -> None:
    """Every resource of the new template is, with all values filled in, what it was."""
    for logical_id, resource in side.wanted.items():
        item = side.deployment.resources[logical_id]
        if item.type_name != resource.type_name:
            raise RefusedError(f"{logical_id} is {resource.type_name}, not {item.type_name}")
        after = coerced(item.type_name, resolve(dict(item.properties), side.scope))
        names = {*after, *resource.properties}
        changed = [
            name for name in sorted(names) if normal(after.get(name)) != normal(resource.properties.get(name))
        ] or list(attribute_changes(item, resource))
        if changed:
            raise RefusedError(
                f"Stack Refactor does not support modifying resources: {', '.join(changed)} of {logical_id} in "
                f"{side.stack.name}"
            )


def _described(
    place: Place, source: Place, sides: Mapping[str, _Side], mappings: Mapping[Place, Place]
) -> dict[str, str]:
    return {
        "physical_id": sides[source[0]].live[source[1]].physical_id or "",
        "stack": place[0],
        "logical_id": place[1],
        "source_stack": source[0],
        "source_logical_id": source[1],
        "detection": "MANUAL" if place in mappings else "AUTO",
    }
