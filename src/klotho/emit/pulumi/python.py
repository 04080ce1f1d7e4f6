"""A Pulumi program in Python.

Input: a `StackProgram`. Output: the text of its module. Formatted the way Black would, but for line breaks inside of
short values.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from klotho.emit.classic import JsonText
from klotho.emit.exported import BaseUrl, Export, ExportedOutput, Input, Of, Place, SecretEntry, Text, Zone
from klotho.emit.identity import IDENTIFIER, attribute_of
from klotho.emit.pages import STEP, bracketed, origin_comment
from klotho.emit.pulumi.names import camel, class_of, module_of, snake
from klotho.emit.pulumi.program import Declared, StackProgram, has_custom, needs_classic, shown
from klotho.emit.shapes import Document, Entries, Fields, Numeric

_FACTS = {
    "AccountId": ("account_id", "aws_native.get_account_id().account_id"),
    "Partition": ("partition", "aws_native.get_partition().partition"),
    "Region": ("region", "aws_native.get_region().region"),
    "URLSuffix": ("url_suffix", "aws_native.get_url_suffix().url_suffix"),
    "zones": ("zones", "aws_native.get_azs().azs"),
}
_MODULES = {"lambda": "lambda_"}
UNTYPED = {"AWS::DynamoDB::Table": "Table"}
"""Types whose class in `pulumi-aws-native` can't be given a list where the schema also allows any JSON, and the class
that is written into the program instead. Source: https://github.com/pulumi/pulumi/issues/17181."""
_TABLE = '''
class Table(pulumi.CustomResource):
    """A DynamoDB table of `aws-native`, whose own class can't take a key schema: pulumi/pulumi#17181."""

    arn: pulumi.Output[str]
    streamArn: pulumi.Output[str]

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None, **properties: Any) -> None:
        super().__init__("aws-native:dynamodb:Table", name, {"arn": None, "streamArn": None, **properties}, opts)

    @property
    def stream_arn(self) -> pulumi.Output[str]:
        return self.streamArn

'''

_SECRET = '''
def secret_entry(secret: pulumi.Input[str], entry: str) -> pulumi.Output[str]:
    """One entry of a secret's JSON, read at deploy; a secret of Pulumi's, too, encrypted in its state."""
    version = aws.secretsmanager.get_secret_version_output(secret_id=secret)
    return pulumi.Output.secret(version.secret_string.apply(lambda text: json.loads(text)[entry]))

'''


def module(program: StackProgram, *, single: bool, title: str) -> str:
    """The whole text; `single` takes other stacks' values from their modules, else by stack references."""
    writer = _Python(program)
    parts = [
        f'"""{title}"""\n',
        "\n".join(_imports(program, single)) + "\n",
        *([_TABLE] if _has_untyped(program) else []),
        *([_SECRET] if program.reads_secrets else []),
        *_head(program, writer, single),
        *(writer.declaration(item) for item in program.declared.values()),
        writer.outputs(program.stack.outputs),
    ]
    if not single:
        parts.append("for name, value in outputs.items():\n    pulumi.export(name, value)\n")
    return "\n".join(parts)


def _has_untyped(program: StackProgram) -> bool:
    return any(item.resource.type in UNTYPED for item in program.declared.values())


def stack_variable(stack: str) -> str:
    return f"{stack.replace('-', '_')}_stack"


def module_name(stack: str) -> str:
    return stack.replace("-", "_")


def _imports(program: StackProgram, single: bool) -> Iterable[str]:
    parses = has_custom(program) or program.reads_secrets
    if parses:
        yield "import json"
    if _has_untyped(program):
        yield "from typing import Any"
    if parses or _has_untyped(program):
        yield ""
    yield "import pulumi"
    if needs_classic(program):
        yield "import pulumi_aws as aws"
    yield "import pulumi_aws_native as aws_native"
    if single:
        for stack in program.stack.sources():
            yield f"from stacks import {module_name(stack)} as {stack_variable(stack)}"


