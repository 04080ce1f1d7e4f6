"""The forward part of a create or update: what happens to one resource.

Input: a deployment and what the stack had. Output: the resource created, updated, replaced or left alone, journaled.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from klotho.catalogue.facts import is_custom, schema
from klotho.localcloud.cloudformation.coercion import coerced
from klotho.localcloud.cloudformation.deployment import EXTRA_ATTRIBUTES, Deployment
from klotho.localcloud.cloudformation.intrinsics import Scope, resolve
from klotho.localcloud.cloudformation.journal import Journal
from klotho.localcloud.cloudformation.plan import attribute_changes, compare, strongest
from klotho.localcloud.cloudformation.schedule import StepFailed
from klotho.localcloud.cloudformation.steps import Steps
from klotho.localcloud.cloudformation.store import Operation, StackResource, Step
from klotho.localcloud.cloudformation.template import ResourceTemplate
from klotho.localcloud.handler import HandlerError
from klotho.localcloud.service import ApiError

REPLACING = "Requested update requires the creation of a new physical resource; hence creating one."


@dataclass(slots=True)
class Forward:
    """Works on the resources of one deployment; `live` is what each of them is now."""

    operation: Operation
    journal: Journal
    steps: Steps
    deployment: Deployment
    live: dict[str, StackResource] = field(init=False)
    scope: Scope = field(init=False)

    def __post_init__(self) -> None:
        self.live = dict(self.operation.previous)
        for step in self.steps.in_phase("forward"):
            if step.state == "done" and step.resource is not None:
                self.live[step.logical_id] = step.resource
        self.scope = self.deployment.scope(self._ref, self._attribute)

    async def work(self, logical_id: str) -> None:
        """Bring one resource to what the template says; StepFailed once the failure is journaled."""
        step = self.steps.get(f"forward/{logical_id}")
        if step is not None and step.state == "failed":
            raise StepFailed(logical_id)
        if step is not None and step.state == "done":
            return
        if step is None:
            step = self._decide(self.deployment.resources[logical_id])
        if step is not None:
            old = self.operation.previous.get(logical_id)
            self.live[logical_id] = await self.steps.carry_out(step, old)

    def _decide(self, item: ResourceTemplate) -> Step | None:
        """What to do, journaled as started; None when the resource is as the template says."""
        wanted = self._wanted(item)
        old = self.operation.previous.get(item.logical_id)
        if old is None:
            return self._begin("create", wanted, "CREATE_IN_PROGRESS")
        differences = compare(item.type_name, old.properties, wanted.properties)
        tags = wanted.tags != old.tags and schema(item.type_name).tag_property is not None
        recreation = strongest(differences)
        if differences and recreation != "Always" and self.steps.must_replace(wanted, old):
            recreation = "Always"
        if recreation == "Always":
            return self._begin("replace", wanted, "UPDATE_IN_PROGRESS", REPLACING)
        wanted.physical_id, wanted.attributes, wanted.token = old.physical_id, old.attributes, old.token
        if differences or tags:
            return self._begin("update", wanted, "UPDATE_IN_PROGRESS")
        self._keep(item, wanted, old)
        return None

    def _keep(self, item: ResourceTemplate, wanted: StackResource, old: StackResource) -> None:
        wanted.status, wanted.reason, wanted.updated, wanted.tags = old.status, old.reason, old.updated, old.tags
        self.live[item.logical_id] = wanted
        if attribute_changes(item, old) or wanted.depends_on != old.depends_on:
            self.journal.store.put_resource(wanted)

    def _begin(self, action: str, resource: StackResource, status: str, reason: str | None = None) -> Step:
        operation_id, name = self.operation.operation_id, resource.logical_id
        token = f"{operation_id}/{name}"
        if action != "update":
            resource.token = token
        step = Step(operation_id, f"forward/{name}", name, action, token, resource=resource)
        self.steps.add(step)
        self.journal.begin(self.operation, step, status, reason)
        return step

    def _wanted(self, item: ResourceTemplate) -> StackResource:
        resource = StackResource(
            stack_id=self.operation.stack_id,
            logical_id=item.logical_id,
            type_name=item.type_name,
            status="CREATE_IN_PROGRESS",
            tags=dict(self.operation.inputs.tags),
            depends_on=sorted(self.deployment.depends_on[item.logical_id]),
            deletion_policy=item.deletion_policy,
            update_replace_policy=item.update_replace_policy,
            metadata=item.metadata,
        )
        try:
            resource.properties = coerced(item.type_name, resolve(dict(item.properties), self.scope))
        except (HandlerError, ApiError) as error:
            self._fail_unresolved(item, resource, error)
        return resource

    def _fail_unresolved(self, item: ResourceTemplate, resource: StackResource, error: HandlerError | ApiError) -> None:
        reason = error.reason if isinstance(error, HandlerError) else error.message
        old = self.operation.previous.get(item.logical_id)
        step = self._begin("keep", old or resource, "UPDATE_IN_PROGRESS" if old else "CREATE_IN_PROGRESS")
        self.journal.failed(self.operation, step, "UPDATE_FAILED" if old else "CREATE_FAILED", reason)
        raise StepFailed(item.logical_id)

    def _ref(self, name: str) -> Any:
        return self.live[name].physical_id

    def _attribute(self, name: str, attribute: str) -> Any:
        resource = self.live[name]
        if attribute in resource.attributes:
            return resource.attributes[attribute]
        if attribute in EXTRA_ATTRIBUTES.get(resource.type_name, ()) and attribute in resource.properties:
            return resource.properties[attribute]
        if is_custom(resource.type_name):
            raise HandlerError(
                f"CustomResource attribute error: Vendor response doesn't contain {attribute} attribute in object "
                f"{resource.stack_id}|{name}|{resource.physical_id}",
                "NotFound",
            )
        raise HandlerError(
            f"Attribute {attribute} of {name} ({resource.type_name}) has no value in the local cloud", "NotFound"
        )
