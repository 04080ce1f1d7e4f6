"""Resource import: what exists already and is in no stack becomes a stack's (change sets of type IMPORT).

Input: a checked deployment and which of its resources exist. Output: the changes, and on execution the stack's rows,
all in one transaction. Refused: a resource that is not there, that another stack has, that has other properties than
the template says, or no DeletionPolicy; and any other change along with it. Rules: User Guide, "Import AWS resources
into a CloudFormation stack". AWS imports whatever the template says and finds differences by drift detection; the local
cloud refuses them, so that nothing it shows is untrue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from klotho.catalogue.facts import is_custom, schema
from klotho.localcloud.cloudformation.coercion import coerced
from klotho.localcloud.cloudformation.deployment import Deployment
from klotho.localcloud.cloudformation.errors import validation_error
from klotho.localcloud.cloudformation.intrinsics import resolve
from klotho.localcloud.cloudformation.outputs import stack_outputs
from klotho.localcloud.cloudformation.plan import normal
from klotho.localcloud.cloudformation.store import ChangeSet, Inputs, Stack, StackResource, now
from klotho.localcloud.handler import HandlerError, Record
from klotho.localcloud.service import ApiError

if TYPE_CHECKING:
    from klotho.localcloud.cloudformation.engine import Engine


@dataclass(frozen=True, slots=True)
class ResourceToImport:
    """One entry of `ResourcesToImport`."""

    type_name: str
    logical_id: str
    identifier: Mapping[str, str]
    """The properties of the schema's primary identifier."""


def can_be_moved(type_name: str) -> bool:
    """Whether CloudFormation can take over a resource of this type without making it: it must be able to read it."""
    return not is_custom(type_name) and "read" in schema(type_name).document.get("handlers", {})


