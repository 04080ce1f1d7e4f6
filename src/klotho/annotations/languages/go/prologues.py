"""What functions of another unit begin with where they do not run, and what their own unit offers to others.

    func Adopt(ctx context.Context, pet Pet) (pet Pet, err error) { if klotho_unit.Elsewhere() { err = …; return };

Each is an edit on the line that is there: results without names get some, so that they can be filled in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from klotho.annotations.findings import Edit, construct_name
from klotho.annotations.languages.go.frameworks import CHI, HTTP, local_of
from klotho.annotations.languages.go.modules import GoFile, functions_of, nodes_of, results_of, text_of
from klotho.annotations.languages.go.unit_files import FOLDER

OFFERS = "klotho_unit_offers.go"
"""Beside the files of a package whose functions other units call, or whose errors they know."""
_MADE_FOR_A_SYSTEM = re.compile(
    r"_(?:aix|android|darwin|dragonfly|freebsd|illumos|ios|js|netbsd|openbsd|plan9|solaris|wasip1|windows|"
    r"386|arm|arm64|amd64|loong64|mips\w*|ppc64\w*|riscv64|s390x|wasm)(?:_\w+)?\.go$"
)


def _inserted(file: GoFile, at: int, text: str) -> Edit:
    return Edit(file.path, at, at, text.encode())


def calls_elsewhere(file: GoFile, owner: str, function: Any) -> Iterator[Edit]:
    """The edits of a function that another unit owns: `call` of `GoFile.defines`."""
    edits, given = _named(file, function.child_by_field_name("parameters"), "klotho_given")
    yield from edits
    result = function.child_by_field_name("result")
    if result.type == "parameter_list":
        edits, results = _named(file, result, "klotho_result")
        yield from edits
    else:
        results = ["klotho_result0"]
        yield _inserted(file, result.start_byte, f"({results[0]} ")
        yield _inserted(file, result.end_byte, ")")
    name = text_of(function.child_by_field_name("name"))
    where = f"{json.dumps(construct_name(owner))}, {json.dumps(file.path)}, {json.dumps(name)}"
    pointed = [f"[]interface{{}}{{{', '.join(f'&{item}' for item in items)}}}" for items in (given[1:], results[:-1])]
    call = f"{results[-1]} = {FOLDER}.Call({given[0]}, {where}, {', '.join(pointed)})"
    yield begins_with(file, function, f"{call}; return")


def begins_with(file: GoFile, function: Any, statements: str) -> Edit:
    """What a function does first where it is deployed, and in no unit that runs it itself. One without a body, which is
    written in assembly, begins as it does."""
    body = function.child_by_field_name("body")
    if body is None:
        return _inserted(file, function.end_byte, "")
    return _inserted(file, body.start_byte + 1, f" if {FOLDER}.Elsewhere() {{ {statements} }};")


def gives_nothing(file: GoFile, function: Any) -> Iterator[Edit]:
    """The edit of a function that makes a router of another unit: here it has no routes. One whose result is of a type
    that is not known stays: requests for it are handed on all the same."""
    empty = [_empty(file, written) for written in results_of(function)]
    if None not in empty:
        yield begins_with(file, function, f"return {', '.join(item or '' for item in empty)}".rstrip())


def _empty(file: GoFile, written: str) -> str | None:
    """A router without routes, as the type of a result asks for it."""
    http, chi = local_of(file, HTTP), local_of(file, CHI)
    if written == "error":
        return "nil"
    if http is not None and written == f"{http}.Handler":
        return f"{http}.NotFoundHandler()"
    if http is not None and written == f"*{http}.ServeMux":
        return f"{http}.NewServeMux()"
    if chi is not None and written in (f"{chi}.Router", f"*{chi}.Mux"):
        return f"{chi}.NewRouter()"
    return None


def _named(file: GoFile, declared: Any, prefix: str) -> tuple[list[Edit], list[str]]:
    """The names of parameters or results, and the edits that give those names that have none."""
    edits, names = list[Edit](), list[str]()
    for item in declared.named_children:
        if item.type not in ("parameter_declaration", "variadic_parameter_declaration"):
            continue
        written = item.children_by_field_name("name")
        for node in written:
            name = text_of(node)
            if name == "_":
                name = f"{prefix}{len(names)}"
                edits.append(Edit(file.path, node.start_byte, node.end_byte, name.encode()))
            names.append(name)
        if not written:
            names.append(f"{prefix}{len(names)}")
            edits.append(_inserted(file, item.start_byte, f"{names[-1]} "))
    return edits, names


def offers(files: Iterable[GoFile], module: str, called: Mapping[str, list[str]]) -> bytes | None:
    """What a package tells `klotho_unit`: functions that others call, errors that arrive as what they are; None where
    that is nothing."""
    lines, imports, package = list[str](), dict[str, str](), ""
    for file in files:
        package = package or file.package
        if is_made_for_a_system(file):
            continue
        for name in called.get(file.path, ()):
            lines.append(f"{FOLDER}.Offer({json.dumps(file.path)}, {json.dumps(name)}, {name})")
        lines += _errors(file, module, imports)
    if not lines:
        return None
    begin = [
        "// Klotho: what other units may call here, and errors that they find again.",
        "",
        f"package {package}",
        "",
    ]
    begin += ["import (", *(f"\t{name} {json.dumps(path)}" for path, name in sorted(imports.items()))]
    begin += [f"\t{FOLDER} {json.dumps(f'{module}/{FOLDER}')}", ")", "", "func init() {"]
    return "\n".join([*begin, *(f"\t{line}" for line in dict.fromkeys(lines)), "}", ""]).encode()


def is_made_for_a_system(file: GoFile) -> bool:
    """Whether a file is part of its package on some systems only."""
    return _MADE_FOR_A_SYSTEM.search(file.path) is not None or b"//go:build" in file.source.text.content


def _errors(file: GoFile, module: str, imports: dict[str, str]) -> Iterator[str]:
    """Variables and types of errors that a file defines, and variables of other packages that it names."""
    place = file.path.rpartition("/")[0]
    for name, kind in file.defines.items():
        if kind == "error":
            yield f"{FOLDER}.KnowError({json.dumps(f'{place}.{name}')}, {name})"
        elif kind == "method" and name.endswith(".Error") and _is_plain(file, name.partition(".")[0]):
            yield f"{FOLDER}.KnowErrorType((*{name.partition('.')[0]})(nil))"
    for written in sorted(file.selected):
        local, _, name = written.partition(".")
        path = file.imported(local)
        if path is None or path == module or path.startswith(f"{module}/") or not _is_error(name):
            continue
        if _is_value(file, written):
            imported = imports.setdefault(path, f"klotho_{len(imports)}")
            yield f"{FOLDER}.KnowError({json.dumps(f'{path}.{name}')}, {imported}.{name})"


def _is_error(name: str) -> bool:
    return re.match(r"Err[A-Z]", name) is not None


def _is_value(file: GoFile, written: str) -> bool:
    """Whether it stands for a variable everywhere in the file: no function, no type."""
    found = [node for node in nodes_of(file.root, ("selector_expression",)) if text_of(node) == written]
    called = any(
        node.parent.type == "call_expression" and node.parent.child_by_field_name("function") == node for node in found
    )
    types = any(text_of(node) == written for node in nodes_of(file.root, ("qualified_type",)))
    return bool(found) and not called and not types


def _is_plain(file: GoFile, receiver: str) -> bool:
    """Whether a type with methods has no type parameters."""
    return not any(
        receiver in text_of(node) and nodes_of(node, ("generic_type",))
        for method in functions_of(file.root)
        if (node := method.child_by_field_name("receiver")) is not None
    )
