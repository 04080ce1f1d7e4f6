"""CloudFormation in memory, as far as the deployer calls it: records every call, fails where it is told to.

Stacks settle at once; statuses, events and error texts are AWS's. A resource fails when its logical id is in `failing`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from klotho.deploy.place import Pace, Place

MUTATING = {
    "create_stack", "update_stack", "delete_stack", "continue_update_rollback", "update_termination_protection",
    "put_object", "delete_object",
}  # fmt: skip


@dataclass
class FakeStack:
    name: str
    stack_id: str
    status: str
    template: str
    parameters: dict[str, str]
    tags: dict[str, str]
    protected: bool = False
    outputs: dict[str, str] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)


class Killed(BaseException):
    """The deployer's process ends here."""


class FakeCloudFormation:
    """The client; give it to the deployer through `FakeClients`."""

    def __init__(self) -> None:
        self.stacks: dict[str, FakeStack] = {}
        self.gone: dict[str, FakeStack] = {}
        self.calls: list[tuple[str, str]] = []
        self.failing: set[str] = set()
        self.before_create: Callable[[str], None] = lambda name: None
        self.killed_at: tuple[int, bool] | None = None
        """The number of the mutating call at which the deployer dies, and whether the call still goes through."""
        self._lock = threading.RLock()
        self._serial = 0

    @property
    def mutating(self) -> list[tuple[str, str]]:
        return [call for call in self.calls if call[0] in MUTATING]

    def _begin(self, operation: str, name: str) -> None:
        """Record a mutating call; a dead deployer makes none any more."""
        if self.killed_at is not None and len(self.mutating) >= self.killed_at[0]:
            raise Killed
        self.calls.append((operation, name))
        if self.killed_at == (len(self.mutating), False):
            raise Killed

    def _end(self) -> None:
        if self.killed_at == (len(self.mutating), True):
            raise Killed

    def get_paginator(self, operation: str) -> _Paginator:
        return _Paginator(getattr(self, operation))

    def describe_stacks(self, StackName: str | None = None) -> dict[str, Any]:
        with self._lock:
            self.calls.append(("describe_stacks", StackName or ""))
            found = list(self.stacks.values()) if StackName is None else [self._find(StackName)]
            return {"Stacks": [_described(stack) for stack in found]}

    def describe_stack_events(self, StackName: str) -> dict[str, Any]:
        with self._lock:
            return {"StackEvents": self._find(StackName).events[::-1]}

    def get_template(self, StackName: str, TemplateStage: str) -> dict[str, Any]:
        self.calls.append(("get_template", StackName))
        return {"TemplateBody": self._find(StackName).template}

    def list_stack_resources(self, StackName: str) -> dict[str, Any]:
        """A stack that got stuck holds nothing here."""
        self.calls.append(("list_stack_resources", StackName))
        return {"StackResourceSummaries": []}

    def create_stack(self, **request: Any) -> dict[str, Any]:
        name = request["StackName"]
        self.before_create(name)
        with self._lock:
            self._begin("create_stack", name)
            if name in self.stacks:
                raise _error("CreateStack", "AlreadyExistsException", f"Stack [{name}] already exists")
            self._serial += 1
            stack_id = f"arn:aws:cloudformation:us-east-1:000000000000:stack/{name}/{self._serial}"
            stack = FakeStack(name, stack_id, "CREATE_IN_PROGRESS", "", {}, {})
            self.stacks[name] = stack
            self._apply(stack, request, "CREATE", "ROLLBACK_COMPLETE")
            self._end()
            return {"StackId": stack_id}

    def update_stack(self, **request: Any) -> dict[str, Any]:
        with self._lock:
            self._begin("update_stack", request["StackName"])
            stack = self._find(request["StackName"])
            wanted = (request["TemplateBody"], _parameters(request), _tags(request))
            if wanted == (stack.template, stack.parameters, stack.tags):
                raise _error("UpdateStack", "ValidationError", "No updates are to be performed.")
            self._apply(stack, request, "UPDATE", "UPDATE_ROLLBACK_COMPLETE")
            self._end()
            return {"StackId": stack.stack_id}

    def delete_stack(self, StackName: str, ClientRequestToken: str) -> None:
        with self._lock:
            stack = self._find(StackName)
            self._begin("delete_stack", stack.name)
            self._event(stack, ClientRequestToken, stack.name, "DELETE_COMPLETE")
            stack.status = "DELETE_COMPLETE"
            self.gone[stack.stack_id] = self.stacks.pop(stack.name)
            self._end()

    def update_termination_protection(self, StackName: str, EnableTerminationProtection: bool) -> None:
        with self._lock:
            stack = self._find(StackName)
            self._begin("update_termination_protection", stack.name)
            stack.protected = EnableTerminationProtection
            self._end()

    def continue_update_rollback(self, StackName: str, ClientRequestToken: str) -> None:
        with self._lock:
            stack = self._find(StackName)
            self.calls.append(("continue_update_rollback", stack.name))
            stack.status = "UPDATE_ROLLBACK_COMPLETE"
            self._event(stack, ClientRequestToken, stack.name, stack.status)

    def _apply(self, stack: FakeStack, request: dict[str, Any], verb: str, rolled_back: str) -> None:
        token, template = request["ClientRequestToken"], json.loads(request["TemplateBody"])
        unknown = _parameters(request).keys() - template.get("Parameters", {}).keys()
        if unknown:
            text = f"Parameters: [{', '.join(sorted(unknown))}] do not exist in the template"
            raise _error(verb, "ValidationError", text)
        self._event(stack, token, stack.name, f"{verb}_IN_PROGRESS")
        broken = [name for name in template["Resources"] if name in self.failing]
        for name in template["Resources"]:
            if broken and name not in broken:
                self._event(stack, token, name, f"{verb}_FAILED", "Resource creation cancelled")
        for name in broken:
            self._event(stack, token, name, f"{verb}_FAILED", f"{name} broke\nlast line of its log")
        if broken:
            stack.status = rolled_back
        else:
            for name in template["Resources"]:
                self._event(stack, token, name, f"{verb}_COMPLETE")
            stack.status = f"{verb}_COMPLETE"
            stack.template, stack.tags = request["TemplateBody"], _tags(request)
            stack.parameters = _parameters(request)
            outputs = template.get("Outputs", {})
            stack.outputs = {name: f"{stack.name}-{name}-value" for name in outputs}
            stack.outputs |= {
                name: stack.parameters[item["Value"]["Ref"]]
                for name, item in outputs.items()
                if item["Value"].get("Ref") in stack.parameters
            }
        if verb == "CREATE" and broken:
            stack.tags = _tags(request)
        self._event(stack, token, stack.name, stack.status)

    def _event(self, stack: FakeStack, token: str, logical_id: str, status: str, reason: str = "") -> None:
        whole = logical_id == stack.name
        event = {
            "EventId": f"{stack.name}-{len(stack.events)}",
            "LogicalResourceId": logical_id,
            "PhysicalResourceId": stack.stack_id if whole else f"physical-{logical_id}",
            "ResourceType": "AWS::CloudFormation::Stack" if whole else "AWS::DynamoDB::Table",
            "ResourceStatus": status,
            "ClientRequestToken": token,
        }
        stack.events.append({**event, **({"ResourceStatusReason": reason} if reason else {})})

    def _find(self, name_or_id: str) -> FakeStack:
        for stack in self.stacks.values():
            if name_or_id in (stack.name, stack.stack_id):
                return stack
        if name_or_id in self.gone:
            return self.gone[name_or_id]
        raise _error("DescribeStacks", "ValidationError", f"Stack with id {name_or_id} does not exist")


