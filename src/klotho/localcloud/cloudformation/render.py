"""What Describe, List and Get calls answer, as nested dicts in the API's names (None fields are left out)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from klotho.localcloud.cloudformation.store import ChangeSet, Event, Stack, StackResource


def pairs(values: Mapping[str, str], key: str, value: str) -> list[dict[str, str]]:
    return [{key: name, value: text} for name, text in values.items()]


def _drift(name: str, found: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: "NOT_CHECKED"} if found is None else {name: found["status"], "LastCheckTimestamp": found["time"]}


def stack_detail(stack: Stack) -> dict[str, Any]:
    return {
        "StackId": stack.stack_id,
        "StackName": stack.name,
        "ChangeSetId": stack.change_set_id,
        "Description": stack.description,
        "Parameters": pairs(stack.shown_parameters, "ParameterKey", "ParameterValue"),
        "CreationTime": stack.created,
        "LastUpdatedTime": stack.updated,
        "DeletionTime": stack.deleted,
        "StackStatus": stack.status,
        "StackStatusReason": stack.reason,
        "DisableRollback": False,
        "DeploymentConfig": {"Mode": "EXPRESS" if stack.express else "STANDARD", "DisableRollback": False},
        "NotificationARNs": [],
        "Capabilities": stack.inputs.capabilities,
        "Outputs": stack.outputs,
        "Tags": pairs(stack.inputs.tags, "Key", "Value"),
        "EnableTerminationProtection": stack.termination_protection,
        "DriftInformation": _drift("StackDriftStatus", stack.drift),
    }


def stack_summary(stack: Stack) -> dict[str, Any]:
    return {
        "StackId": stack.stack_id,
        "StackName": stack.name,
        "TemplateDescription": stack.description,
        "CreationTime": stack.created,
        "LastUpdatedTime": stack.updated,
        "DeletionTime": stack.deleted,
        "StackStatus": stack.status,
        "StackStatusReason": stack.reason,
        "DriftInformation": _drift("StackDriftStatus", stack.drift),
    }


def event(item: Event) -> dict[str, Any]:
    return {
        "StackId": item.stack_id,
        "EventId": item.event_id,
        "StackName": item.stack_name,
        "LogicalResourceId": item.logical_id,
        "PhysicalResourceId": item.physical_id,
        "ResourceType": item.type_name,
        "Timestamp": item.timestamp,
        "ResourceStatus": item.status,
        "ResourceStatusReason": item.reason,
        "ClientRequestToken": item.client_token,
    }


def resource_summary(resource: StackResource, time: str = "LastUpdatedTimestamp") -> dict[str, Any]:
    return {
        "LogicalResourceId": resource.logical_id,
        "PhysicalResourceId": resource.physical_id,
        "ResourceType": resource.type_name,
        time: resource.updated,
        "ResourceStatus": resource.status,
        "ResourceStatusReason": resource.reason,
        "DriftInformation": _drift("StackResourceDriftStatus", resource.drift),
    }


def resource_detail(resource: StackResource, stack: Stack, time: str = "LastUpdatedTimestamp") -> dict[str, Any]:
    return {"StackName": stack.name, "StackId": stack.stack_id, **resource_summary(resource, time)}


def change_set_summary(change_set: ChangeSet, stack: Stack) -> dict[str, Any]:
    return {
        "StackId": stack.stack_id,
        "StackName": stack.name,
        "ChangeSetId": change_set.change_set_id,
        "ChangeSetName": change_set.name,
        "ExecutionStatus": change_set.execution_status,
        "Status": change_set.status,
        "StatusReason": change_set.reason,
        "CreationTime": change_set.created,
        "Description": change_set.description,
        "IncludeNestedStacks": False,
        "ImportExistingResources": False,
    }


def change_set_detail(change_set: ChangeSet, stack: Stack) -> dict[str, Any]:
    return {
        **change_set_summary(change_set, stack),
        "Parameters": pairs(change_set.shown_parameters, "ParameterKey", "ParameterValue"),
        "Capabilities": change_set.inputs.capabilities,
        "Tags": pairs(change_set.inputs.tags, "Key", "Value"),
        "NotificationARNs": [],
    }


def parameter_declaration(name: str, declaration: Mapping[str, Any]) -> dict[str, Any]:
    allowed = [str(item) for item in declaration.get("AllowedValues", [])]
    return {
        "ParameterKey": name,
        "DefaultValue": declaration.get("Default"),
        "ParameterType": declaration.get("Type"),
        "NoEcho": str(declaration.get("NoEcho", False)).lower() == "true",
        "Description": declaration.get("Description"),
        "ParameterConstraints": {"AllowedValues": allowed} if allowed else {},
    }
