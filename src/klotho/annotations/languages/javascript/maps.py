"""`persist` on a `Map`: what is rewritten, how it is used, and what a Map of this machine would hide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from klotho.annotations.findings import Resource
from klotho.annotations.key_values import table, ttl
from klotho.annotations.languages.javascript.modules import Module, arguments_of, text_of
from klotho.annotations.languages.javascript.tree import nodes_of
from klotho.annotations.languages.javascript.variables import (
    Variable,
    exported_by,
    is_declaration,
    mentions,
    names_in,
    variable_of,
)
from klotho.annotations.languages.javascript.wrapping import wrapped
from klotho.annotations.model import Annotation
from klotho.diagnostics import Report, Severity

if TYPE_CHECKING:
    from klotho.annotations.languages.javascript.program import JavaScriptProgram

READS = frozenset({"get", "has", "keys", "values", "entries", "forEach", "size"})
WRITES = frozenset({"set", "delete", "clear"})
_MUTATORS = frozenset(
    {"push", "pop", "shift", "unshift", "splice", "sort", "reverse", "fill", "copyWithin", "set", "add", "delete"}
    | {"clear", "setTime", "setFullYear", "setMonth", "setDate", "setHours"}
)
_FUNCTIONS = ("function_declaration", "function_expression", "arrow_function", "method_definition")
_AROUND = ("parenthesized_expression", "non_null_expression", "as_expression", "satisfies_expression")
"""What says something of a value and is the value itself."""
SHAPES = "`const pets = new Map()`, `export const pets = new Map()` or `exports.pets = new Map()`"


@dataclass(frozen=True, slots=True)
class StoredMap:
    """A Map that becomes a table."""

    annotation: Annotation
    id: str
    variable: Variable
    new: Any = field(compare=False)
    """The `new Map(…)` expression."""

    @property
    def starts_filled(self) -> bool:
        return bool(arguments_of(self.new))


class Maps:
    shapes = SHAPES

    def resources(
        self, program: JavaScriptProgram, modules: list[Module], module: Module, annotation: Annotation, target: Any
    ) -> Iterator[Resource]:
        """A table, with what the unit does to it."""
        item = stored_map(module, annotation, target)
        if item is None or annotation.directives.get("secret") is True:
            return
        verb = "reads_from" if _only_reads(program, item, modules) else "read_writes_to"
        edits = wrapped(module, item.new, "map.cjs", item.id, program.is_esm(module), after=ttl(annotation))
        yield table(annotation, verb, edits, ("map.cjs",))


def _only_reads(program: JavaScriptProgram, item: StoredMap, modules: list[Module]) -> bool:
    uses, exported = Uses(), exported_by(program, modules, item.variable)
    for module in modules:
        names = names_in(program, module, item.variable, exported)
        if names:
            more = uses_in(module, names, item.new, program.code.report)
            uses.methods |= more.methods
            uses.otherwise |= more.otherwise
    return not uses.otherwise and not item.starts_filled and uses.methods <= READS


def stored_map(module: Module, annotation: Annotation, target: Any) -> StoredMap | None:
    """The Map an annotation stands on; None when its statement has another shape."""
    assert annotation.id is not None
    found = variable_of(module, target)
    if found is None or found[1].type != "new_expression":
        return None
    variable, value = found
    is_map = text_of(value.child_by_field_name("constructor")) == "Map"
    return StoredMap(annotation, annotation.id, variable, value) if is_map else None


@dataclass
class Uses:
    """How a file uses a Map."""

    methods: set[str] = field(default_factory=set)
    otherwise: bool = False
    """Whether it is handed on, so that everything may be done to it."""


def uses_in(module: Module, names: frozenset[str], declaration: Any, report: Report) -> Uses:
    """What the file does with a Map it knows by these names (`pets`, `store.pets`); warns of what is not awaited."""
    uses = Uses()
    for node in mentions(module.root, names):
        parent = node.parent
        if is_declaration(node, declaration):
            continue
        if parent is not None and parent.type == "member_expression" and parent.child_by_field_name("object") == node:
            method = text_of(parent.child_by_field_name("property"))
            uses.methods.add(method)
            _check_await(module, node, parent, method, report)
        elif parent is not None and parent.type == "for_in_statement" and parent.child_by_field_name("right") == node:
            uses.methods.add("entries")
            if not any(child.type == "await" for child in parent.children):
                _not_awaited(module, node, f"for (… of await {text_of(node)}.entries())", report)
        else:
            uses.otherwise = True
    _check_mutations(module, names, report)
    return uses


def _check_await(module: Module, node: Any, member: Any, method: str, report: Report) -> None:
    if method not in READS | WRITES:
        return
    call, above = member, member.parent
    if method != "size":
        if above is None or above.type != "call_expression" or above.child_by_field_name("function") != member:
            return
        call, above = above, above.parent
    if not _is_awaited(call, above):
        _not_awaited(module, call, f"await {text_of(call).splitlines()[0][:60]}", report)


def _is_awaited(node: Any, above: Any) -> bool:
    """Awaited, given back as it is, or handled as a promise (`.then`, `Promise.all([…])`)."""
    while above is not None and above.type in (*_AROUND, "array", "arguments", "spread_element"):
        if above.type == "arguments":
            return text_of(above.parent.child_by_field_name("function")).startswith("Promise.")
        node, above = above, above.parent
    if above is None:
        return False
    if above.type == "member_expression":
        return text_of(above.child_by_field_name("property")) in ("then", "catch", "finally")
    is_body = above.type == "arrow_function" and above.child_by_field_name("body") == node
    return above.type in ("await_expression", "return_statement") or is_body


def _not_awaited(module: Module, node: Any, instead: str, report: Report) -> None:
    at = module.source.text.span(node.start_byte, node.end_byte)
    message = "an operation of a persisted Map is not awaited"
    report.error("annotation-await", message, at, helps=(f"write `{instead}`",), severity=Severity.WARNING)


def _check_mutations(module: Module, names: frozenset[str], report: Report) -> None:
    for declarator in nodes_of(module.root, ("variable_declarator",)):
        store = _read_from(declarator.child_by_field_name("value"), names)
        name, scope = declarator.child_by_field_name("name"), _function_around(declarator)
        if store is None or name is None or name.type != "identifier" or scope is None:
            continue
        if any(text_of(call.child_by_field_name("function")) == f"{store}.set" for call in _calls(scope)):
            continue
        for place in _changes(scope, text_of(name)):
            at = module.source.text.span(place.start_byte, place.end_byte)
            message = f"`{text_of(name)}` was read from a persisted Map, is changed in place and not put back"
            helps = (f"put it back: `await {store}.set(…, {text_of(name)})`",)
            report.error("annotation-mutation", message, at, helps=helps, severity=Severity.WARNING)


def _read_from(value: Any, names: Iterable[str]) -> str | None:
    """The Map whose `get` this is the awaited result of."""
    while value is not None and value.type in ("await_expression", *_AROUND) and value.named_children:
        value = value.named_children[0]
    if value is None or value.type != "call_expression":
        return None
    function = text_of(value.child_by_field_name("function"))
    return next((name for name in names if function == f"{name}.get"), None)


def _function_around(node: Any) -> Any:
    while node is not None and node.type not in _FUNCTIONS:
        node = node.parent
    return node


def _calls(scope: Any) -> list[Any]:
    return nodes_of(scope, ("call_expression",))


def _changes(scope: Any, name: str) -> Iterator[Any]:
    prefixes = (f"{name}.", f"{name}[")
    for node in nodes_of(
        scope, ("assignment_expression", "augmented_assignment_expression", "update_expression", "unary_expression")
    ):
        changed = node.child_by_field_name("left") or node.child_by_field_name("argument")
        if node.type == "unary_expression" and not text_of(node).startswith("delete"):
            continue
        if changed is not None and text_of(changed).startswith(prefixes):
            yield node
    for call in _calls(scope):
        function = call.child_by_field_name("function")
        if function is not None and function.type == "member_expression":
            is_its = (text_of(function.child_by_field_name("object")) + ".").startswith(prefixes)
            if is_its and text_of(function.child_by_field_name("property")) in _MUTATORS:
                yield call
