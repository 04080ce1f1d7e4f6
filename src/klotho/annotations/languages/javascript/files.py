"""`persist` on an import of `fs/promises`: a bucket, whose objects are the files; with `secret = true`, secrets.

The import is what is rewritten: `require("fs/promises")` is handed to a shim, and of an ES module's import the same
names are made from it, on the same lines.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from klotho.annotations.findings import FROM_THE_PROGRAM, Edit, Resource, construct_name
from klotho.annotations.languages.javascript.modules import (
    NAMESPACE,
    Binding,
    Import,
    Module,
    arguments_of,
    string_of,
    text_of,
)
from klotho.annotations.languages.javascript.rewriting import way_to
from klotho.annotations.languages.javascript.tree import nodes_of
from klotho.annotations.model import Annotation

if TYPE_CHECKING:
    from klotho.annotations.languages.javascript.program import JavaScriptProgram

_PROMISES = ("fs/promises", "node:fs/promises")
_WHOLE = ("fs", "node:fs")
_READS = frozenset({"readFile", "readdir", "stat", "lstat", "access", "constants"})
SUPPORTED = _READS | {
    "writeFile", "appendFile", "unlink", "rm", "mkdir", "rmdir", "rename", "copyFile",
}  # fmt: skip


class _Found(NamedTuple):
    """An import of `fs/promises`."""

    item: Import
    bindings: tuple[Binding, ...]
    """Local names for it (`default`, `*`) and for its functions."""
    value: Any
    """The expression that gives it (`require("fs").promises`); of an `import` None."""


class FileSystems:
    shapes = '`import fs from "fs/promises"`, `const fs = require("fs/promises")` or `require("fs").promises`'

    def resources(
        self, program: JavaScriptProgram, modules: list[Module], module: Module, annotation: Annotation, target: Any
    ) -> Iterator[Resource]:
        """A bucket, or a secret for each file that is read."""
        found = _imported(module, target)
        if found is None:
            return
        if annotation.directives.get("secret") is True:
            yield from _secrets(program, module, annotation, found)
            return
        used = list(_used(module, found))
        for method, node in used:
            if method not in SUPPORTED:
                _refuse(program, module, node, f"`{method}` of a persisted file system is not supported yet")
        verb = "reads_from" if {method for method, _ in used} <= _READS else "read_writes_to"
        given = json.dumps(construct_name(annotation.id or ""))
        edits = _handed(module, found, "files.cjs", given)
        yield Resource(
            annotation, "Storage.Bucket", (verb,), edits=edits, shims=("files.cjs",), layout=FROM_THE_PROGRAM
        )


def _secrets(program: JavaScriptProgram, module: Module, annotation: Annotation, found: _Found) -> Iterator[Resource]:
    files: dict[str, str] = {}
    for method, node in _used(module, found):
        call = node.parent if node.type != "call_expression" else node
        given = arguments_of(call) if call is not None and call.type == "call_expression" else []
        path = string_of(given[0]) if given else None
        if method != "readFile":
            _refuse(program, module, node, f"`{method}` of a secret is not supported yet: secrets are read")
        elif path is None:
            _refuse(
                program,
                module,
                node,
                "the file of a secret is named by a text in quotes; names that are computed are not supported yet",
            )
        else:
            files.setdefault(path, "")
    id_ = construct_name(annotation.id or "")
    names = {path: id_ if len(files) == 1 else f"{id_}-{_plain(path)}" for path in files}
    edits = _handed(module, found, "secrets.cjs", json.dumps(names))
    # Where every file is refused it is still a secret: one mistake gives one message.
    for name in names.values() or (id_,):
        yield Resource(annotation, "Secret", ("uses",), name=name, edits=edits, shims=("secrets.cjs",))
        edits = ()


def _plain(path: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", posixpath.basename(path)).strip("-")


def _imported(module: Module, target: Any) -> _Found | None:
    for item in module.imports:
        if not target.start_byte <= item.node.start_byte < target.end_byte:
            continue
        if item.node.type == "import_statement":
            return _by_import(item)
        value, picked = item.node, item.specifier in _PROMISES
        parent = value.parent
        if item.specifier in _WHOLE and parent is not None and parent.type == "member_expression":
            picked = text_of(parent.child_by_field_name("property")) == "promises"
            value = parent
        if picked:
            whole = tuple(
                Binding(b.local, NAMESPACE if b.imported == "promises" else b.imported) for b in item.bindings
            )
            return _Found(item, whole, value)
        if item.specifier in _WHOLE and [binding.imported for binding in item.bindings] == ["promises"]:
            (binding,) = item.bindings
            return _Found(item, (Binding(binding.local, NAMESPACE),), item.node)
    return None


def _by_import(item: Import) -> _Found | None:
    if item.specifier in _PROMISES and item.bindings:
        return _Found(item, item.bindings, None)
    if item.specifier in _WHOLE and item.bindings and all(b.imported == "promises" for b in item.bindings):
        return _Found(item, tuple(Binding(b.local, NAMESPACE) for b in item.bindings), None)
    return None


def _used(module: Module, found: _Found) -> Iterator[tuple[str, Any]]:
    """The functions that a module calls or takes of it, and where."""
    functions = {b.local: b.imported for b in found.bindings if b.imported not in (NAMESPACE, "default", "promises")}
    whole = {b.local for b in found.bindings if b.imported in (NAMESPACE, "default", "promises")}
    for node in nodes_of(module.root, ("member_expression", "call_expression")):
        if node.type == "member_expression" and text_of(node.child_by_field_name("object")) in whole:
            yield text_of(node.child_by_field_name("property")), node
        elif node.type == "call_expression" and text_of(node.child_by_field_name("function")) in functions:
            yield functions[text_of(node.child_by_field_name("function"))], node


def _handed(module: Module, found: _Found, shim: str, given: str) -> tuple[Edit, ...]:
    path = json.dumps(way_to(module.path, shim))
    if found.value is not None:
        start, end = found.value.start_byte, found.value.end_byte
        # Of `const { promises: fs } = require("fs")` it is `promises` that is handed over.
        of_whole = found.value == found.item.node and found.item.specifier in _WHOLE
        before, after = ("{ promises: ", ".promises) }") if of_whole else ("", ")")
        return (
            Edit(module.path, start, start, f"{before}require({path})({given}, ".encode()),
            Edit(module.path, end, end, after.encode()),
        )
    return (Edit(module.path, found.item.node.start_byte, found.item.node.end_byte, _esm(module, found, path, given)),)


def _esm(module: Module, found: _Found, path: str, given: str) -> bytes:
    node = found.item.node
    local, shim, made = (f"__klotho{name}{node.start_byte}" for name in ("Local", "Shim", "Files"))
    lines = [
        f'import {local} from "node:fs/promises"; import {shim} from {path};',
        f"const {made} = {shim}({given}, {local});",
    ]
    for binding in found.bindings:
        whole = binding.imported in (NAMESPACE, "default", "promises")
        lines.append(f"const {binding.local} = {made if whole else f'{made}.{binding.imported}'};")
    moved = bytes(node.text).count(b"\n")
    return " ".join(lines).encode() + b"\n" * moved


def _refuse(program: JavaScriptProgram, module: Module, node: Any, message: str) -> None:
    at = module.source.text.span(node.start_byte, node.end_byte)
    program.code.report.error("annotation-not-yet", message, at)