def _head(program: StackProgram, writer: _Python, single: bool) -> Iterable[str]:
    lines = [f"{variable} = {value}" for fact, (variable, value) in _FACTS.items() if fact in program.facts]
    if lines:
        yield "\n".join(lines) + "\n"
    configured = program.stack.configured()
    if configured:
        lines = ["# What is built or found out before: see README.md.", "config = pulumi.Config()"]
        lines += [f"{writer.input(name)} = config.require({_text(config_key(name))})" for name in configured]
        yield "\n".join(lines) + "\n"
    for stack, taken in program.stack.sources().items():
        variable = stack_variable(stack)
        lines = []
        if not single:
            project = program.project.removesuffix(program.stack.name) + stack
            where = f'f"{{pulumi.get_organization()}}/{project}/{{pulumi.get_stack()}}"'
            lines.append(f"{variable} = pulumi.StackReference({where})")
        for name, source in taken:
            given = f"outputs[{_text(source.output)}]" if single else f"require_output({_text(source.output)})"
            lines.append(f"{writer.input(name)} = {variable}.{given}")
        yield "\n".join(lines) + "\n"


def config_key(name: str) -> str:
    """`BookCodeKey` as `bookCodeKey`: a parameter's name in Pulumi's configuration."""
    return name[0].lower() + name[1:]


