"""A small Terraform: reads the HCL that the exporter writes, and says what each resource is to be.

Input: the texts of an export. Output: by module and address the attributes with every reference resolved, as
`expected.Expected` resolves templates. It knows the functions and expressions the exporter uses and no others: anything
else is an error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_BLANK = re.compile(r"(?:\s|#[^\n]*)*")
FACTS = {
    "aws_caller_identity.current.account_id": "<AccountId>",
    "aws_partition.current.partition": "<Partition>",
    "aws_partition.current.dns_suffix": "<URLSuffix>",
    "aws_region.current.region": "<Region>",
}


class Block(NamedTuple):
    kind: str
    labels: tuple[str, ...]
    body: Body


@dataclass
class Body:
    attributes: dict[str, Any] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)

    def of(self, kind: str, *labels: str) -> list[Block]:
        return [item for item in self.blocks if item.kind == kind and item.labels[: len(labels)] == labels]


class Call(NamedTuple):
    function: str
    arguments: list[Any]


class Path(NamedTuple):
    """A traversal: names, and expressions in brackets."""

    steps: tuple[Any, ...]


class Each(NamedTuple):
    """`[for key, value in items : body]`."""

    key: str
    value: str
    items: Any
    body: Any


class Quoted(NamedTuple):
    pieces: list[Any]


class Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def body(self) -> Body:
        found = Body()
        while not self._blank() and self.text[self.at] != "}":
            name = self._name()
            if self._take("="):
                assert name not in found.attributes, f"{name} twice"
                found.attributes[name] = self.expression()
                continue
            labels = []
            while self.text[self.at] == '"':
                labels.append("".join(self._quoted().pieces))
                self._blank()
            self._expect("{")
            found.blocks.append(Block(name, tuple(labels), self.body()))
            self._expect("}")
        return found

    def expression(self) -> Any:
        self._blank()
        letter = self.text[self.at]
        if letter == '"':
            return self._quoted()
        if letter == "[":
            return self._list()
        if letter == "{":
            return self._object()
        number = _NUMBER.match(self.text, self.at)
        if number:
            self.at = number.end()
            return json.loads(number[0])
        return self._named()

    def _named(self) -> Any:
        name = self._name()
        if name in ("true", "false"):
            return name == "true"
        found: Any
        if self.text.startswith("(", self.at):
            self.at += 1
            arguments = []
            while not self._take(")"):
                arguments.append(self.expression())
                self._take(",")
            found = Call(name, arguments)
        else:
            found = name
        steps = [found]
        while self.at < len(self.text) and self.text[self.at] in ".[":
            if self.text[self.at] == ".":
                self.at += 1
                steps.append(self._name())
            else:
                self.at += 1
                steps.append(self.expression())
                self._expect("]")
        return found if isinstance(found, Call) and len(steps) == 1 else Path(tuple(steps))

    def _list(self) -> Any:
        self._expect("[")
        if re.compile(r"\s*for\s").match(self.text, self.at):
            assert self._name() == "for"
            key = self._name()
            self._expect(",")
            value = self._name()
            assert self._name() == "in"
            items = self.expression()
            self._expect(":")
            body = self.expression()
            self._expect("]")
            return Each(key, value, items, body)
        found = []
        while not self._take("]"):
            found.append(self.expression())
            self._take(",")
        return found

    def _object(self) -> dict[Any, Any]:
        self._expect("{")
        found = {}
        while not self._take("}"):
            quoted = self.text[self.at] == '"'
            key = "".join(self._quoted().pieces) if quoted else self._name()
            self._expect("=")
            found[key] = self.expression()
            self._take(",")
        return found

    def _quoted(self) -> Quoted:
        self.at += 1
        pieces: list[Any] = []
        while self.text[self.at] != '"':
            if self.text.startswith(("$${", "%%{"), self.at):
                pieces.append(self.text[self.at] + "{")
                self.at += 3
            elif self.text.startswith("${", self.at):
                self.at += 2
                pieces.append(self.expression())
                self._expect("}")
            else:
                end = self.at + (2 if self.text[self.at] == "\\" else 1)
                end += 4 if self.text.startswith("\\u", self.at) else 0
                assert not self.text.startswith("%{", self.at), "a directive"
                pieces.append(json.loads(f'"{self.text[self.at : end]}"'))
                self.at = end
        self.at += 1
        return Quoted(pieces)

    def _name(self) -> str:
        self._blank()
        match = _NAME.match(self.text, self.at)
        assert match, self.text[self.at : self.at + 80]
        self.at = match.end()
        return match[0]

    def _take(self, sign: str) -> bool:
        self._blank()
        if not self.text.startswith(sign, self.at):
            return False
        self.at += len(sign)
        return True

    def _expect(self, sign: str) -> None:
        assert self._take(sign), f"wants {sign}: {self.text[self.at : self.at + 80]}"

    def _blank(self) -> bool:
        """Whether nothing follows."""
        match = _BLANK.match(self.text, self.at)
        assert match
        self.at = match.end()
        return self.at >= len(self.text)


class Export:
    """The root module and those it wires."""

    def __init__(self, files: Mapping[str, bytes], configured: Callable[[str], str]) -> None:
        """`configured`: the value of a root variable."""
        bodies: dict[str, Body] = {}
        for name, content in files.items():
            if name.endswith(".tf"):
                part = Parser(content.decode()).body()
                folder = name.rpartition("/")[0]
                whole = bodies.setdefault(folder, Body())
                whole.blocks += part.blocks
                assert not part.attributes
        self.root = bodies.pop("")
        self.calls = {item.labels[0]: item.body for item in self.root.of("module")}
        self.modules = {
            name: bodies[f"modules/{''.join(call.attributes['source'].pieces).removeprefix('./modules/')}"]
            for name, call in self.calls.items()
        }
        self._configured = configured

    def output(self, module: str, name: str) -> Any:
        (block,) = self.modules[module].of("output", name)
        return self.value(block.body.attributes["value"], module, {})

    def value(self, item: Any, module: str | None, names: Mapping[str, Any]) -> Any:
        """`module`: whose names it uses, None for the root's; `names`: those a `for` gives."""
        if isinstance(item, Quoted):
            pieces = [piece if isinstance(piece, str) else self.value(piece, module, names) for piece in item.pieces]
            return "".join(str(piece) for piece in pieces)
        if isinstance(item, Call):
            return self._called(item.function, [self.value(one, module, names) for one in item.arguments])
        if isinstance(item, Each):
            items = self.value(item.items, module, names)
            return [self.value(item.body, module, {item.key: key, item.value: one}) for key, one in items.items()]
        if isinstance(item, Path):
            return self._path(item.steps, module, names)
        if isinstance(item, dict):
            return {key: self.value(one, module, names) for key, one in item.items()}
        if isinstance(item, list):
            return [self.value(one, module, names) for one in item]
        return item

    def _called(self, function: str, arguments: list[Any]) -> Any:
        if function == "jsonencode":
            return json.dumps(arguments[0])
        if function == "jsondecode":
            return json.loads(arguments[0])
        if function == "trimsuffix":
            return str(arguments[0]).removesuffix(arguments[1])
        if function == "concat":
            return [one for argument in arguments for one in argument]
        assert function == "merge", function
        return {key: one for argument in arguments for key, one in argument.items()}

    def _path(self, steps: tuple[Any, ...], module: str | None, names: Mapping[str, Any]) -> Any:
        first, *others = steps
        if isinstance(first, Call):
            found = self.value(first, module, names)
            for step in others:
                found = found[self.value(step, module, names) if isinstance(step, Quoted) else step]
            return found
        if first in names and not others:
            return names[first]
        if first == "var":
            if module is None:
                return self._configured(others[0])
            return self.value(self.calls[module].attributes[others[0]], None, {})
        if module is None:
            assert first == "module", steps
            return self.output(others[0], others[1])
        if first == "local":
            (local,) = self.modules[module].of("locals")
            return self.value(local.body.attributes[others[0]], module, names)
        if first == "data":
            assert self.modules[module].of("data", others[0], others[1]), f"{steps} is not declared"
            if others[0] == "aws_availability_zones":
                return f"<zone {others[3]}>"
            if others[0] == "aws_secretsmanager_secret_version":
                (block,) = self.modules[module].of("data", others[0], others[1])
                named = self.value(block.body.attributes["secret_id"], module, {})
                return json.dumps({"password": f"{{{{resolve:secretsmanager:{named}:SecretString:password}}}}"})
            return FACTS[".".join(others)]
        return self._resource(first, others, module)

    def _resource(self, kind: str, names: list[str], module: str) -> Any:
        label, *path = names
        (block,) = self.modules[module].of("resource", kind, label)
        if not path:
            return label  # in depends_on
        if path[0] in block.body.attributes:
            return self.value(block.body.attributes[path[0]], module, {})
        if kind == "aws_lambda_invocation" and path == ["result"]:
            return json.dumps({"User": f"{label}.User"})
        return f"{label}.{'.'.join(path)}"
