"""What a module imports and exports: CommonJS and ES modules.

Input: a parsed file. Output: `Module`. Not understood, and so without names: computed `require(…)` and `exports[…]`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from klotho.annotations.languages.javascript.tree import nodes_of
from klotho.annotations.languages.parsing import text_of as text_of
from klotho.annotations.model import Place, Source, place_of

NAMESPACE = "*"
"""The imported name of a whole module."""
_FUNCTIONS = ("function_declaration", "function_expression", "arrow_function", "generator_function_declaration")
ExportKind = Literal["async", "sync", "value", "type"]
"""A type is gone when the program runs."""
_TYPES = ("interface_declaration", "type_alias_declaration")
_CLASSES = ("class_declaration", "abstract_class_declaration", "enum_declaration")
JAVASCRIPT = (".js", ".cjs", ".mjs", ".jsx")
TYPESCRIPT = (".ts", ".cts", ".mts", ".tsx")
BUILT = (*TYPESCRIPT, ".jsx")
"""What Node does not run as it is."""
_WRITTEN_AS = {".js": (".ts", ".tsx"), ".cjs": (".cts",), ".mjs": (".mts",), ".jsx": (".tsx",)}
"""TypeScript imports a file by the name it has when it is built."""


@dataclass(frozen=True, slots=True)
class Binding:
    """A local name for something imported."""

    local: str
    imported: str
    """Its name there, `default`, or `*` for the whole module (with CommonJS that is `module.exports`)."""


@dataclass(frozen=True, slots=True)
class Import:
    specifier: str
    place: Place
    bindings: tuple[Binding, ...] = ()
    reexports: bool = False

    @property
    def node(self) -> Any:
        """Its file is parsed for it."""
        return self.place.node


@dataclass(frozen=True, slots=True)
class Export:
    name: str
    kind: ExportKind
    local: str | None = None
    """The variable of the module it is."""


@dataclass(frozen=True)
class Module:
    source: Source
    imports: tuple[Import, ...] = ()
    exports: dict[str, Export] = field(default_factory=dict)
    is_esm: bool = False

    @property
    def path(self) -> str:
        return self.source.path

    @cached_property
    def exports_again(self) -> bool:
        """Whether something that it imports is exported from it, too."""
        local = {binding.local for item in self.imports for binding in item.bindings}
        return any(item.reexports for item in self.imports) or any(
            item.local in local for item in self.exports.values()
        )

    @cached_property
    def root(self) -> Any:
        return self.source.tree.root_node


def string_of(node: Any) -> str | None:
    """The value of a plain string literal."""
    if node is None or node.type != "string":
        return None
    inside = [child for child in node.named_children]
    if any(child.type != "string_fragment" for child in inside):
        return None
    return "".join(text_of(child) for child in inside)


def arguments_of(call: Any) -> list[Any]:
    found = call.child_by_field_name("arguments")
    return [item for item in found.named_children if item.type != "comment"] if found is not None else []


def declared(module: Module, name: str) -> Any:
    """The value of a variable or function that the module itself declares; None for imported and unknown ones."""
    for node in nodes_of(module.root, ("variable_declarator", "function_declaration")):
        if text_of(node.child_by_field_name("name")) == name:
            return node if node.type == "function_declaration" else node.child_by_field_name("value")
    return None


Follow = Callable[[Module, str], Module | None]
"""The module an import of a module leads to, by its specifier; None for packages and other units."""


def method_of(call: Any) -> tuple[Any, str]:
    """What a call is a method of, and its name: `app`, `listen`; None for a plain function."""
    function = call.child_by_field_name("function")
    if function is None or function.type != "member_expression":
        return None, ""
    return function.child_by_field_name("object"), text_of(function.child_by_field_name("property"))


def listener(statement: Any) -> str | None:
    """The variable on which the statement calls `listen`, or that it gives to Hono's `serve`; "" where it is no plain
    variable, None without."""
    for call in nodes_of(statement, ("call_expression",)):
        receiver, method = method_of(call)
        if receiver is not None and method == "listen":
            return text_of(receiver) if receiver.type == "identifier" else ""
        if text_of(call.child_by_field_name("function")) == "serve":
            return _served(arguments_of(call))
    return None


def _served(given: list[Any]) -> str:
    """`app` of `serve(app)` and of `serve({ fetch: app.fetch, port: 3000 })`."""
    value = given[0] if given else None
    for item in value.named_children if value is not None and value.type == "object" else ():
        if item.type == "pair" and text_of(item.child_by_field_name("key")) == "fetch":
            value = item.child_by_field_name("value").child_by_field_name("object")
    return text_of(value) if value is not None and value.type == "identifier" else ""


def read_module(source: Source) -> Module:
    root, content = source.tree.root_node, source.text.content
    # A name that is nowhere in the file need not be looked for in its tree.
    calls = _calls(source) if b"require" in content or b"import" in content else ()
    imports, kinds = [*_static_imports(source), *calls], _top_level(root)
    assigned = _cjs_exports(root, kinds) if b"exports" in content else ()
    exports = {item.name: item for item in (*_esm_exports(root, kinds), *assigned)}
    is_esm = source.path.endswith(".mjs") or any(
        child.type in ("import_statement", "export_statement") for child in root.children
    )
    return Module(source, tuple(imports), exports, is_esm)


def said_by(module: Module) -> dict[str, Any]:
    """The module as JSON, from which `module_of` makes it again."""
    return {
        "imports": [
            [
                item.specifier,
                [item.place.start, item.place.end, item.place.kind],
                [[one.local, one.imported] for one in item.bindings],
                item.reexports,
            ]
            for item in module.imports
        ],
        "exports": [[item.name, item.kind, item.local] for item in module.exports.values()],
        "is_esm": module.is_esm,
    }


def module_of(source: Source, said: Mapping[str, Any]) -> Module:
    imports = [
        Import(specifier, Place(source, *place), tuple(Binding(*one) for one in bindings), reexports)
        for specifier, place, bindings, reexports in said["imports"]
    ]
    return Module(source, tuple(imports), {item[0]: Export(*item) for item in said["exports"]}, said["is_esm"])


def resolve(importer: str, specifier: str, exists: Callable[[str], bool]) -> str | None:
    """The file a relative import leads to; None for packages and for what is not there."""
    if not is_relative(specifier):
        return None
    base = posixpath.normpath(posixpath.join(posixpath.dirname(importer), specifier))
    return file_of(base, importer.endswith(TYPESCRIPT), exists)


def file_of(base: str, in_typescript: bool, exists: Callable[[str], bool]) -> str | None:
    """The file that a path without an ending, or with that of the built file, stands for."""
    if base.startswith(".."):
        return None
    order = (*TYPESCRIPT, *JAVASCRIPT) if in_typescript else (*JAVASCRIPT, *TYPESCRIPT)
    tried = ["", *order, ".json", *(f"/index{end}" for end in order)]
    stem, ending = posixpath.splitext(base)
    written = [stem + other for other in _WRITTEN_AS.get(ending, ())] if in_typescript else []
    return next(
        (path for path in [base + tried[0], *written, *(base + end for end in tried[1:])] if exists(path)), None
    )


def is_relative(specifier: str) -> bool:
    return specifier.startswith(("./", "../")) or specifier in (".", "..")


def _static_imports(source: Source) -> Iterator[Import]:
    for node in source.tree.root_node.children:
        if node.type not in ("import_statement", "export_statement") or _is_of_types(node):
            continue
        specifier = string_of(node.child_by_field_name("source"))
        required = next((child for child in node.named_children if child.type == "import_require_clause"), None)
        if required is not None:  # import fs = require("fs")
            specifier = string_of(required.child_by_field_name("source"))
            if specifier is not None:
                whole = Binding(text_of(required.named_children[0]), NAMESPACE)
                yield Import(specifier, place_of(source, node), (whole,))
            continue
        if specifier is None:
            continue
        if node.type == "export_statement":
            yield Import(specifier, place_of(source, node), reexports=True)
            continue
        clause = next((child for child in node.named_children if child.type == "import_clause"), None)
        yield Import(specifier, place_of(source, node), tuple(_clause(clause)) if clause is not None else ())


def _is_of_types(node: Any) -> bool:
    """`import type …`, `export type { … }`, `import { type A }`: nothing is left of it when the program runs. The
    grammar does not know the `type` of `export type * from …`."""
    return any(child.type == "type" or (child.type == "ERROR" and child.text == b"type") for child in node.children)


def _clause(clause: Any) -> Iterator[Binding]:
    for part in clause.named_children:
        if part.type == "identifier":
            yield Binding(text_of(part), "default")
        elif part.type == "namespace_import":
            yield Binding(text_of(part.named_children[-1]), NAMESPACE)
        elif part.type == "named_imports":
            for item in part.named_children:
                if item.type == "import_specifier" and not _is_of_types(item):
                    name = text_of(item.child_by_field_name("name"))
                    yield Binding(text_of(item.child_by_field_name("alias")) or name, name)


def _calls(source: Source) -> Iterator[Import]:
    """`require("…")` and `import("…")`, wherever they stand."""
    for node in nodes_of(source.tree.root_node, ("call_expression",)):
        function = node.child_by_field_name("function")
        if function is None or not (function.type == "import" or text_of(function) == "require"):
            continue
        given = arguments_of(node)
        specifier = string_of(given[0]) if given else None
        if specifier is not None:
            yield Import(specifier, place_of(source, node), tuple(_require_bindings(node)))


def _require_bindings(call: Any) -> Iterator[Binding]:
    value, picked = call, NAMESPACE
    parent = call.parent
    while parent is not None and parent.type in ("await_expression", "parenthesized_expression"):
        value, parent = parent, parent.parent
    if parent is not None and parent.type == "member_expression" and picked == NAMESPACE:
        picked = text_of(parent.child_by_field_name("property"))
        value, parent = parent, parent.parent
    if parent is None or parent.type != "variable_declarator" or parent.child_by_field_name("value") != value:
        return
    name = parent.child_by_field_name("name")
    if name.type == "identifier":
        yield Binding(text_of(name), picked)
    elif name.type == "object_pattern" and picked == NAMESPACE:
        for item in name.named_children:
            if item.type == "shorthand_property_identifier_pattern":
                yield Binding(text_of(item), text_of(item))
            elif item.type == "pair_pattern":
                yield Binding(text_of(item.child_by_field_name("value")), text_of(item.child_by_field_name("key")))


def _esm_exports(root: Any, kinds: dict[str, ExportKind]) -> Iterator[Export]:
    for node in root.children:
        if node.type != "export_statement":
            continue
        declaration = node.child_by_field_name("declaration")
        if any(child.type == "=" for child in node.children):  # export = events
            for what in node.named_children[:1]:
                yield from _exported_whole(what, kinds)
            continue
        is_default = any(child.type == "default" for child in node.children)
        value = node.child_by_field_name("value")
        if is_default:
            what = declaration if declaration is not None else value
            yield _export("default", what, kinds)
        elif declaration is not None:
            for name, kind in _declared(declaration):
                yield Export(name, kind, name)
        for clause in (child for child in node.named_children if child.type == "export_clause"):
            for item in clause.named_children:
                local = text_of(item.child_by_field_name("name"))
                name = text_of(item.child_by_field_name("alias")) or local
                yield Export(name, kinds.get(local, "value"), local)


def _cjs_exports(root: Any, kinds: dict[str, ExportKind]) -> Iterator[Export]:
    for node in nodes_of(root, ("assignment_expression",)):
        left, right = text_of(node.child_by_field_name("left")), node.child_by_field_name("right")
        while right is not None and right.type == "assignment_expression":
            right = right.child_by_field_name("right")
        if left in ("module.exports", "exports") and right is not None:
            yield from _exported_whole(right, kinds)
        for prefix in ("module.exports.", "exports."):
            if left.startswith(prefix) and right is not None and left.removeprefix(prefix).isidentifier():
                yield _export(left.removeprefix(prefix), right, kinds)
                break


def _exported_whole(value: Any, kinds: dict[str, ExportKind]) -> Iterator[Export]:
    yield _export(NAMESPACE, value, kinds)
    for item in value.named_children if value.type == "object" else ():
        if item.type == "shorthand_property_identifier":
            yield Export(text_of(item), kinds.get(text_of(item), "value"), text_of(item))
        elif item.type == "pair":
            yield _export(text_of(item.child_by_field_name("key")), item.child_by_field_name("value"), kinds)
        elif item.type == "method_definition":
            yield Export(text_of(item.child_by_field_name("name")), _kind(item))


def _export(name: str, value: Any, kinds: dict[str, ExportKind]) -> Export:
    if value is not None and value.type == "identifier":
        return Export(name, kinds.get(text_of(value), "value"), text_of(value))
    if value is not None and value.type in (*_FUNCTIONS, "method_definition"):
        return Export(name, _kind(value), text_of(value.child_by_field_name("name")) or None)
    return Export(name, "value")


def _top_level(root: Any) -> dict[str, ExportKind]:
    found: dict[str, ExportKind] = {}
    for node in root.children:
        declaration = node.child_by_field_name("declaration") if node.type == "export_statement" else node
        if declaration is not None:
            found.update(_declared(declaration))
    return found


def _declared(node: Any) -> Iterator[tuple[str, ExportKind]]:
    if node.type in _FUNCTIONS:
        yield text_of(node.child_by_field_name("name")), _kind(node)
    elif node.type in ("lexical_declaration", "variable_declaration"):
        for item in node.named_children:
            if item.type == "variable_declarator":
                value = item.child_by_field_name("value")
                name = item.child_by_field_name("name")
                if name is not None and name.type == "identifier":
                    yield text_of(name), _kind(value) if value is not None and value.type in _FUNCTIONS else "value"
    elif node.type in (*_CLASSES, *_TYPES):
        yield text_of(node.child_by_field_name("name")), "type" if node.type in _TYPES else "value"


def _kind(function: Any) -> ExportKind:
    marks = {child.type for child in function.children}
    is_generator = "generator" in function.type or "*" in marks
    return "async" if "async" in marks and not is_generator else "sync"
