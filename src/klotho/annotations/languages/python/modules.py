"""What a module imports and defines.

Input: a parsed file. Output: `Module`. Not understood, and so without names: `importlib`, star imports of packages, and
names that are made at run time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, Literal

from klotho.annotations.languages import parsing
from klotho.annotations.languages.parsing import text_of as text_of
from klotho.annotations.model import Place, Source, place_of

nodes_of = partial(parsing.nodes_of, "tree_sitter_python")

_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)
Kind = Literal["async", "sync", "class", "value"]


@dataclass(frozen=True, slots=True)
class Import:
    """One name that a statement brings into the module."""

    module: tuple[str, ...]
    """Dotted name as parts, absolute: relative ones are resolved."""
    name: str | None
    """What is taken of it; None for the module itself."""
    local: str
    """What the module calls it; for `import a.b` that is `a`."""
    place: Place

    @property
    def node(self) -> Any:
        """Its file is parsed for it."""
        return self.place.node


@dataclass(frozen=True)
class Module:
    source: Source
    imports: tuple[Import, ...] = ()
    defines: dict[str, Kind] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    """The strings that are dotted names, of modules of a Django program: it loads modules by them."""

    @property
    def path(self) -> str:
        return self.source.path

    @cached_property
    def root(self) -> Any:
        return self.source.tree.root_node


Follow = Callable[[Module, str], tuple[Module, str] | None]
"""The module of the unit in which a name of a module is defined, and its name there; None for what is none of it."""


def string_of(node: Any) -> str | None:
    """The value of a plain string literal, without interpolation."""
    if node is None or node.type != "string":
        return None
    inside = [child for child in node.children if child.type not in ("string_start", "string_end")]
    start = text_of(node.children[0]).lower() if node.children else ""
    if any(child.type != "string_content" for child in inside) or "f" in start or "b" in start:
        return None
    return "".join(text_of(child) for child in inside)


def keywords_of(call: Any) -> dict[str, Any]:
    arguments = call.child_by_field_name("arguments")
    found = arguments.named_children if arguments is not None else []
    return {
        text_of(item.child_by_field_name("name")): item.child_by_field_name("value")
        for item in found
        if item.type == "keyword_argument"
    }


def positional_of(call: Any) -> list[Any]:
    arguments = call.child_by_field_name("arguments")
    found = arguments.named_children if arguments is not None else []
    return [item for item in found if item.type not in ("keyword_argument", "comment")]


def assigned(statement: Any) -> tuple[str, Any]:
    """The name and value of `name = value` or `name: type = value`; empty for others."""
    inside = statement
    if statement.type == "expression_statement" and statement.named_children:
        inside = statement.named_children[0]
    if inside.type != "assignment":
        return "", None
    left, right = inside.child_by_field_name("left"), inside.child_by_field_name("right")
    return (text_of(left), right) if left is not None and left.type == "identifier" else ("", None)


def read_module(source: Source, package: tuple[str, ...]) -> Module:
    """`package`: the one a file is in, as relative imports count it."""
    imports, defines = tuple(_imports(source, package)), dict(_defines(source.tree.root_node))
    of_django = "INSTALLED_APPS" in defines or any(item.module[:1] == ("django",) for item in imports)
    return Module(source, imports, defines, tuple(_names(source.tree.root_node)) if of_django else ())


def said_by(module: Module) -> dict[str, Any]:
    """The module as JSON, from which `module_of` makes it again."""
    return {
        "imports": [
            [item.module, item.name, item.local, [item.place.start, item.place.end, item.place.kind]]
            for item in module.imports
        ],
        "defines": module.defines,
        "names": module.names,
    }


def module_of(source: Source, said: Mapping[str, Any]) -> Module:
    imports = [
        Import(tuple(parts), name, local, Place(source, *place)) for parts, name, local, place in said["imports"]
    ]
    return Module(source, tuple(imports), dict(said["defines"]), tuple(said["names"]))


def _imports(source: Source, package: tuple[str, ...]) -> Iterator[Import]:
    for node in nodes_of(source.tree.root_node, ("import_statement", "import_from_statement")):
        place = place_of(source, node)
        if node.type == "import_statement":
            for item in node.named_children:
                dotted = item.child_by_field_name("name") if item.type == "aliased_import" else item
                parts = tuple(text_of(dotted).split("."))
                alias = text_of(item.child_by_field_name("alias")) if item.type == "aliased_import" else ""
                yield Import(parts, None, alias or parts[0], place)
            continue
        module = _from(node.child_by_field_name("module_name"), package)
        if module is None:
            continue
        for item in node.children_by_field_name("name"):
            name = text_of(item.child_by_field_name("name") if item.type == "aliased_import" else item)
            alias = text_of(item.child_by_field_name("alias")) if item.type == "aliased_import" else ""
            yield Import(module, name, alias or name, place)
        if any(child.type == "wildcard_import" for child in node.children):
            yield Import(module, None, "*", place)


def _names(root: Any) -> Iterator[str]:
    for node in nodes_of(root, ("string",)):
        text = string_of(node)
        if text is not None and _DOTTED.fullmatch(text):
            yield text


def _from(node: Any, package: tuple[str, ...]) -> tuple[str, ...] | None:
    """The module of `from … import`, absolute; None for one above the top."""
    if node is None:
        return None
    if node.type != "relative_import":
        return tuple(text_of(node).split("."))
    text = text_of(node)
    dots = len(text) - len(text.lstrip("."))
    if dots > len(package) + 1:
        return None
    rest = text.lstrip(".").strip()
    return (*package[: len(package) - dots + 1], *(rest.split(".") if rest else ()))


def _defines(root: Any) -> Iterator[tuple[str, Kind]]:
    for node in root.children:
        inner = node.child_by_field_name("definition") if node.type == "decorated_definition" else node
        if inner.type == "function_definition":
            is_async = any(child.type == "async" for child in inner.children)
            yield text_of(inner.child_by_field_name("name")), "async" if is_async else "sync"
        elif inner.type == "class_definition":
            yield text_of(inner.child_by_field_name("name")), "class"
        else:
            name, _ = assigned(inner)
            if name:
                yield name, "value"