class Imports:
    """Imports resources into stacks of one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._store = engine.store

    def planned(
        self, stack: Stack, deployment: Deployment, wanted: list[ResourceToImport]
    ) -> tuple[list[dict[str, Any]], dict[str, str]]:
        """The changes in the API's words, and the physical ids by logical id; ApiError for what can't be imported."""
        if not wanted:
            raise validation_error("ResourcesToImport must be specified for a change set of type IMPORT.")
        live = self._engine.live_resources(stack.stack_id)
        names = {item.logical_id for item in wanted}
        added = set(deployment.resources) - set(live) - names
        gone = set(live) - set(deployment.resources)
        if added or gone or names & set(live):
            listed = ", ".join(sorted(added | gone | (names & set(live))))
            raise validation_error(
                f"When you import resources, you can only add those to import; this also concerns: [{listed}]"
            )
        self._check_outputs(stack, deployment)
        found = {item.logical_id: self._identified(item, deployment) for item in wanted}
        changes = [
            {
                "Type": "Resource",
                "ResourceChange": {
                    "Action": "Import",
                    "LogicalResourceId": item.logical_id,
                    "PhysicalResourceId": found[item.logical_id],
                    "ResourceType": item.type_name,
                    "Scope": [],
                    "Details": [],
                },
            }
            for item in wanted
        ]
        return changes, found

    def _check_outputs(self, stack: Stack, deployment: Deployment) -> None:
        before = {item["OutputKey"] for item in stack.outputs}
        if set(deployment.outputs) - before:
            raise validation_error("As part of the import operation, you cannot modify or add [Outputs]")

    def _identified(self, item: ResourceToImport, deployment: Deployment) -> str:
        """The physical id of a resource to import."""
        template = deployment.resources.get(item.logical_id)
        if template is None or template.type_name != item.type_name:
            raise validation_error(f"Resource {item.logical_id} of type {item.type_name} is not in the template")
        if not template.deletion_policy_given:
            raise validation_error(
                f"Resources [{item.logical_id}] to import must have a DeletionPolicy attribute in the template"
            )
        if not can_be_moved(item.type_name):
            raise validation_error(f"ResourceTypes [{item.type_name}] are not supported for Import")
        keys = [path[0] for path in schema(item.type_name).primary_identifier]
        if set(item.identifier) != set(keys):
            raise validation_error(f"The identifier of {item.logical_id} must be {{{', '.join(keys)}}}")
        alike = (
            record.identifier
            for record in self._engine.cloud.world.list(item.type_name)
            if all(_identifying(record, key) == item.identifier[key] for key in keys)
        )
        return next(alike, "|".join(item.identifier[key] for key in keys))

    def execute(
        self, stack: Stack, deployment: Deployment, inputs: Inputs, change_set: ChangeSet, token: str | None
    ) -> None:
        """Import everything, or nothing: then the stack is IMPORT_ROLLBACK_COMPLETE, with the reason in its events."""
        journal = self._engine.journal(stack.stack_id)
        problem, taken, outputs = "", {}, stack.outputs
        try:
            taken = self._taken_over(stack, deployment, inputs, change_set)
            outputs = self._outputs(stack, deployment, taken)
        except (HandlerError, ApiError) as error:
            problem = error.reason if isinstance(error, HandlerError) else error.message
        self._engine.checkpoint("before import")
        with self._store.transaction():
            journal.put_stack(stack, "IMPORT_IN_PROGRESS", "User Initiated", token)
            stack.change_set_id = change_set.change_set_id
            if problem:
                journal.put_stack(stack, "IMPORT_ROLLBACK_IN_PROGRESS", problem, token)
                journal.put_stack(stack, "IMPORT_ROLLBACK_COMPLETE", problem, token)
            else:
                for resource in taken.values():
                    journal.put_resource(resource, "IMPORT_COMPLETE", "Resource import completed.", token)
                stack.inputs, stack.outputs = inputs, outputs
                stack.description = deployment.template.description
                journal.put_stack(stack, "IMPORT_COMPLETE", None, token)
            change_set.execution_status = "EXECUTE_FAILED" if problem else "EXECUTE_COMPLETE"
            self._store.put_change_set(change_set)
        self._engine.checkpoint("after import")

    def _taken_over(
        self, stack: Stack, deployment: Deployment, inputs: Inputs, change_set: ChangeSet
    ) -> dict[str, StackResource]:
        live = self._engine.live_resources(stack.stack_id)
        records = {name: self._record(name, deployment, change_set) for name in change_set.imports}
        scope = deployment.scope(
            lambda name: records[name].identifier if name in records else live[name].physical_id,
            lambda name, key: (records[name] if name in records else live[name]).attributes.get(key, ""),
        )
        found = {}
        for name, record in records.items():
            item = deployment.resources[name]
            wanted = coerced(item.type_name, resolve(dict(item.properties), scope))
            _check_same(name, wanted, record)
            found[name] = StackResource(
                stack_id=stack.stack_id,
                logical_id=name,
                type_name=record.type_name,
                status="IMPORT_COMPLETE",
                physical_id=record.identifier,
                properties=dict(record.properties),
                attributes=dict(record.attributes),
                token=record.token,
                tags=dict(inputs.tags),
                depends_on=sorted(deployment.depends_on[name]),
                deletion_policy=item.deletion_policy,
                update_replace_policy=item.update_replace_policy,
                metadata=item.metadata,
                updated=now(),
            )
        return found

    def _record(self, name: str, deployment: Deployment, change_set: ChangeSet) -> Record:
        type_name, physical = deployment.resources[name].type_name, change_set.imports[name]
        record = self._engine.cloud.world.get(type_name, physical)
        if record is None:
            raise HandlerError(f"{type_name} {physical} to import as {name} does not exist", "NotFound")
        owner = self._store.resources(record.stack_id).get(record.logical_id)
        if (
            owner is not None
            and owner.physical_id == physical
            and owner.status not in ("DELETE_COMPLETE", "DELETE_SKIPPED")
        ):
            raise HandlerError(f"{physical} already exists in stack {record.stack_id}", "AlreadyExists")
        return record

    def _outputs(
        self, stack: Stack, deployment: Deployment, taken: Mapping[str, StackResource]
    ) -> list[dict[str, Any]]:
        there = {**self._engine.live_resources(stack.stack_id), **taken}
        scope = deployment.scope(
            lambda name: there[name].physical_id, lambda name, key: there[name].attributes.get(key, "")
        )
        return stack_outputs(deployment, scope)


def _identifying(record: Record, key: str) -> Any:
    """The value of a part of the primary identifier: a property, what AWS gave (read-only), or the physical id."""
    return record.properties.get(key, record.attributes.get(key, record.identifier))


def _check_same(name: str, wanted: Mapping[str, Any], record: Record) -> None:
    names = sorted({*wanted, *record.properties})
    changed = [item for item in names if normal(wanted.get(item)) != normal(record.properties.get(item))]
    if changed:
        raise HandlerError(
            f"the local cloud imports {name} only with the properties it has; other values: {', '.join(changed)}",
            "InvalidRequest",
        )
