"""Change sets: what an update would do, kept until it is executed or deleted.

Input: a `StackRequest` and a name. Output: `ChangeSet`s in the store. A change set without changes ends as FAILED with
AWS's reason; names, kinds and statuses that do not fit are refused as on AWS.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any

from klotho.catalogue.facts import schema
from klotho.localcloud.cloudformation.deployment import Deployment
from klotho.localcloud.cloudformation.engine import Engine, StackRequest
from klotho.localcloud.cloudformation.errors import validation_error
from klotho.localcloud.cloudformation.imports import Imports, ResourceToImport
from klotho.localcloud.cloudformation.parameters import shown
from klotho.localcloud.cloudformation.plan import Change, PropertyChange
from klotho.localcloud.cloudformation.store import ChangeSet, Inputs, Stack, now
from klotho.localcloud.identity import arn, uuid_of
from klotho.localcloud.service import ApiError

NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."
_REPLACEMENT = {"Never": "False", "Conditionally": "Conditional", "Always": "True"}


@dataclass(frozen=True, slots=True)
class ChangeSetRequest:
    stack: StackRequest
    name: str
    kind: str
    """`CREATE`, `UPDATE` or `IMPORT`."""
    description: str | None = None
    client_token: str | None = None
    imports: list[ResourceToImport] = field(default_factory=list)


class ChangeSets:
    """The change sets of one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._store = engine.store
        self._imports = Imports(engine)

    def create(self, request: ChangeSetRequest) -> ChangeSet:
        """Work out the changes and keep them; one for a new stack leaves it in REVIEW_IN_PROGRESS."""
        if request.kind not in ("CREATE", "UPDATE", "IMPORT"):
            raise ApiError("ValidationError", f"ChangeSetType {request.kind} is not supported by the local cloud yet")
        stack, new = self._stack(request)
        repeated = self._existing(request, stack)
        if repeated is not None:
            return repeated
        deployment = self._engine.prepare(request.stack, stack)
        inputs = self._engine.inputs(request.stack, deployment, stack)
        change_set = self._worked_out(request, stack, deployment, inputs)
        with self._store.transaction():
            if new:
                self._store.put_stack(stack)
                self._engine.review_started(stack)
            self._store.put_change_set(change_set)
        return change_set

    def _stack(self, request: ChangeSetRequest) -> tuple[Stack, bool]:
        stack = self._engine.find(request.stack.name)
        if request.kind == "CREATE":
            if stack is None:
                return self._engine.new_stack(request.stack.name, "REVIEW_IN_PROGRESS"), True
            if stack.status != "REVIEW_IN_PROGRESS":
                raise validation_error(
                    f"Stack [{stack.name}] already exists and cannot be created again with the changeSet "
                    f"[{request.name}]."
                )
            return stack, False
        if request.kind == "IMPORT" and stack is None:
            return self._engine.new_stack(request.stack.name, "REVIEW_IN_PROGRESS"), True
        if stack is None or stack.status == "DELETE_COMPLETE":
            raise validation_error(f"Stack [{request.stack.name}] does not exist")
        if stack.status == "REVIEW_IN_PROGRESS":
            raise validation_error(f"Stack [{stack.name}] is in REVIEW_IN_PROGRESS state and can not be updated.")
        self._engine.check_updatable(stack)
        return stack, False

    def _existing(self, request: ChangeSetRequest, stack: Stack) -> ChangeSet | None:
        for found in self._store.change_sets(stack.stack_id):
            if found.name == request.name:
                if request.client_token is not None and found.client_token == request.client_token:
                    return found
                raise ApiError(
                    "AlreadyExistsException", f"ChangeSet {request.name} cannot be created because it already exists"
                )
        return None

    def _worked_out(self, request: ChangeSetRequest, stack: Stack, deployment: Deployment, inputs: Inputs) -> ChangeSet:
        number = self._store.next_number(f"change sets of {stack.stack_id}")
        unique = uuid_of(f"{stack.stack_id}/{number}", "change set")
        imports: dict[str, str] = {}
        if request.kind == "IMPORT":
            described, imports = self._imports.planned(stack, deployment, request.imports)
        else:
            found = self._engine.changes(deployment, inputs, stack)
            described = [_described(change, self._policy(change, stack)) for change in found]
        change_set = ChangeSet(
            change_set_id=arn(
                "cloudformation",
                f"changeSet/{request.name}/{unique}",
                self._engine.cloud.region,
                self._engine.cloud.account,
            ),
            name=request.name,
            stack_id=stack.stack_id,
            kind=request.kind,
            inputs=inputs,
            description=request.description,
            changes=described,
            shown_parameters=shown(deployment.template.parameters, deployment.parameters),
            client_token=request.client_token,
            created=now(),
            imports=imports,
        )
        if request.kind == "UPDATE" and not self._engine.differs(deployment, inputs, stack):
            change_set.status, change_set.reason, change_set.execution_status = "FAILED", NO_CHANGES, "UNAVAILABLE"
        return change_set

    def _policy(self, change: Change, stack: Stack) -> str | None:
        """What happens to a resource that goes: Delete, Retain, Snapshot, or their ReplaceAnd... forms."""
        live = self._store.resources(stack.stack_id).get(change.logical_id)
        if live is None:
            return None
        if change.action == "Remove":
            return "Retain" if live.deletion_policy.startswith("Retain") else live.deletion_policy
        if change.action == "Modify" and change.recreation == "Always":
            return f"ReplaceAnd{live.update_replace_policy}"
        return None

    def find(self, name_or_id: str, stack_name: str | None) -> ChangeSet:
        """By id, or by name within a stack; ChangeSetNotFound (404) when there is none."""
        if name_or_id.startswith("arn:"):
            found = self._store.change_set_by_id(name_or_id)
            if found is not None:
                return found
        elif stack_name is None:
            raise validation_error("StackName must be specified if ChangeSetName is not specified as an ARN.")
        else:
            stack = self._engine.stack(stack_name)
            for candidate in self._store.change_sets(stack.stack_id):
                if candidate.name == name_or_id:
                    return candidate
        raise ApiError("ChangeSetNotFound", f"ChangeSet [{name_or_id}] does not exist", 404)

    def listed(self, stack_name: str) -> list[ChangeSet]:
        return self._store.change_sets(self._engine.stack(stack_name).stack_id)

    def delete(self, name_or_id: str, stack_name: str | None) -> None:
        """Deleting a change set that is gone is success; one being executed is refused."""
        try:
            change_set = self.find(name_or_id, stack_name)
        except ApiError as error:
            if error.code == "ChangeSetNotFound":
                return
            raise
        if change_set.execution_status == "EXECUTE_IN_PROGRESS":
            raise ApiError(
                "InvalidChangeSetStatus",
                f"ChangeSet [{change_set.change_set_id}] cannot be deleted while it is being executed",
            )
        self._store.remove_change_set(change_set.change_set_id)

    def execute(self, name_or_id: str, stack_name: str | None, client_token: str | None) -> None:
        """Start what the change set says; the stack's other change sets are gone then."""
        change_set = self.find(name_or_id, stack_name)
        if change_set.execution_status in ("EXECUTE_IN_PROGRESS", "EXECUTE_COMPLETE") and self._same(
            change_set, client_token
        ):
            return
        if change_set.execution_status != "AVAILABLE":
            raise ApiError(
                "InvalidChangeSetStatus",
                f"ChangeSet [{change_set.change_set_id}] cannot be executed in its current status of "
                f"[{change_set.status}] and execution status of [{change_set.execution_status}]",
            )
        stack = self._engine.stack(change_set.stack_id)
        if change_set.kind == "UPDATE" or (change_set.kind == "IMPORT" and stack.status != "REVIEW_IN_PROGRESS"):
            self._engine.check_updatable(stack)
        request = StackRequest(
            stack.stack_id,
            change_set.inputs.template,
            dict(change_set.inputs.parameters),
            tags=dict(change_set.inputs.tags),
            capabilities=list(change_set.inputs.capabilities),
        )
        deployment = self._engine.prepare(request, stack)
        if change_set.kind == "IMPORT":
            self._imports.execute(stack, deployment, change_set.inputs, change_set, client_token)
            return
        digest = hashlib.sha256(json.dumps(asdict(change_set.inputs), sort_keys=True).encode()).hexdigest()
        change_set.execution_status = "EXECUTE_IN_PROGRESS"
        with self._store.transaction():
            self._store.put_change_set(change_set)
            for other in self._store.change_sets(stack.stack_id):
                if other.change_set_id != change_set.change_set_id:
                    self._store.remove_change_set(other.change_set_id)
            begin = self._engine.begin_create if change_set.kind == "CREATE" else self._engine.begin_update
            begin(stack, deployment, change_set.inputs, client_token, digest, change_set.change_set_id)

    def _same(self, change_set: ChangeSet, client_token: str | None) -> bool:
        if client_token is None:
            return False
        operations = self._store.operations(change_set.stack_id)
        return any(
            item.client_token == client_token and item.change_set_id == change_set.change_set_id for item in operations
        )


