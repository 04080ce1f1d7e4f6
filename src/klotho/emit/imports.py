"""What Cloud Control calls the resources of a deployed environment, so that another tool takes them over.

Input: an export; of each stack the physical ids CloudFormation shows and the values of its parameters. Output:
identifiers by logical id, as `aws-native` and `awscc` take them (parts joined by `|`); and the resources whose
identifier can't be told. Source: AWS Cloud Control API User Guide, "Identifying resources".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from klotho.catalogue.facts import schema
from klotho.emit.classic import is_classic
from klotho.emit.exported import Export, ExportedResource, ExportedStack, Input, Of, Place, Text
from klotho.emit.identity import IDENTIFIER, UnknownReferenceError, attribute_of

LEFT_OUT = ""


@dataclass(frozen=True, slots=True)
class Deployed:
    """What is deployed of one stack."""

    physical: Mapping[str, str]
    """What `Ref` gives, by logical id."""
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The place, and questions only it can answer."""

    facts: Mapping[str, str]
    """`AccountId`, `Region`, `Partition`."""
    allocation: Callable[[str], str | None] = field(default=lambda address: None)
    """The allocation id of an elastic IP address."""


@dataclass(frozen=True, slots=True)
class Identifiers:
    known: Mapping[str, str]
    """By logical id, which is unique in the application."""
    unknown: tuple[str, ...]
    """Logical ids of what is deployed and can't be named."""
    invoked: tuple[str, ...]
    """Logical ids of what becomes a call of a function, which nothing needs to take over: it is made again."""


def identifiers(export: Export, deployed: Mapping[str, Deployed], place: Surroundings) -> Identifiers:
    """`deployed` by stack name; stacks that are missing are not deployed."""
    known: dict[str, str] = {}
    unknown, invoked = [], []
    for stack in export.stacks:
        there = deployed.get(stack.name)
        if there is None:
            continue
        reader = _Reader(stack, there, place)
        for logical_id, resource in stack.resources.items():
            if logical_id not in there.physical:
                continue
            if is_classic(resource.type):
                invoked.append(logical_id)
            elif found := reader.identifier(resource):
                known[logical_id] = found
            else:
                unknown.append(logical_id)
    return Identifiers(known, tuple(unknown), tuple(invoked))


class _Reader:
    def __init__(self, stack: ExportedStack, there: Deployed, place: Surroundings) -> None:
        self._stack = stack
        self._there = there
        self._place = place

    def identifier(self, resource: ExportedResource) -> str | None:
        physical = self._there.physical[resource.logical_id]
        own = _OWN.get(resource.type)
        paths = schema(resource.type).primary_identifier
        if own is None and len(paths) == 1:
            return physical
        parts: list[str] = []
        for path in paths:
            part = own(self, resource, path[0], physical) if own else None
            if part is None:
                part = self._part(resource, path[0], physical)
            if part is None:
                return None
            parts.append(part)
        return "|".join(part for part in parts if part)

    def _part(self, resource: ExportedResource, name: str, physical: str) -> str | None:
        if name in resource.properties:
            return self.text(resource.properties[name])
        return physical if _is_ref(resource.type, name) else None

    def text(self, value: Any) -> str | None:
        """A value of the template as it is deployed; None where only AWS knows it."""
        if isinstance(value, Input):
            return self._there.parameters.get(value.name)
        if isinstance(value, Place):
            return self._place.facts.get(value.fact)
        if isinstance(value, Of):
            return self._of(value)
        if isinstance(value, Text):
            pieces = [piece if isinstance(piece, str) else self.text(piece) for piece in value.pieces]
            return None if None in pieces else "".join(str(piece) for piece in pieces)
        return str(value)

    def _of(self, value: Of) -> str | None:
        type_name = self._stack.resources[value.resource].type
        physical = self._there.physical.get(value.resource)
        if value.attribute is None or attribute_of(type_name, value.attribute) == IDENTIFIER:
            return physical
        if _is_ref(type_name, value.attribute) or (type_name, value.attribute) == ("AWS::Lambda::Function", "Arn"):
            return physical  # Lambda takes a function's name where it takes its ARN
        return None


def _is_ref(type_name: str, name: str) -> bool:
    try:
        return attribute_of(type_name, None) == name
    except UnknownReferenceError:
        return len([path for path in schema(type_name).primary_identifier if path in schema(type_name).read_only]) == 1


def _rule(reader: _Reader, resource: ExportedResource, part: str, physical: str) -> str | None:
    facts = reader._place.facts
    name = physical.replace("|", "/")
    return f"arn:{facts['Partition']}:events:{facts['Region']}:{facts['AccountId']}:rule/{name}"


def _route(reader: _Reader, resource: ExportedResource, part: str, physical: str) -> str | None:
    if part != "CidrBlock":
        return None
    names = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
    return next((reader.text(resource.properties[name]) for name in names if name in resource.properties), None)


def _attachment(reader: _Reader, resource: ExportedResource, part: str, physical: str) -> str | None:
    if part != "AttachmentType":
        return None
    return "IGW" if "InternetGatewayId" in resource.properties else "VGW"


def _address(reader: _Reader, resource: ExportedResource, part: str, physical: str) -> str | None:
    return physical if part == "PublicIp" else reader._place.allocation(physical)


def _record(reader: _Reader, resource: ExportedResource, part: str, physical: str) -> str | None:
    """Of one of several records with the same name alone there is a `SetIdentifier`.

    The parts come in the order of the schema's `primaryIdentifier`; no source says how the last one is left out, so
    that an import may want a `|` at its end.
    """
    return LEFT_OUT if part == "SetIdentifier" and part not in resource.properties else None


_OWN: Mapping[str, Callable[[_Reader, ExportedResource, str, str], str | None]] = {
    "AWS::EC2::EIP": _address,
    "AWS::EC2::Route": _route,
    "AWS::EC2::VPCGatewayAttachment": _attachment,
    "AWS::Events::Rule": _rule,
    "AWS::Route53::RecordSet": _record,
}
"""What is neither `Ref` nor a property; None where it is."""
