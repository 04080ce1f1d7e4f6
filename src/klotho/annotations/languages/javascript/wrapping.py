"""Statements under an annotation, and the edit that hands what one makes to a shim where it stands."""

from __future__ import annotations

import json
from typing import Any

from klotho.annotations.findings import Edit, construct_name
from klotho.annotations.languages.javascript.modules import NAMESPACE, Module, text_of
from klotho.annotations.languages.javascript.rewriting import way_to


def assigned(statement: Any) -> tuple[str, Any]:
    """The name and value of `const pets = …`, `export const pets = …`, `exports.pets = …`; `default` and the value of
    `export default …`; "" and None for others."""
    if statement.type == "export_statement":
        value = statement.child_by_field_name("value")
        if value is not None:
            return "default", value
        statement = statement.child_by_field_name("declaration") or statement
    if statement.type in ("lexical_declaration", "variable_declaration"):
        found = [item for item in statement.named_children if item.type == "variable_declarator"]
        if len(found) == 1:
            return text_of(found[0].child_by_field_name("name")), found[0].child_by_field_name("value")
    if statement.type == "expression_statement" and statement.named_children:
        inside = statement.named_children[0]
        if inside.type == "assignment_expression":
            return text_of(inside.child_by_field_name("left")), inside.child_by_field_name("right")
    return "", None


def qualified(module: Module, node: Any) -> str:
    """What an expression is of a package: `redis.createClient`; `ioredis.default` or `ioredis.*` for the whole. ""
    for everything else."""
    if node is None:
        return ""
    head, _, last = text_of(node).partition(".")
    for item in module.imports:
        for binding in item.bindings:
            if binding.local != head or "." in last:
                continue
            if not last:
                return f"{item.specifier}.{binding.imported}"
            if binding.imported in (NAMESPACE, "default") or last == "Cluster":
                return f"{item.specifier}.{last}"
    return ""


def wrapped(
    module: Module, value: Any, shim: str, id: str, is_esm: bool, *given: Any, after: Any = None, in_new: bool = False
) -> tuple[Edit, ...]:
    """`value` becomes `require("./klotho/map.cjs")("pets", value)`, with what is `given` to the shim before it and
    what comes `after` it. No line moves: imports are hoisted, so that of an ES module stands at its end. `in_new`: it
    stands behind `new`."""
    path, content = json.dumps(way_to(module.path, shim)), module.source.text.content
    local = f"__klotho{value.start_byte}"
    opening = f"{'(' if in_new else ''}{local if is_esm else f'require({path})'}("
    opening += "".join(f"{json.dumps(item)}, " for item in (construct_name(id), *given))
    closing = f"{'' if after is None else f', {json.dumps(after)}'}{'))' if in_new else ')'}"
    edits = [
        Edit(module.path, value.start_byte, value.start_byte, opening.encode()),
        Edit(module.path, value.end_byte, value.end_byte, closing.encode()),
    ]
    if is_esm:
        text = ("" if content.endswith(b"\n") else "\n") + f"import {local} from {path};\n"
        edits.append(Edit(module.path, len(content), len(content), text.encode()))
    return tuple(edits)
