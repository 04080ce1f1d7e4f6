"""`__dirname` and its like in a unit that has files beside its code: a bundle has one folder for all modules, so they
are handed to a shim that knows where each file stands. No line moves."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator

from klotho.annotations.findings import Edit
from klotho.annotations.languages.javascript.modules import Module, text_of
from klotho.annotations.languages.javascript.rewriting import way_to
from klotho.annotations.languages.javascript.tree import nodes_of

SHIM = "place.cjs"
_LOCAL = "__klothoPlace"


def places(module: Module, is_esm: bool) -> tuple[Edit, ...]:
    """Edits for `__dirname`, `__filename` and `import.meta.url`, `.dirname`, `.filename`."""
    found = list(_replaced(module, _LOCAL if is_esm else f"require({json.dumps(way_to(module.path, SHIM))})"))
    if found and is_esm:
        content = module.source.text.content
        line = f"import {_LOCAL} from {json.dumps(way_to(module.path, SHIM))};\n"
        text = ("" if content.endswith(b"\n") else "\n") + line
        found.append(Edit(module.path, len(content), len(content), text.encode()))
    return tuple(found)


def _replaced(module: Module, shim: str) -> Iterator[Edit]:
    root = module.source.tree.root_node
    folder = json.dumps(posixpath.dirname(module.path) or ".")
    file = json.dumps(module.path)
    words = {"__dirname": f"{shim}.file({folder})", "__filename": f"{shim}.file({file})"}
    meta = {
        "import.meta.dirname": words["__dirname"],
        "import.meta.filename": words["__filename"],
        "import.meta.url": f"{shim}.url({file})",
    }
    declared = {text_of(node.child_by_field_name("name")) for node in nodes_of(root, ("variable_declarator",))}
    for node in nodes_of(root, ("identifier", "member_expression")):
        word = text_of(node)
        new = meta.get(word) if node.type == "member_expression" else None if word in declared else words.get(word)
        if new is not None:
            yield Edit(module.path, node.start_byte, node.end_byte, new.encode())
