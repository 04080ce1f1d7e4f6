"""A Pulumi program in TypeScript.

Input: a `StackProgram`. Output: the text of its module, which passes `tsc --strict`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from klotho.catalogue.facts import schema
from klotho.emit.classic import JsonText
from klotho.emit.exported import BaseUrl, Export, ExportedOutput, Input, Of, Place, SecretEntry, Text, Zone
from klotho.emit.identity import IDENTIFIER, attribute_of
from klotho.emit.pages import STEP, bracketed, origin_comment
from klotho.emit.pulumi.names import camel, class_of, module_of
from klotho.emit.pulumi.program import Declared, StackProgram, needs_classic, shown
from klotho.emit.shapes import Document, Entries, Fields, Numeric
from klotho.stacks.model import AssetSource

_FACTS = {
    "AccountId": ("accountId", "awsNative.getAccountIdOutput().accountId"),
    "Partition": ("partition", "awsNative.getPartitionOutput().partition"),
    "Region": ("region", "awsNative.getRegionOutput().region"),
    "URLSuffix": ("urlSuffix", "awsNative.getUrlSuffixOutput().urlSuffix"),
    "zones": ("zones", "awsNative.getAzsOutput().azs"),
}
_SECRET = """\
/** One entry of a secret's JSON, read at deploy; a secret of Pulumi's, too, encrypted in its state. */
function secretEntry(secret: pulumi.Input<string>, entry: string): pulumi.Output<string> {
    const version = aws.secretsmanager.getSecretVersionOutput({ secretId: secret });
    return pulumi.secret(version.secretString.apply((text) => JSON.parse(text)[entry] as string));
}
"""
_PLAIN_KEY = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")


def module(program: StackProgram, *, single: bool, title: str) -> str:
    """The whole text; `single` takes other stacks' values from their modules, else by stack references."""
    writer = _TypeScript(program)
    parts = [
        f"// {title}\n",
        "\n".join(_imports(program, single)) + "\n",
        *([_SECRET] if program.reads_secrets else []),
        *_head(program, writer, single),
        *(writer.declaration(item) for item in program.declared.values()),
        writer.outputs(program.stack.outputs),
    ]
    return "\n".join(parts)


def main(export: Export, written: Iterable[StackProgram], title: str) -> str:
    """The program of one project: it has every stack's module run, and shows what people look for."""
    lines = [f"// {title}", ""]
    stacks = [item.stack.name for item in written]
    lines += [f'import * as {_stack_variable(name)} from "./stacks/{name}";' for name in stacks]
    lines += ["", "// Naming a module has it run.", f"const stacks = [{', '.join(map(_stack_variable, stacks))}];", ""]
    lines += ["export = {", "    stacks: stacks.length,"]
    for name, source in shown(export).items():
        lines.append(f"    {_text(name)}: {_stack_variable(source.stack)}.{source.output},")
    return "\n".join([*lines, "};", ""])


def _stack_variable(stack: str) -> str:
    return _camel((*stack.split("-"), "stack"))


def _camel(words: Iterable[str]) -> str:
    first, *others = words
    return first + "".join(word.capitalize() for word in others)


def _imports(program: StackProgram, single: bool) -> Iterable[str]:
    yield 'import * as pulumi from "@pulumi/pulumi";'
    if needs_classic(program):
        yield 'import * as aws from "@pulumi/aws";'
    yield 'import * as awsNative from "@pulumi/aws-native";'
    if single:
        for stack in program.stack.sources():
            yield f'import * as {_stack_variable(stack)} from "./{stack}";'


def _head(program: StackProgram, writer: _TypeScript, single: bool) -> Iterable[str]:
    lines = [f"const {variable} = {value};" for fact, (variable, value) in _FACTS.items() if fact in program.facts]
    if lines:
        yield "\n".join(lines) + "\n"
    configured = program.stack.configured()
    if configured:
        lines = ["// What is built or found out before: see README.md.", "const config = new pulumi.Config();"]
        for name in configured:
            source = program.stack.inputs[name]
            architecture = isinstance(source, AssetSource) and source.part == "architecture"
            kind = '<"arm64" | "x86_64">' if architecture else ""
            key = _text(name[0].lower() + name[1:])
            lines.append(f"const {writer.input(name)} = config.require{kind}({key});")
        yield "\n".join(lines) + "\n"
    for stack, taken in program.stack.sources().items():
        variable, lines = _stack_variable(stack), []
        if not single:
            project = program.project.removesuffix(program.stack.name) + stack
            where = f"`${{pulumi.getOrganization()}}/{project}/${{pulumi.getStack()}}`"
            lines.append(f"const {variable} = new pulumi.StackReference({where});")
        for name, source in taken:
            given = source.output if single else f"requireOutput({_text(source.output)})"
            lines.append(f"const {writer.input(name)} = {variable}.{given};")
        yield "\n".join(lines) + "\n"


