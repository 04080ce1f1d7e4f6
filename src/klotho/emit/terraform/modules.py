"""A Terraform module for each stack.

Input: an exported stack. Output: the texts of `main.tf`, `variables.tf`, `outputs.tf`, and what of it the root module
wires. Values of other stacks are variables, filled from the other modules' outputs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from klotho.catalogue.facts import is_custom, schema
from klotho.emit.classic import JsonText, classic, is_classic
from klotho.emit.exported import (
    BaseUrl,
    Export,
    ExportedResource,
    ExportedStack,
    Input,
    Of,
    Place,
    SecretEntry,
    Text,
    Zone,
    secrets_in,
)
from klotho.emit.identity import IDENTIFIER, attribute_of
from klotho.emit.pages import origin_comment
from klotho.emit.pulumi.names import words
from klotho.emit.pulumi.program import facts_in
from klotho.emit.shapes import Document, Entries, Fields, Numeric, shaped
from klotho.emit.terraform.hcl import Expression, Json, Template, block, literal, value
from klotho.emit.terraform.names import attribute, snake, type_of
from klotho.stacks.model import ForeignSource, OutputSource, Source, StepSource

_FACTS = {
    "AccountId": "data.aws_caller_identity.current.account_id",
    "Partition": "data.aws_partition.current.partition",
    "URLSuffix": "data.aws_partition.current.dns_suffix",
    "Region": "data.aws_region.current.region",
}
_DATA = {
    "AccountId": block('data "aws_caller_identity" "current"', {}),
    "Partition": block('data "aws_partition" "current"', {}),
    "URLSuffix": block('data "aws_partition" "current"', {}),
    "Region": block('data "aws_region" "current"', {}),
    # As Fn::GetAZs, without Local Zones the account may have opted in to.
    "zones": block(
        'data "aws_availability_zones" "available"',
        {"state": "available"},
        [block("filter", {"name": "opt-in-status", "values": ["opt-in-not-required"]})],
    ),
}
_TAG_LIST = {"tag_list": Expression("[for key, value in local.tags : { key = key, value = value }]")}
"""The same as most types want them."""
_SECRET = "aws_secretsmanager_secret_version"
_PARTS = {
    "image": "The image of",
    "bucket": "The bucket with the zip of",
    "key": "The key of the zip of",
    "layer": "The key of the layer of",
    "architecture": "The architecture of the zip of",
}
PROVIDERS = {
    "aws": {"source": "hashicorp/aws", "version": ">= 6.0, < 7.0"},
    "awscc": {"source": "hashicorp/awscc", "version": ">= 1.50, < 2.0"},
}


@dataclass(frozen=True, slots=True)
class Module:
    """One stack's module."""

    stack: ExportedStack
    labels: Mapping[str, str]
    """Of each resource, by logical id."""
    files: Mapping[str, str]

    @property
    def name(self) -> str:
        return module_label(self.stack.name)

    def address(self, logical_id: str) -> str:
        """Where Terraform knows the resource."""
        resource = self.stack.resources[logical_id]
        return f"module.{self.name}.{terraform_type(resource)}.{self.labels[logical_id]}"


def module_label(stack: str) -> str:
    return stack.replace("-", "_")


def wires(export: Export) -> dict[str, str]:
    """How each input and output of any stack is called: those that differ by case alone are told apart."""
    raw = {name for stack in export.stacks for name in (*stack.inputs, *stack.outputs)}
    return unique(sorted(raw))


def unique(names: Iterable[str]) -> dict[str, str]:
    """Names in snake case, none twice."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        label = "_".join(words(name))
        label = f"the_{label}" if label[0].isdigit() else label
        while label in taken:
            label += "_x"
        taken.add(label)
        found[name] = label
    return found


def terraform_type(resource: ExportedResource) -> str:
    other = classic(resource)
    return type_of(resource.type) if other is None else other.terraform_type


def module(stack: ExportedStack, names: Mapping[str, str]) -> Module:
    """`names`: the application's `wires`."""
    labels = unique(stack.resources)
    writer = _Writer(stack, labels, names)
    files = {"main.tf": "\n".join(writer.main()), "versions.tf": versions(writer.providers())}
    if stack.inputs:
        files["variables.tf"] = "\n".join(variable(names[name], about(source)) for name, source in stack.inputs.items())
    if stack.outputs:
        files["outputs.tf"] = "\n".join(writer.outputs())
    return Module(stack, labels, files)


def variable(name: str, description: str) -> str:
    return block(f'variable "{name}"', {"description": description, "type": Expression("string")})


def about(source: Source) -> str:
    """Where a variable's value comes from, for people."""
    if isinstance(source, OutputSource):
        return f"Of stack {source.stack}"
    if isinstance(source, ForeignSource):
        return f"Of {source.application}, another application of the project"
    if isinstance(source, StepSource):
        return f"{source.part} of {source.construct}, which prepare.sh finds out ({source.step})"
    return f"{_PARTS[source.part]} {source.construct}, which prepare.sh makes"


def versions(providers: Iterable[str], nested: Iterable[str] = ()) -> str:
    wanted = block("required_providers", {name: PROVIDERS[name] for name in providers})
    return block("terraform", {"required_version": ">= 1.5"}, [*nested, wanted])


