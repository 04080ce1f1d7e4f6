"""Carries out one stack operation: create, update or delete, with rollback.

Input: a journaled `Operation`. Output: the stack in a final status. The journal decides what is still to do, so running
an operation again after a crash skips what is done, repeats with the same token what was started, and takes the same
decisions. A failure of a resource leads to the rollback AWS would make; any other exception leaves the operation
unfinished, to be carried on by `Engine.recover`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from klotho.localcloud.cloudformation.deployment import Deployment
from klotho.localcloud.cloudformation.forward import Forward
from klotho.localcloud.cloudformation.journal import Journal
from klotho.localcloud.cloudformation.outputs import stack_outputs
from klotho.localcloud.cloudformation.parameters import shown
from klotho.localcloud.cloudformation.schedule import reversed_order, run_in_order
from klotho.localcloud.cloudformation.steps import Steps
from klotho.localcloud.cloudformation.store import Operation, StackResource, Step
from klotho.localcloud.handler import HandlerError


@dataclass(slots=True)
class Runner:
    """One operation being carried out."""

    operation: Operation
    journal: Journal
    steps: Steps
    deployment: Deployment | None
    """None for a delete."""

    async def run(self) -> None:
        """Until the stack is in a final status. Each phase may be entered again after a crash."""
        phases = {
            "forward": self._forward,
            "cleanup": self._cleanup,
            "rollback": self._roll_back_create,
            "restore": self._restore,
            "discard": self._discard,
            "delete": self._delete,
        }
        while not self.operation.finished:
            await phases[self.operation.phase]()

    def _move(self, phase: str, status: str, reason: str | None = None) -> None:
        self.operation.phase = phase
        self.operation.finished = phase == ""
        self.journal.stack_status(self.operation, status, reason)

    # Forward

    async def _forward(self) -> None:
        assert self.deployment is not None
        forward = Forward(self.operation, self.journal, self.steps, self.deployment)
        failed = await run_in_order(self.deployment.depends_on, forward.work, stop_on_failure=True)
        creating = self.operation.kind == "create"
        reason = f"The following resource(s) failed to {'create' if creating else 'update'}: [{', '.join(failed)}]. "
        if not failed:
            problem = self._finish_outputs(forward)
            if problem is None:
                self._forward_done(creating)
                return
            reason = f"{problem} "
        if creating and self.operation.keep_on_failure:
            self._move("", "CREATE_FAILED", reason)
        elif creating:
            self._move("rollback", "ROLLBACK_IN_PROGRESS", f"{reason}Rollback requested by user.")
        else:
            self._move("restore", "UPDATE_ROLLBACK_IN_PROGRESS", reason)

    def _forward_done(self, creating: bool) -> None:
        if creating:
            self._move("", "CREATE_COMPLETE")
        else:
            self._move("cleanup", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")

    def _finish_outputs(self, forward: Forward) -> str | None:
        """Store the outputs; gives the reason when one can't be resolved."""
        assert self.deployment is not None
        try:
            outputs = stack_outputs(self.deployment, forward.scope)
        except HandlerError as error:
            return error.reason
        with self.journal.store.transaction():
            stack = self.journal.stack()
            stack.outputs = outputs
            stack.inputs = self.operation.inputs
            stack.description = self.deployment.template.description
            stack.shown_parameters = shown(self.deployment.template.parameters, self.deployment.parameters)
            self.journal.store.put_stack(stack)
        return None

    # After a successful update: what was replaced or removed goes

    async def _cleanup(self) -> None:
        assert self.deployment is not None
        doomed: dict[str, StackResource] = {}
        for name, old in self.operation.previous.items():
            step = self.steps.get(f"forward/{name}")
            if name not in self.deployment.resources:
                doomed[name] = old
            elif step is not None and (step.action == "replace" or _made_anew(step, old)):
                policy = self.deployment.resources[name].update_replace_policy
                doomed[name] = replace(old, deletion_policy=policy)
        removed = frozenset(doomed) - frozenset(self.deployment.resources)
        await self._delete_all("cleanup", doomed, own_rows=removed, keep_rows=False)
        self._drop_rows(removed)
        self._move("", "UPDATE_COMPLETE")

    def _drop_rows(self, names: Iterable[str]) -> None:
        """As on AWS, what could not be deleted in the cleanup is no part of the stack any more; its event says why."""
        with self.journal.store.transaction():
            for name in names:
                self.journal.store.remove_resource(self.operation.stack_id, name)

    # Rollback

    async def _roll_back_create(self) -> None:
        made = self._made(("create",))
        failed = await self._delete_all("rollback", made, own_rows=frozenset(made), keep_rows=True)
        if failed:
            reason = f"The following resource(s) failed to delete: [{', '.join(failed)}]. "
            self._move("", "ROLLBACK_FAILED", reason)
        else:
            self._move("", "ROLLBACK_COMPLETE")

    def _made(self, actions: tuple[str, ...]) -> dict[str, StackResource]:
        """What the forward phase made, by logical id."""
        return {
            step.logical_id: step.resource
            for step in self.steps.in_phase("forward")
            if step.action in actions and step.resource is not None and _exists(step, step.resource)
        }

    async def _restore(self) -> None:
        """Back to the previous properties, in the previous order of dependencies."""
        previous = self.operation.previous
        depends_on = {name: [other for other in old.depends_on if other in previous] for name, old in previous.items()}
        failed = await run_in_order(depends_on, self._restore_one, stop_on_failure=True)
        if failed:
            reason = f"The following resource(s) failed to update: [{', '.join(failed)}]. "
            self._move("", "UPDATE_ROLLBACK_FAILED", reason)
        else:
            self._move("discard", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")

    async def _restore_one(self, name: str) -> None:
        old = self.operation.previous[name]
        step = self.steps.get(f"forward/{name}")
        if name in self.operation.skip:
            self.journal.skipped(self.operation, old)
            return
        if step is not None and step.action == "update":
            await self.steps.restore(name, old, step)
            return
        # The old resource was never touched: a replacement may have taken its row.
        self.journal.store.put_resource(old)

    async def _discard(self) -> None:
        """What the failed update had made goes."""
        made = {**self._made(("create", "replace")), **self._left_by_updates()}
        own = frozenset(name for name in made if name not in self.operation.previous)
        await self._delete_all("discard", made, own_rows=own, keep_rows=False)
        started = {step.logical_id for step in self.steps.in_phase("forward")}
        self._drop_rows(started - set(self.operation.previous))
        self._move("", "UPDATE_ROLLBACK_COMPLETE")

    def _left_by_updates(self) -> dict[str, StackResource]:
        """What updates made anew and going back did not return to."""
        left = {}
        for name, made in self._made(("update",)).items():
            step = self.steps.get(f"restore/{name}")
            if step is not None and _made_anew(step, made):
                left[name] = made
        return left

    # Delete

    async def _delete(self) -> None:
        alive = {name: item for name, item in self.operation.previous.items() if item.physical_id is not None}
        for name in self.operation.retain:
            if name in alive:
                alive[name] = replace(alive[name], deletion_policy="Retain")
        failed = await self._delete_all("delete", alive, own_rows=frozenset(alive), keep_rows=True)
        if failed:
            reason = f"The following resource(s) failed to delete: [{', '.join(failed)}]. "
            self._move("", "DELETE_FAILED", reason)
        else:
            self._move("", "DELETE_COMPLETE")

    async def _delete_all(
        self, phase: str, doomed: Mapping[str, StackResource], own_rows: frozenset[str], keep_rows: bool
    ) -> list[str]:
        """Delete resources, each after everything that depends on it; gives those that failed."""

        async def work(name: str) -> None:
            await self.steps.delete(phase, doomed[name], name in own_rows, keep_rows)

        order = reversed_order({name: item.depends_on for name, item in doomed.items()})
        return await run_in_order(order, work, stop_on_failure=False)


def _exists(step: Step, resource: StackResource) -> bool:
    """Whether a step of the forward phase left something: it succeeded, or its failure said what there is."""
    return step.state == "done" or (step.state == "failed" and resource.physical_id is not None)


def _made_anew(step: Step, before: StackResource) -> bool:
    """Whether an update in place ended with another physical id, as the functions of custom resources may."""
    if step.action != "update" or step.state != "done" or step.resource is None:
        return False
    return step.resource.physical_id != before.physical_id
