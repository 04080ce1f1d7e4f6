"""What a variable of one module is called in the others: `pets`, `store.pets`, also by way of files that export it
again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from klotho.annotations.languages.javascript.modules import NAMESPACE, Import, Module, text_of
from klotho.annotations.languages.javascript.tree import nodes_of
from klotho.annotations.languages.javascript.wrapping import assigned

if TYPE_CHECKING:
    from klotho.annotations.languages.javascript.program import JavaScriptProgram

_HOLDERS = ("module.exports", "exports")


@dataclass(frozen=True, slots=True)
class Variable:
    file: str
    local: str | None
    """In its file; None where it is only `exports.pets`."""
    exported: tuple[str, ...]
    """`default`, and `*` where it is all that the module exports."""


Exported = Mapping[str, frozenset[str]]
"""By file, the names under which a variable is exported."""


def variable_of(module: Module, statement: Any) -> tuple[Variable, Any] | None:
    """What a statement makes, and the value; None where it makes none or several."""
    name, value = assigned(statement)
    if value is None:
        return None
    if name in ("module.exports", "default"):
        return Variable(module.path, None, (NAMESPACE if name != "default" else name,)), value
    for holder in _HOLDERS:
        if name.startswith(f"{holder}."):
            return Variable(module.path, None, (name.removeprefix(f"{holder}."),)), value
    if not name.isidentifier():
        return None
    exported = tuple(item.name for item in module.exports.values() if item.local == name)
    return Variable(module.path, name, exported), value


def exported_by(program: JavaScriptProgram, modules: Iterable[Module], variable: Variable) -> Exported:
    """The files that export it, themselves or again."""
    found: dict[str, frozenset[str]] = {variable.file: frozenset(variable.exported)}
    waiting = [module for module in modules if module.path != variable.file and module.exports_again]
    changed = True
    while changed:
        changed = False
        for module in waiting:
            names = frozenset(_exported_again(program, module, found)) | found.get(module.path, frozenset())
            if names and names != found.get(module.path):
                found[module.path], changed = names, True
    return found


def _exported_again(program: JavaScriptProgram, module: Module, exported: Exported) -> Iterator[str]:
    for item in module.imports:
        known = exported.get(program.leads_to(module, item.specifier) or "", frozenset())
        if not known:
            continue
        if item.reexports:
            yield from _of_clause(item, known)
            continue
        local = set(_bound(item, known))
        yield from (export.name for export in module.exports.values() if export.local in local)


def _of_clause(item: Import, known: frozenset[str]) -> Iterator[str]:
    """`export { a as b } from "./x"`; `export * from "./x"` leaves out what is the default."""
    clauses = [child for child in item.node.named_children if child.type == "export_clause"]
    if not clauses:
        yield from known - {"default", NAMESPACE}
    for specifier in nodes_of(clauses[0], ("export_specifier",)) if clauses else ():
        name = text_of(specifier.child_by_field_name("name"))
        if name in known:
            yield text_of(specifier.child_by_field_name("alias")) or name


def _bound(item: Import, known: frozenset[str]) -> Iterator[str]:
    """How a module that imports it writes it."""
    for binding in item.bindings:
        if binding.imported in known or (binding.imported == "default" and NAMESPACE in known):
            yield binding.local
        elif binding.imported == NAMESPACE:
            yield from (f"{binding.local}.{name}" for name in known)


def names_in(program: JavaScriptProgram, module: Module, variable: Variable, exported: Exported) -> frozenset[str]:
    """How a module writes the variable; nothing where it does not know it."""
    if module.path == variable.file:
        if variable.local:
            return frozenset({variable.local})
        whole = {"module.exports"} if NAMESPACE in variable.exported else set()
        return frozenset({*whole, *(f"{holder}.{name}" for name in variable.exported for holder in _HOLDERS)})
    names: set[str] = set()
    for item in module.imports:
        known = exported.get(program.leads_to(module, item.specifier) or "") if item.bindings else None
        names |= set(_bound(item, known)) if known else set()
    return frozenset(names)


def mentions(root: Any, names: frozenset[str]) -> Iterator[Any]:
    """Every place where a variable is written by one of these names."""
    for node in nodes_of(root, ("identifier", "member_expression", "shorthand_property_identifier")):
        if text_of(node) in names:
            yield node


def is_declaration(node: Any, declaration: Any) -> bool:
    """Its own declaration, an import, or a name of an export."""
    parent = node.parent
    if parent is None:
        return True
    if parent.type in ("import_specifier", "export_specifier", "pair_pattern", "import_clause", "namespace_import"):
        return True
    if parent.type == "export_statement":
        return True
    if node.type == "shorthand_property_identifier" or parent.type == "pair":
        holder = parent if parent.type == "object" else parent.parent
        return text_of(holder.parent.child_by_field_name("left")) == "module.exports" if holder.parent else False
    if parent.type == "variable_declarator" and parent.child_by_field_name("name") == node:
        return True
    if parent.type == "assignment_expression":
        left = text_of(parent.child_by_field_name("left"))
        return left.startswith(("exports.", "module.exports")) or parent.child_by_field_name("right") == declaration
    return False