class _Writer:
    def __init__(self, stack: ExportedStack, labels: Mapping[str, str], names: Mapping[str, str]) -> None:
        self._stack = stack
        self._names = names
        self._labels = labels
        outputs = [output.value for output in stack.outputs.values()]
        values = [*(item.properties for item in stack.resources.values()), *outputs]
        self._lists_tags = False
        self._secrets = self._named_secrets()
        self._facts = sorted(set(facts_in(values)) - {"StackName"})

    def providers(self) -> list[str]:
        native = any(not is_classic(item.type) for item in self._stack.resources.values())
        other = bool(self._facts or self._secrets) or any(
            is_classic(item.type) for item in self._stack.resources.values()
        )
        return [*(["aws"] if other else []), *(["awscc"] if native else [])]

    def _named_secrets(self) -> dict[Any, str]:
        """The labels of the data sources that read secrets, which Terraform holds for sensitive, by ARN or name."""
        resources = self._stack.resources.values()
        secrets = dict.fromkeys(found.secret for item in resources for found in secrets_in(item.properties))
        named: dict[Any, str] = {}
        for one in secrets:
            named[one] = self._labels[one.resource] if isinstance(one, Of) else f"secret_{len(named) + 1}"
        return named

    def main(self) -> Iterator[str]:
        yield f"# Stack {self._stack.name}, exported by Klotho.\n"
        resources = [self._resource(logical_id, resource) for logical_id, resource in self._stack.resources.items()]
        yield block("locals", {"tags": dict(self._stack.tags), **(_TAG_LIST if self._lists_tags else {})})
        yield from dict.fromkeys(_DATA[fact] for fact in self._facts)
        for secret, label in self._secrets.items():
            yield block(f'data "{_SECRET}" "{label}"', {"secret_id": self._said(secret)})
        yield from resources

    def _resource(self, logical_id: str, resource: ExportedResource) -> str:
        other, origin = classic(resource), resource.origin
        if other is None:
            shapes = shaped(resource.type, resource.properties)
            attributes = {attribute(resource.type, name): self._said(item) for name, item in shapes.items()}
            self._tag(resource.type, attributes)
        else:
            attributes = {name: self._said(item) for name, item in other.arguments.items()}
        if resource.depends_on:
            attributes["depends_on"] = Expression(value([self._address(name) for name in resource.depends_on], 2, 13))
        nested = [block("lifecycle", {"prevent_destroy": True})] if resource.kept else []
        opening = f'resource "{terraform_type(resource)}" "{self._labels[logical_id]}"'
        return f"# {origin_comment(origin.construct, origin.span, origin.rule)}\n{block(opening, attributes, nested)}"

    def _tag(self, type_name: str, attributes: dict[str, Any]) -> None:
        """Add the stack's tags, as CloudFormation does; `awscc` has no tags for all resources."""
        facts = schema(type_name)
        if facts.tag_property is None:
            return
        name = attribute(type_name, facts.tag_property)
        own = attributes.get(name)
        if facts.properties[facts.tag_property].get("type") == "array":
            self._lists_tags = True
            text = "local.tag_list" if own is None else f"concat({value(own, 2, len(name) + 10)}, local.tag_list)"
        else:
            text = "local.tags" if own is None else f"merge(local.tags, {value(own, 2, len(name) + 21)})"
        attributes[name] = Expression(text)

    def outputs(self) -> Iterator[str]:
        for name, output in self._stack.outputs.items():
            about = {"description": output.about} if output.about else {}
            yield block(f'output "{self._names[name]}"', {**about, "value": self._said(output.value)})

    def _said(self, item: Any) -> Any:
        """The value in HCL's terms."""
        kind = type(item)
        if kind is Fields:
            return {snake(name): self._said(one) for name, one in item.values.items()}
        if kind is Entries:
            return {name: self._said(one) for name, one in item.values.items()}
        if kind is Document:
            return Json(self._said(item.value))
        if kind is Numeric:
            return self._expression(item.value)  # Terraform makes a number of it
        if kind is JsonText:
            return Json(self._said(item.value))
        if kind is dict:
            return {name: self._said(one) for name, one in item.items()}
        if kind is list:
            return [self._said(one) for one in item]
        if isinstance(item, Text):
            pieces = (piece if isinstance(piece, str) else self._expression(piece) for piece in item.pieces)
            return Template(tuple(pieces))
        if isinstance(item, Of | Input | Place | Zone | SecretEntry | BaseUrl):
            return self._expression(item)
        return item

    def _expression(self, item: Any) -> Expression:
        if isinstance(item, Input):
            return Expression(f"var.{self._names[item.name]}")
        if isinstance(item, Place):
            fact = _FACTS.get(item.fact)
            return Expression(literal(self._stack.stack_name) if fact is None else fact)
        if isinstance(item, BaseUrl):
            return Expression(f'trimsuffix({self._expression(item.url).text}, "/")')
        if isinstance(item, Zone):
            return Expression(f"data.aws_availability_zones.available.names[{item.ordinal}]")
        if isinstance(item, SecretEntry):
            text = f"data.{_SECRET}.{self._secrets[item.secret]}.secret_string"
            return Expression(f"jsondecode({text})[{literal(item.entry)}]")
        return self._attribute(item)

    def _attribute(self, item: Of) -> Expression:
        resource = self._stack.resources[item.resource]
        address, name = self._address(item.resource).text, attribute_of(resource.type, item.attribute)
        if name == IDENTIFIER:
            return Expression(f"{address}.id")
        if is_custom(resource.type):
            return Expression(f"jsondecode({address}.result)[{literal(name)}]")
        return Expression(f"{address}.{attribute(resource.type, name)}")

    def _address(self, logical_id: str) -> Expression:
        resource = self._stack.resources[logical_id]
        return Expression(f"{terraform_type(resource)}.{self._labels[logical_id]}")
