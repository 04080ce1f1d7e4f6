"""Statements under an annotation, and the edit that hands what one makes to a shim where it stands."""

from __future__ import annotations

import json
from typing import Any

from klotho.annotations.findings import Edit, construct_name
from klotho.annotations.languages.javascript.modules import Module, text_of
from klotho.annotations.languages.javascript.rewriting import way_to


def assigned(statement: Any) -> tuple[str, Any]:
    """The name and value of `const pets = …`, `export const pets = …`, `exports.pets = …`; "" and None for others."""
    if statement.type == "export_statement":
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


def wrapped(module: Module, value: Any, shim: str, id: str, is_esm: bool) -> tuple[Edit, ...]:
    """`value` becomes `require("./klotho/map.cjs")("pets", value)`. No line moves: imports are hoisted, so that of an
    ES module stands at its end."""
    path, content = json.dumps(way_to(module.path, shim)), module.source.text.content
    local = f"__klotho{value.start_byte}"
    opening = f"{local if is_esm else f'require({path})'}({json.dumps(construct_name(id))}, "
    edits = [
        Edit(module.path, value.start_byte, value.start_byte, opening.encode()),
        Edit(module.path, value.end_byte, value.end_byte, b")"),
    ]
    if is_esm:
        text = ("" if content.endswith(b"\n") else "\n") + f"import {local} from {path};\n"
        edits.append(Edit(module.path, len(content), len(content), text.encode()))
    return tuple(edits)
