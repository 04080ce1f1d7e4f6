"""What a Pulumi program says, before a language says it.

Input: an export. Output: for each stack its resources with their names, arguments in Pulumi's shape and options, and
what it takes from where. One program per stack, or one for all.
"""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from klotho.catalogue.facts import is_custom
from klotho.emit.classic import Classic, classic
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
from klotho.emit.pulumi.names import words
from klotho.emit.shapes import shaped
from klotho.stacks.model import OutputSource

_TAKEN = frozenset(
    {
        *keyword.kwlist,
        *dir(builtins),
        "aws",
        "aws_native",
        "config",
        "json",
        "outputs",
        "pulumi",
        "zones",
        "secret_entry",
    }
    | {"account_id", "partition", "region", "stack_name", "url_suffix", "organization", "environment", "stacks"}
    # TypeScript's
    | {"await", "case", "catch", "const", "default", "delete", "do", "enum", "export", "extends", "function", "new"}
    | {"accountid", "awsnative", "debugger", "instanceof", "interface", "null", "package", "private", "protected"}
    | {
        "public",
        "secretentry",
        "static",
        "super",
        "switch",
        "this",
        "throw",
        "typeof",
        "var",
        "void",
        "let",
        "yield",
        "urlsuffix",
    }
)


@dataclass(frozen=True, slots=True)
class Declared:
    """One resource of a program."""

    resource: ExportedResource
    name: str
    """Pulumi's, part of its URN."""
    variable: tuple[str, ...]
    """The words of the variable's name."""
    arguments: Mapping[str, Any]
    """Of a classic resource by the classic provider's names, else by CloudFormation's and shaped."""
    classic: Classic | None


@dataclass(frozen=True, slots=True)
class StackProgram:
    """One stack's part."""

    stack: ExportedStack
    project: str
    """The Pulumi project's name."""
    declared: Mapping[str, Declared]
    """By logical id, in order."""
    inputs: Mapping[str, tuple[str, ...]]
    """The words of the variable of each input."""
    facts: frozenset[str]
    """The facts of the place it uses; `zones` for availability zones."""
    reads_secrets: bool
    """Whether it takes an entry of a secret."""


def programs(export: Export, *, single: bool) -> tuple[StackProgram, ...]:
    names = _resource_names(export)
    return tuple(_program(export, stack, names, single) for stack in export.stacks)


def _program(export: Export, stack: ExportedStack, names: Mapping[str, str], single: bool) -> StackProgram:
    taken = set(_TAKEN)
    inputs = {name: _variable(name, taken) for name in stack.inputs}
    declared = {}
    for logical_id, resource in stack.resources.items():
        other = classic(resource)
        arguments = shaped(resource.type, resource.properties) if other is None else other.arguments
        variable = _variable(logical_id, taken)
        declared[logical_id] = Declared(resource, names[logical_id], variable, arguments, other)
    values = [item.properties for item in stack.resources.values()]
    return StackProgram(
        stack=stack,
        project=project_name(export, None if single else stack.name),
        declared=declared,
        inputs=inputs,
        reads_secrets=any(True for _ in secrets_in(values)),
        facts=frozenset(facts_in([*values, *(output.value for output in stack.outputs.values())])),
    )


def project_name(export: Export, stack: str | None) -> str:
    return export.application if stack is None else f"{export.application}-{stack}"


def facts_in(value: Any) -> Iterable[str]:
    if isinstance(value, Place):
        yield value.fact
    elif isinstance(value, Zone):
        yield "zones"
    elif isinstance(value, Text):
        yield from facts_in(list(value.pieces))
    elif isinstance(value, SecretEntry):
        yield from facts_in(value.secret)
    elif isinstance(value, Of | Input | BaseUrl):
        return
    elif isinstance(value, dict):
        for item in value.values():
            yield from facts_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from facts_in(item)


def shown(export: Export) -> dict[str, OutputSource]:
    """What one program for all stacks exports: what people look for, and what publishing sites needs."""
    return {**dict(sorted(export.shown.items())), **{source.output: source for source in export.published()}}


def needs_classic(program: StackProgram) -> bool:
    """Nothing of `aws-native` reads a secret's value."""
    return program.reads_secrets or any(item.classic is not None for item in program.declared.values())


def has_custom(program: StackProgram) -> bool:
    return any(is_custom(item.resource.type) for item in program.declared.values())


def _resource_names(export: Export) -> dict[str, str]:
    """The logical id's words, joined by hyphens: unique in the application, so that one program can hold all."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for _, resource in export.resources():
        name = "-".join(words(resource.logical_id))
        while name in taken:
            name += "-x"
        taken.add(name)
        names[resource.logical_id] = name
    return names


def _variable(name: str, taken: set[str]) -> tuple[str, ...]:
    """Words not used yet: what differs by case or hyphens only would be one variable."""
    found = words(name)
    if found[0][0].isdigit():
        found = ("the", *found)
    while "_".join(found) in taken or "".join(found) in taken:
        found = (*found, "x")
    taken.add("_".join(found))
    taken.add("".join(found))
    return found