class _TypeScript:
    def __init__(self, program: StackProgram) -> None:
        self._program = program

    def input(self, name: str) -> str:
        return _camel(self._program.inputs[name])

    def variable(self, logical_id: str) -> str:
        return _camel(self._program.declared[logical_id].variable)

    def declaration(self, item: Declared) -> str:
        origin = item.resource.origin
        comment = f"// {origin_comment(origin.construct, origin.span, origin.rule)}\n"
        opening = f"const {_camel(item.variable)} = new {self._class(item)}({_text(item.name)}, "
        if item.classic:
            pairs = ((_camel(name.split("_")), value) for name, value in item.arguments.items())
        else:
            pairs = ((camel(name), value) for name, value in item.arguments.items())
        arguments = [f"{_key(name)}: {self.value(value, STEP, len(name) + 2)}" for name, value in pairs]
        options = self._options(item)
        given = bracketed("{ ", arguments, " }", 0, taken=len(opening) + 40)
        if given.startswith("{ \n"):
            given = "{\n" + given[3:].removesuffix(" }") + "}"
        text = f"{opening}{given or '{}'}"
        return f"{comment}{text}{f', {{ {options} }}' if options else ''});\n"

    def _class(self, item: Declared) -> str:
        if item.classic:
            return f"aws.{item.classic.pulumi_module}.{item.classic.pulumi_class}"
        return f"awsNative.{module_of(item.resource.type)}.{class_of(item.resource.type)}"

    def _options(self, item: Declared) -> str:
        options = []
        if item.resource.depends_on:
            options.append(f"dependsOn: [{', '.join(self.variable(name) for name in item.resource.depends_on)}]")
        if item.resource.protected:
            options.append("protect: true")
        if item.resource.kept:
            options.append("retainOnDelete: true")
        return ", ".join(options)

    def outputs(self, outputs: Mapping[str, ExportedOutput]) -> str:
        lines = []
        for name, output in outputs.items():
            if output.about:
                lines.append(f"/** {output.about} */")
            lines.append(f"export const {name} = {self.value(output.value, 0, len(name) + 16)};")
        return "\n".join(lines or ["export {};"]) + "\n"

    def value(self, value: Any, indent: int = 0, taken: int = 0) -> str:
        kind = type(value)
        if kind is str:
            return _text(value)
        if kind is Fields:
            return self._object(((camel(name), item) for name, item in value.values.items()), indent, taken)
        if kind is Entries:
            return self._object(value.values.items(), indent, taken)
        if kind is Document:
            return self.value(value.value, indent, taken)
        if kind is dict:
            return self._object(value.items(), indent, taken)
        if kind is list:
            return bracketed("[", [self.value(item, indent + STEP) for item in value], "]", indent, taken=taken)
        return self._node(value, indent, taken)

    def _object(self, pairs: Iterable[tuple[str, Any]], indent: int, taken: int) -> str:
        items = []
        for name, item in pairs:
            key = _key(name)
            items.append(f"{key}: {self.value(item, indent + STEP, len(key) + 2)}")
        if not items:
            return "{}"
        flat = f"{{ {', '.join(items)} }}"
        if "\n" not in flat and indent + taken + len(flat) <= 110:
            return flat
        return bracketed("{", [*items, ""][:-1], "}", indent, taken=1000)

    def _node(self, value: Any, indent: int, taken: int) -> str:
        if isinstance(value, Of):
            return self._attribute(value)
        if isinstance(value, Input):
            return self.input(value.name)
        if isinstance(value, Numeric):
            text, stack = self.input(value.value.name), self._program.stack
            return text if stack.is_wired(value.value.name) else f"Number({text})"
        if isinstance(value, Place):
            return _text(self._program.stack.stack_name) if value.fact == "StackName" else _FACTS[value.fact][0]
        if isinstance(value, BaseUrl):
            return f'pulumi.output({self.value(value.url)}).apply((it) => it.replace(/\\/$/, ""))'
        if isinstance(value, Zone):
            return f"zones[{value.ordinal}]"
        if isinstance(value, SecretEntry):
            return f"secretEntry({self.value(value.secret)}, {_text(value.entry)})"
        if isinstance(value, Text):
            return self._interpolated(value)
        if isinstance(value, JsonText):
            return f"pulumi.jsonStringify({self.value(value.value, indent, taken + 22)})"
        return json.dumps(value)

    def _interpolated(self, value: Text) -> str:
        if all(isinstance(piece, str) for piece in value.pieces):
            return _text("".join(value.pieces))
        pieces = [_escaped(piece) if isinstance(piece, str) else f"${{{self.value(piece)}}}" for piece in value.pieces]
        return f"pulumi.interpolate`{''.join(pieces)}`"

    def _attribute(self, value: Of) -> str:
        owner = self._program.declared[value.resource]
        variable, type_name = _camel(owner.variable), owner.resource.type
        attribute = attribute_of(type_name, value.attribute)
        if attribute == IDENTIFIER:
            return f"{variable}.id"
        if owner.classic:
            return f"{variable}.result.apply((it) => JSON.parse(it)[{_text(attribute)}] as string)"
        first, *others = (camel(part) for part in attribute.split("."))
        if others:
            return f"{variable}.{first}.apply((it) => it!.{'!.'.join(others)}!)"
        if attribute in schema(type_name).settable:
            return f"{variable}.{first}.apply((it) => it!)"
        return f"{variable}.{first}"


def _key(name: str) -> str:
    return name if _PLAIN_KEY.fullmatch(name) else _text(name)


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=not value.replace("\n", "").isprintable())


def _escaped(text: str) -> str:
    """A piece of a template literal."""
    return text.replace("\\", "\\\\").replace("`", "\\`").replace("${", "\\${")
