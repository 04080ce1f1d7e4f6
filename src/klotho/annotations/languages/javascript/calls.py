"""Calls between units: which functions of another unit a unit uses, and whether they can be called from outside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from klotho.annotations.languages.javascript.modules import NAMESPACE, Import, Module, text_of
from klotho.annotations.languages.javascript.tree import nodes_of
from klotho.annotations.units import Unit
from klotho.diagnostics import Label, Span

if TYPE_CHECKING:
    from klotho.annotations.languages.javascript.program import JavaScriptProgram


def remote_names(program: JavaScriptProgram, unit: Unit) -> dict[str, list[str]]:
    """The functions a unit calls, by the other unit's file; what can't be called is reported."""
    found: dict[str, set[str]] = {path: set() for path in unit.remote}
    for module in program.modules(unit.files):
        for item in module.imports:
            target = program.leads_to(module, item.specifier)
            if target in unit.remote:
                assert target is not None
                found[target] |= set(_callable(program, module, item, target, unit))
    return {path: sorted(names) for path, names in sorted(found.items())}


def _callable(program: JavaScriptProgram, module: Module, item: Import, target: str, unit: Unit) -> Iterator[str]:
    other, owner = program.module(target), unit.remote[target]
    if item.reexports:
        message = f'`{target}` belongs to the unit "{owner}" and can\'t be exported again from here'
        program.code.report.error("annotation-call", message, program.span(module, item))
        return
    for name, at in _used(module, item):
        export = other.exports.get(name)
        if _is_router(program, other, name):
            continue
        if export is not None and export.kind == "async":
            yield name
            continue
        if export is not None and export.kind == "type":
            continue
        _refuse(program, other, name, at, owner)


def _is_router(program: JavaScriptProgram, module: Module, name: str) -> bool:
    """Whether an export is a router that moves with its routes; what mounts it gets an empty one."""
    found = program.routers.get(module.path, {})
    return name in found or (name == "default" and NAMESPACE in found) or (name == NAMESPACE and "default" in found)


def _refuse(program: JavaScriptProgram, other: Module, name: str, at: Span, owner: str) -> None:
    export = other.exports.get(name)
    what = f"`{name}` of `{other.path}`" if name != NAMESPACE else f"`{other.path}`"
    if export is None:
        message = f'{what} belongs to the unit "{owner}" and is no named export of it'
    elif export.kind == "sync":
        message = f'{what} belongs to the unit "{owner}" and is no async function'
    else:
        message = f'{what} belongs to the unit "{owner}" and is no function'
    also = [Label(found[1].span, "its unit")] if (found := _owner_span(program, other)) else []
    helps = ("make it an exported `async function` and await it, or put both files into one unit",)
    notes = ("between units only exported async functions can be called",)
    program.code.report.error("annotation-call", message, at, also=also, notes=notes, helps=helps)


def _owner_span(program: JavaScriptProgram, module: Module) -> Any:
    found = module.source.of("execution_unit")
    return (module, found[0][0]) if found else None


def _used(module: Module, item: Import) -> Iterator[tuple[str, Span]]:
    if not item.bindings and item.node.type == "call_expression":
        yield from _used_in_place(module, item.node)
    for binding in item.bindings:
        if binding.imported != NAMESPACE:
            yield binding.imported, item.place.span
            continue
        for node in nodes_of(module.root, ("identifier",)):
            parent = node.parent
            if text_of(node) != binding.local or parent is None or _declares(node, item):
                continue
            at = module.source.text.span(parent.start_byte, parent.end_byte)
            is_member = parent.type == "member_expression" and parent.child_by_field_name("object") == node
            yield (text_of(parent.child_by_field_name("property")) if is_member else NAMESPACE), at


def _used_in_place(module: Module, call: Any) -> Iterator[tuple[str, Span]]:
    """What is done with `require("./b")` that has no name of its own."""
    parent = call.parent
    while parent is not None and parent.type in ("await_expression", "parenthesized_expression"):
        call, parent = parent, parent.parent
    if parent is None or parent.type == "expression_statement":
        return
    picked, is_promise = NAMESPACE, text_of(call.child_by_field_name("function")) == "import"
    if parent.type == "member_expression" and not is_promise:
        picked = text_of(parent.child_by_field_name("property"))
    yield picked, module.source.text.span(call.start_byte, call.end_byte)


def _declares(node: Any, item: Import) -> bool:
    parent = node.parent
    if parent.type in ("namespace_import", "import_clause"):
        return True
    return bool(parent.type == "variable_declarator" and parent.child_by_field_name("name") == node)
