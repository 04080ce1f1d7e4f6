"""What the providers made from AWS's schemas lack, said with the classic ones (`pulumi-aws`, Terraform's `aws`).

Input: a resource. Output: what stands for it, with the classic provider's names; None for what the others have: every
type whose schema has handlers to create and to read. A `Custom::` resource becomes an invocation of its function that
is repeated when its input changes and told of its end (`lifecycle_scope`); Klotho's own functions answer it as they
answer CloudFormation. Sources: Terraform Registry, `aws_lambda_invocation`, `aws_sqs_queue_policy`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from klotho.catalogue.facts import is_custom, is_known, schema
from klotho.emit.exported import Export, ExportedResource, ExportedStack


@dataclass(frozen=True, slots=True)
class JsonText:
    """A value as JSON text."""

    value: Any


@dataclass(frozen=True, slots=True)
class Classic:
    """A resource in the classic providers' words."""

    pulumi_module: str
    pulumi_class: str
    terraform_type: str
    arguments: Mapping[str, Any]
    """By Terraform's names, which are Pulumi's Python names too."""

    @property
    def pulumi_token(self) -> str:
        return f"aws:{self.pulumi_module}/{self.pulumi_class[0].lower()}{self.pulumi_class[1:]}:{self.pulumi_class}"


OWN_PROPERTIES = frozenset({"ServiceToken", "ServiceTimeout"})
"""What a custom resource says to CloudFormation, not to its function."""


def classic(resource: ExportedResource) -> Classic | None:
    if is_custom(resource.type):
        return _invocation(resource.properties)
    build = _TYPES.get(resource.type)
    return None if build is None else build(resource.properties)


def is_classic(type_name: str) -> bool:
    return is_custom(type_name) or type_name in _TYPES


def unsayable(export: Export) -> list[tuple[ExportedStack, ExportedResource]]:
    """The resources no provider has a word for, by stack."""
    return [
        (stack, item)
        for stack, item in export.resources()
        if not is_sayable(item.type) or (is_classic(item.type) and classic(item) is None)
    ]


def is_sayable(type_name: str) -> bool:
    if is_classic(type_name):
        return True
    if not is_known(type_name):
        return False
    handlers = schema(type_name).document.get("handlers", {})
    return "create" in handlers and "read" in handlers


def _invocation(properties: Mapping[str, Any]) -> Classic:
    told = {name: value for name, value in properties.items() if name not in OWN_PROPERTIES}
    arguments = {
        "function_name": properties["ServiceToken"],
        "input": JsonText({"ResourceProperties": told}),
        "lifecycle_scope": "CRUD",
    }
    return Classic("lambda", "Invocation", "aws_lambda_invocation", arguments)


def _queue_policy(properties: Mapping[str, Any]) -> Classic | None:
    """One queue's: Klotho writes no other, and a list of several has no single word."""
    queues = properties["Queues"]
    if len(queues) != 1:
        return None
    arguments = {"queue_url": queues[0], "policy": JsonText(properties["PolicyDocument"])}
    return Classic("sqs", "QueuePolicy", "aws_sqs_queue_policy", arguments)


_TYPES: Mapping[str, Callable[[Mapping[str, Any]], Classic | None]] = {"AWS::SQS::QueuePolicy": _queue_policy}