class _Python:
    def __init__(self, program: StackProgram, spell: Callable[[str], str] = snake) -> None:
        self._program = program
        self._spell = spell

    def input(self, name: str) -> str:
        return "_".join(self._program.inputs[name])

    def declaration(self, item: Declared) -> str:
        origin = item.resource.origin
        variable = "_".join(item.variable)
        call = f"{variable} = {self._class(item)}"
        arguments = [_text(item.name)]
        writer = _Python(self._program, camel) if item.resource.type in UNTYPED else self
        for name, value in item.arguments.items():
            written = name if item.classic else writer._spell(name)
            text = writer.value(value, STEP, len(written) + 1)
            arguments.append(f"{written}={text}")
        options = self._options(item)
        if options:
            arguments.append(bracketed("opts=pulumi.ResourceOptions(", options, ")", STEP))
        comment = f"# {origin_comment(origin.construct, origin.span, origin.rule)}\n"
        return comment + bracketed(f"{call}(", arguments, ")", 0) + "\n"

    def _class(self, item: Declared) -> str:
        if item.classic:
            module = item.classic.pulumi_module
            return f"aws.{_MODULES.get(module, module)}.{item.classic.pulumi_class}"
        if item.resource.type in UNTYPED:
            return UNTYPED[item.resource.type]
        module = module_of(item.resource.type)
        return f"aws_native.{_MODULES.get(module, module)}.{class_of(item.resource.type)}"

    def _options(self, item: Declared) -> list[str]:
        options = []
        if item.resource.depends_on:
            waits = [self.variable(name) for name in item.resource.depends_on]
            options.append(bracketed("depends_on=[", waits, "]", 2 * STEP))
        if item.resource.protected:
            options.append("protect=True")
        if item.resource.kept:
            options.append("retain_on_delete=True")
        return options

    def outputs(self, outputs: Mapping[str, ExportedOutput]) -> str:
        items = []
        for name, output in outputs.items():
            about = f"# {output.about}\n{' ' * STEP}" if output.about else ""
            items.append(f"{about}{_text(name)}: {self.value(output.value, STEP, len(name) + 4)}")
        if not items:
            return "outputs: dict[str, pulumi.Input[str]] = {}\n"
        lines = "".join(f"{' ' * STEP}{item},\n" for item in items)
        return f"outputs: dict[str, pulumi.Input[str]] = {{\n{lines}}}\n"

    def variable(self, logical_id: str) -> str:
        return "_".join(self._program.declared[logical_id].variable)

    def value(self, value: Any, indent: int = 0, taken: int = 0) -> str:
        kind = type(value)
        if kind is str:
            return _text(value)
        if kind is Fields:
            pairs = ((self._spell(name), item) for name, item in value.values.items())
            return self._object(pairs, indent, taken)
        if kind is Entries:
            return self._object(value.values.items(), indent, taken)
        if kind is Document:
            return self.value(value.value, indent, taken)
        if kind is dict:
            return self._object(value.items(), indent, taken)
        if kind is list:
            items = [self.value(item, indent + STEP) for item in value]
            return bracketed("[", items, "]", indent, taken=taken)
        return self._node(value, indent, taken)

    def _object(self, pairs: Iterable[tuple[str, Any]], indent: int, taken: int) -> str:
        items = []
        for name, item in pairs:
            key = _text(name)
            items.append(f"{key}: {self.value(item, indent + STEP, len(key) + 2)}")
        return bracketed("{", items, "}", indent, taken=taken)

    def _node(self, value: Any, indent: int, taken: int) -> str:
        if isinstance(value, Of):
            return self._attribute(value)
        if isinstance(value, Input):
            return self.input(value.name)
        if isinstance(value, Numeric):
            text, stack = self.input(value.value.name), self._program.stack
            return text if stack.is_wired(value.value.name) else f"int({text})"
        if isinstance(value, Place):
            return _text(self._program.stack.stack_name) if value.fact == "StackName" else _FACTS[value.fact][0]
        if isinstance(value, BaseUrl):
            return f'pulumi.Output.from_input({self.value(value.url)}).apply(lambda it: it.rstrip("/"))'
        if isinstance(value, Zone):
            return f"zones[{value.ordinal}]"
        if isinstance(value, SecretEntry):
            return f"secret_entry({self.value(value.secret)}, {_text(value.entry)})"
        if isinstance(value, Text):
            if all(isinstance(piece, str) for piece in value.pieces):
                return _text("".join(value.pieces))
            return self._joined(value, indent, taken)
        if isinstance(value, JsonText):
            return f"pulumi.Output.json_dumps({self.value(value.value, indent, taken + 25)})"
        return repr(value)

    def _joined(self, value: Text, indent: int, taken: int) -> str:
        """By a format, which reads best, unless the text has braces of its own (JSON)."""
        texts = [piece for piece in value.pieces if isinstance(piece, str)]
        if any("{" in text or "}" in text for text in texts):
            pieces = [self.value(piece, indent + STEP) for piece in value.pieces]
            return bracketed("pulumi.Output.concat(", pieces, ")", indent, taken=taken)
        form = "".join(piece if isinstance(piece, str) else "{}" for piece in value.pieces)
        given = [self.value(piece, indent + STEP) for piece in value.pieces if not isinstance(piece, str)]
        return bracketed("pulumi.Output.format(", [_text(form), *given], ")", indent, taken=taken)

    def _attribute(self, value: Of) -> str:
        owner = self._program.declared[value.resource]
        variable = "_".join(owner.variable)
        attribute = attribute_of(owner.resource.type, value.attribute)
        if attribute == IDENTIFIER:
            return f"{variable}.id"
        if owner.classic:
            return f"{variable}.result.apply(json.loads)[{_text(attribute)}]"
        return ".".join([variable, *(snake(part) for part in attribute.split("."))])


def _text(value: str) -> str:
    """A literal, in the quotes Black would take."""
    if value.isprintable() and '"' in value and "'" not in value and "\\" not in value:
        return f"'{value}'"
    return json.dumps(value, ensure_ascii=not value.replace("\n", "").isprintable())


def main(export: Export, written: Iterable[StackProgram], title: str) -> str:
    """The program of one project: it has every stack's module run, and shows what people look for."""
    modules = [module_name(item.stack.name) for item in written]
    lines = [f'"""{title}"""', "", "import pulumi", ""]
    lines += [f"from stacks import {name} as {name}_stack  # noqa: F401" for name in modules]
    lines.append("")
    for name, source in shown(export).items():
        lines.append(f"pulumi.export({_text(name)}, {stack_variable(source.stack)}.outputs[{_text(source.output)}])")
    return "\n".join([*lines, ""])