def _described(change: Change, policy: str | None) -> dict[str, Any]:
    """A change in the API's words."""
    described: dict[str, Any] = {
        "Action": change.action,
        "LogicalResourceId": change.logical_id,
        "ResourceType": change.type_name,
        "Scope": _scope(change),
        "Details": [],
    }
    if policy is not None:
        described["PolicyAction"] = policy
    if change.physical_id is not None:
        described["PhysicalResourceId"] = change.physical_id
    if change.action == "Modify":
        described["Replacement"] = _REPLACEMENT[change.recreation]
        described["Details"] = _details(change)
    return {"Type": "Resource", "ResourceChange": described}


def _scope(change: Change) -> list[str]:
    if change.action != "Modify":
        return []
    tag_property = schema(change.type_name).tag_property
    scope = set(change.attributes)
    if change.tags or any(item.name == tag_property for item in change.properties):
        scope.add("Tags")
    if any(item.name != tag_property for item in change.properties):
        scope.add("Properties")
    return sorted(scope)


def _details(change: Change) -> list[dict[str, Any]]:
    tag_property = schema(change.type_name).tag_property
    details = [detail for item in change.properties for detail in _property_details(item, tag_property)]
    if change.tags and not any(item.name == tag_property for item in change.properties):
        details.append(_detail({"Attribute": "Tags", "RequiresRecreation": "Never"}, "Static", "DirectModification"))
    for name in change.attributes:
        details.append(_detail({"Attribute": name, "RequiresRecreation": "Never"}, "Static", "DirectModification"))
    return details


def _property_details(change: PropertyChange, tag_property: str | None) -> list[dict[str, Any]]:
    target = {"Attribute": "Properties", "Name": change.name, "RequiresRecreation": change.recreation}
    if change.name == tag_property:
        target = {"Attribute": "Tags", "RequiresRecreation": change.recreation}
    # AWS lists a parameter's change twice, as what happens and as its cause ("Example change sets for CloudFormation
    # stacks", CloudFormation User Guide).
    by_parameter = [_detail(target, "Static", "ParameterReference", name) for name in change.parameters]
    if change.causes:
        return [*by_parameter, *(_detail(target, "Dynamic", cause.source, cause.entity) for cause in change.causes)]
    direct = _detail(target, "Dynamic" if by_parameter else "Static", "DirectModification")
    return [direct, *by_parameter]


def _detail(target: dict[str, str], evaluation: str, source: str, entity: str | None = None) -> dict[str, Any]:
    detail: dict[str, Any] = {"Target": target, "Evaluation": evaluation, "ChangeSource": source}
    if entity is not None:
        detail["CausingEntity"] = entity
    return detail
