"""What a constant says: `"adopted"`, `ADOPTED`, `Events.ADOPTED` of an object or an enum, also of another module.

None for what is computed, as far as it is looked: text at the top of a module, members of one level.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from klotho.annotations.languages.javascript.modules import NAMESPACE, Module, arguments_of, string_of, text_of

if TYPE_CHECKING:
    from klotho.annotations.languages.javascript.program import JavaScriptProgram

_DECLARATIONS = ("lexical_declaration", "variable_declaration")
_AROUND = ("parenthesized_expression", "as_expression", "satisfies_expression")
_MOST_STEPS = 20
"""From module to module: files may import each other."""


def constant(program: JavaScriptProgram, module: Module, node: Any) -> str | None:
    """The text that an expression of a module is."""
    if node.type == "string":
        return string_of(node)
    if node.type == "identifier":
        return string_of(_value(program, module, text_of(node)))
    if node.type != "member_expression":
        return None
    holder = node.child_by_field_name("object")
    name = text_of(node.child_by_field_name("property"))
    if holder is None or holder.type != "identifier":
        return None
    value = _value(program, module, text_of(holder))
    return string_of(_member(value, name) if value is not None else _of_namespace(program, module, holder, name))


def _value(program: JavaScriptProgram, module: Module, name: str, steps: int = 0) -> Any:
    """What a name of a module stands for: an expression, or an enum."""
    found = _declared(module, name)
    if found is not None or steps > _MOST_STEPS:
        return found
    for item in module.imports:
        for binding in item.bindings:
            if binding.local == name and binding.imported != NAMESPACE:
                target = program.leads_to(module, item.specifier)
                return _exported(program, target, binding.imported, steps + 1)
    return None


def _of_namespace(program: JavaScriptProgram, module: Module, holder: Any, name: str) -> Any:
    for item in module.imports:
        for binding in item.bindings:
            if binding.local == text_of(holder) and binding.imported == NAMESPACE:
                return _exported(program, program.leads_to(module, item.specifier), name, 0)
    return None


def _exported(program: JavaScriptProgram, path: str | None, name: str, steps: int) -> Any:
    modules = program.modules([path] if path is not None else [])
    for module in modules if steps <= _MOST_STEPS else ():
        if name in module.exports:
            return _value(program, module, module.exports[name].local or "", steps)
        for item in module.imports:
            if item.reexports and not any(child.type == "export_clause" for child in item.node.named_children):
                found = _exported(program, program.leads_to(module, item.specifier), name, steps + 1)
                if found is not None:
                    return found
    return None


def _declared(module: Module, name: str) -> Any:
    for node in module.root.children:
        inner = node.child_by_field_name("declaration") if node.type == "export_statement" else node
        if inner is None:
            continue
        if inner.type == "enum_declaration" and text_of(inner.child_by_field_name("name")) == name:
            return inner.child_by_field_name("body")
        for item in inner.named_children if inner.type in _DECLARATIONS else ():
            if text_of(item.child_by_field_name("name")) == name and text_of(inner.children[0]) == "const":
                return item.child_by_field_name("value")
    return None


def _member(value: Any, name: str) -> Any:
    """`{ ADOPTED: "adopted" }`, frozen or not; an enum."""
    while value.type in _AROUND or text_of(value.child_by_field_name("function")) == "Object.freeze":
        inside = arguments_of(value) if value.type == "call_expression" else value.named_children
        if not inside:
            return None
        value = inside[0]
    for item in value.named_children:
        key = item.child_by_field_name("key") or item.child_by_field_name("name")
        if text_of(key).strip("\"'") == name:
            return item.child_by_field_name("value")
    return None
