"""Stack refactoring as the CloudFormation API has it: five actions over `Refactors`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from klotho.localcloud.cloudformation.engine import Engine
from klotho.localcloud.cloudformation.errors import validation_error
from klotho.localcloud.cloudformation.fields import Fields, check_fields, listed, objects, page, required
from klotho.localcloud.cloudformation.refactors import Place, RefactorRequest, Refactors
from klotho.localcloud.cloudformation.store import StackRefactor


class RefactorApi:
    """Each method answers one action."""

    def __init__(self, engine: Engine, template_body: Callable[[Fields], str | None]) -> None:
        """`template_body` reads TemplateBody or TemplateURL."""
        self._engine = engine
        self._refactors = Refactors(engine)
        self._template_body = template_body

    def create(self, fields: Fields) -> dict[str, Any]:
        allowed = {"Description", "EnableStackCreation", "ResourceMappings", "StackDefinitions"}
        check_fields("CreateStackRefactor", fields, allowed, {})
        definitions: dict[str, str] = {}
        for item in objects(fields, "StackDefinitions"):
            body = self._template_body(item)
            if body is None:
                raise validation_error("Either Template URL or Template Body must be specified.")
            definitions[required(item, "StackName")] = body
        request = RefactorRequest(
            definitions=definitions,
            mappings={
                _place(item.get("Destination")): _place(item.get("Source"))
                for item in objects(fields, "ResourceMappings")
            },
            create_stacks=fields.get("EnableStackCreation") == "true",
            description=fields.get("Description"),
        )
        return {"StackRefactorId": self._refactors.create(request).refactor_id}

    def describe(self, fields: Fields) -> dict[str, Any]:
        found = self._refactors.find(required(fields, "StackRefactorId"))
        return {**_summary(found), "StackIds": found.stack_ids}

    def actions(self, fields: Fields) -> dict[str, Any]:
        found = self._refactors.find(required(fields, "StackRefactorId"))
        made = [
            {"Action": "CREATE", "Entity": "STACK", "Description": f"Stack {name} will be created"}
            for name in found.new_stacks
        ]
        return page("StackRefactorActions", [*made, *map(_action, found.moves)], fields)

    def execute(self, fields: Fields) -> dict[str, Any]:
        self._refactors.execute(required(fields, "StackRefactorId"))
        return {}

    def listed(self, fields: Fields) -> dict[str, Any]:
        wanted = set(map(str, listed(fields, "ExecutionStatusFilter")))
        found = [item for item in self._refactors.listed() if not wanted or item.execution_status in wanted]
        return page("StackRefactorSummaries", [_summary(item) for item in found], fields)


def _place(value: Any) -> Place:
    fields: Fields = value if isinstance(value, dict) else {}
    return required(fields, "StackName"), required(fields, "LogicalResourceId")


def _summary(found: StackRefactor) -> dict[str, Any]:
    return {
        "StackRefactorId": found.refactor_id,
        "Description": found.description,
        "Status": found.status,
        "StatusReason": found.reason,
        "ExecutionStatus": found.execution_status,
        "ExecutionStatusReason": found.execution_reason,
    }


def _action(move: dict[str, str]) -> dict[str, Any]:
    return {
        "Action": "MOVE",
        "Entity": "RESOURCE",
        "PhysicalResourceId": move["physical_id"],
        "Description": f"Resource {move['source_logical_id']} will be moved to stack {move['stack']}",
        "Detection": move["detection"],
        "ResourceMapping": {
            "Source": {"StackName": move["source_stack"], "LogicalResourceId": move["source_logical_id"]},
            "Destination": {"StackName": move["stack"], "LogicalResourceId": move["logical_id"]},
        },
    }