class FakeS3:
    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.puts: list[str] = []

    def head_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        if Key not in self.objects:
            raise ClientError({"Error": {"Code": "404"}, "ResponseMetadata": {"HTTPStatusCode": 404}}, "HeadObject")
        return {}

    def put_object(self, Bucket: str, Key: str, Body: Any) -> None:
        self.objects[Key] = Body if isinstance(Body, bytes) else Body.read()
        self.puts.append(Key)


class FakeClients:
    """Stands where `klotho.deploy.place.Clients` does."""

    def __init__(self) -> None:
        self.place = Place("us-east-1", "000000000000", "http://127.0.0.1:1")
        self.cloudformation = FakeCloudFormation()
        self.s3 = FakeS3()


class _Paginator:
    def __init__(self, operation: Callable[..., dict[str, Any]]) -> None:
        self._operation = operation

    def paginate(self, **arguments: Any) -> Iterator[dict[str, Any]]:
        yield self._operation(**arguments)


def no_waiting() -> Pace:
    return Pace(clock=lambda: 0.0, sleep=lambda seconds: None, fastest=0.0, slowest=0.0)


def _described(stack: FakeStack) -> dict[str, Any]:
    return {
        "StackName": stack.name,
        "StackId": stack.stack_id,
        "StackStatus": stack.status,
        "EnableTerminationProtection": stack.protected,
        "Tags": [{"Key": key, "Value": value} for key, value in stack.tags.items()],
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in stack.parameters.items()],
        "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in stack.outputs.items()],
    }


def _parameters(request: dict[str, Any]) -> dict[str, str]:
    return {item["ParameterKey"]: item["ParameterValue"] for item in request["Parameters"]}


def _tags(request: dict[str, Any]) -> dict[str, str]:
    return {item["Key"]: item["Value"] for item in request["Tags"]}


def _error(operation: str, code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)
