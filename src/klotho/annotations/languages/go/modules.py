"""What a file of Go imports, defines and refers to.

Input: a parsed file. Output: `GoFile`, which can be remembered as JSON. Names are looked at as they are written: a
local variable that hides a name of the package counts as that name, which makes a unit larger and never wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Literal, NamedTuple

from klotho.annotations.languages import parsing
from klotho.annotations.languages.parsing import text_of as text_of
from klotho.annotations.model import Source

nodes_of = partial(parsing.nodes_of, "tree_sitter_go")

Kind = Literal["function", "call", "type", "value", "constant", "error", "init", "method"]
"""What a name at the top of a file is. `call`: a function that takes a context first and gives an error last, which can
be called from another unit. `error`: a variable that is one by its name or by what makes it."""


class Import(NamedTuple):
    path: str
    local: str
    """How the file writes it; `_` and `.` as they are."""
    start: int
    end: int


@dataclass(frozen=True)
class GoFile:
    source: Source
    package: str
    package_end: int
    """Where the package clause ends: what is added stands on its line."""
    imports: tuple[Import, ...]
    defines: Mapping[str, Kind]
    """At the top; methods as `Type.Method`."""
    names: frozenset[str]
    """Every name that it writes by itself: `pets` of `pets[id]`, also where it is a local one."""
    selected: frozenset[str]
    """Every `name.Name`, whatever is before the dot."""

    @property
    def path(self) -> str:
        return self.source.path

    @property
    def root(self) -> Any:
        return self.source.tree.root_node

    def local(self, path: str) -> str | None:
        """How it writes a package; None where it does not import it."""
        return next((item.local for item in self.imports if item.path == path), None)

    def locals_of(self, path: str) -> list[str]:
        """Every way in which it writes a package."""
        return [item.local for item in self._imported.get(path, ())]

    @cached_property
    def _imported(self) -> Mapping[str, list[Import]]:
        found: dict[str, list[Import]] = {}
        for item in self.imports:
            found.setdefault(item.path, []).append(item)
        return found

    def imported(self, local: str) -> str | None:
        """The package behind a name."""
        return next((item.path for item in self.imports if item.local == local), None)


def string_of(node: Any) -> str | None:
    """The value of a string literal; None for others, and for one with an escape that Go's and Python's readings of
    differ."""
    if node is None or node.type not in ("interpreted_string_literal", "raw_string_literal"):
        return None
    text = text_of(node)
    if node.type == "raw_string_literal":
        return text[1:-1]
    inside = text[1:-1]
    if "\\" not in inside:
        return inside
    try:
        return inside.encode("latin-1", "backslashreplace").decode("unicode_escape")
    except (UnicodeError, ValueError):
        return None


def arguments_of(call: Any) -> list[Any]:
    given = call.child_by_field_name("arguments")
    return [item for item in given.named_children if item.type != "comment"] if given is not None else []


def called(call: Any) -> tuple[str, str]:
    """`("http", "ListenAndServe")` of `http.ListenAndServe(…)`: what is before the dot, as it is written, and the name;
    nothing before it for a plain function."""
    function = call.child_by_field_name("function")
    if function is None:
        return "", ""
    if function.type == "selector_expression":
        return text_of(function.child_by_field_name("operand")), text_of(function.child_by_field_name("field"))
    return ("", text_of(function)) if function.type == "identifier" else ("", "")


def functions_of(root: Any) -> Iterator[Any]:
    """Functions and methods at the top."""
    for node in root.children:
        if node.type in ("function_declaration", "method_declaration"):
            yield node


def parameters_of(function: Any) -> list[tuple[str, str]]:
    """Name and type of each; `a, b int` are two."""
    found = []
    for item in (function.child_by_field_name("parameters") or function).named_children:
        if item.type not in ("parameter_declaration", "variadic_parameter_declaration"):
            continue
        written = text_of(item.child_by_field_name("type"))
        names = [text_of(name) for name in item.children_by_field_name("name")] or [""]
        found += [(name, f"...{written}" if item.type.startswith("variadic") else written) for name in names]
    return found


def results_of(function: Any) -> list[str]:
    """The types of the results."""
    result = function.child_by_field_name("result")
    if result is None:
        return []
    if result.type != "parameter_list":
        return [text_of(result)]
    found: list[str] = []
    for item in result.named_children:
        names = item.children_by_field_name("name")
        found += [text_of(item.child_by_field_name("type"))] * max(len(names), 1)
    return found


def read_file(source: Source) -> GoFile:
    root = source.tree.root_node
    clause = next((node for node in root.children if node.type == "package_clause"), None)
    package = text_of(clause.named_children[0]) if clause is not None and clause.named_children else ""
    imports = tuple(_imports(root))
    context = next((item.local for item in imports if item.path == "context"), None)
    return GoFile(
        source,
        package,
        clause.end_byte if clause is not None else 0,
        imports,
        dict(_defines(root, context)),
        frozenset(_names(root)),
        frozenset(text_of(node) for node in nodes_of(root, ("selector_expression",)) if _is_plain(node))
        | {
            f"{text_of(node.child_by_field_name('package'))}.{text_of(node.child_by_field_name('name'))}"
            for node in nodes_of(root, ("qualified_type",))
        },
    )


def said_by(file: GoFile) -> dict[str, Any]:
    """The file as JSON, from which `file_of` makes it again."""
    return {
        "package": [file.package, file.package_end],
        "imports": [list(item) for item in file.imports],
        "defines": dict(file.defines),
        "names": sorted(file.names),
        "selected": sorted(file.selected),
    }


def file_of(source: Source, said: Mapping[str, Any]) -> GoFile:
    package, end = said["package"]
    imports = tuple(Import(*item) for item in said["imports"])
    return GoFile(
        source, package, end, imports, dict(said["defines"]), frozenset(said["names"]), frozenset(said["selected"])
    )


def _imports(root: Any) -> Iterator[Import]:
    for node in nodes_of(root, ("import_spec",)):
        path = string_of(node.child_by_field_name("path"))
        if path is None:
            continue
        name = node.child_by_field_name("name")
        yield Import(path, text_of(name) if name is not None else local_of(path), node.start_byte, node.end_byte)


def local_of(path: str) -> str:
    """The name of a package by the end of its path, as packages are usually called: `chi` of
    `github.com/go-chi/chi/v5`, `pgx` of `github.com/jackc/pgx/v5`, `yaml` of `gopkg.in/yaml.v3`."""
    parts = path.split("/")
    if len(parts) > 1 and parts[-1][:1] == "v" and parts[-1][1:].isdigit():
        parts.pop()
    return parts[-1].partition(".")[0].removeprefix("go-")


def _defines(root: Any, context: str | None) -> Iterator[tuple[str, Kind]]:
    for node in root.children:
        if node.type == "function_declaration":
            name = text_of(node.child_by_field_name("name"))
            yield name, "init" if name == "init" else "call" if _is_call(node, context) else "function"
        elif node.type == "method_declaration":
            receiver = parameters_of_receiver(node)
            yield f"{receiver}.{text_of(node.child_by_field_name('name'))}", "method"
        else:
            yield from _declared(node)


def _declared(node: Any) -> Iterator[tuple[str, Kind]]:
    if node.type == "type_declaration":
        for item in node.named_children:
            if item.type in ("type_spec", "type_alias"):
                yield text_of(item.child_by_field_name("name")), "type"
    elif node.type in ("var_declaration", "const_declaration"):
        for item in nodes_of(node, ("var_spec", "const_spec")):
            kind: Kind = "constant" if item.type == "const_spec" else "value"
            held = item.child_by_field_name("value")
            made = [text_of(value) for value in held.named_children] if held is not None else []
            for at, name in enumerate(map(text_of, item.children_by_field_name("name"))):
                is_error = at < len(made) and made[at].startswith(("errors.New(", "fmt.Errorf("))
                yield name, "error" if kind == "value" and (is_error or _ERROR.match(name)) else kind


_ERROR = re.compile(r"[Ee]rr[A-Z]")


def parameters_of_receiver(method: Any) -> str:
    """The type that a method is of, without `*` and type parameters."""
    receiver = method.child_by_field_name("receiver")
    found = nodes_of(receiver, ("type_identifier",)) if receiver is not None else []
    return text_of(found[0]) if found else ""


def _is_call(function: Any, context: str | None) -> bool:
    if context is None or function.child_by_field_name("type_parameters") is not None:
        return False
    if function.child_by_field_name("body") is None:  # it is written in assembly, or not at all yet
        return False
    parameters, results = parameters_of(function), results_of(function)
    return bool(parameters and results) and parameters[0][1] == f"{context}.Context" and results[-1] == "error"


def _names(root: Any) -> Iterator[str]:
    for node in nodes_of(root, ("identifier", "type_identifier")):
        yield text_of(node)


def _is_plain(selector: Any) -> bool:
    operand = selector.child_by_field_name("operand")
    return operand is not None and operand.type == "identifier"
