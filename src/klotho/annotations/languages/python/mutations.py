"""Values that are read from a store, changed in place and not put back: a dict of this machine holds the very object,
a table a copy, so that the change would be lost. Each is warned about at its line.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from klotho.annotations.languages.python.modules import Module, nodes_of, text_of
from klotho.diagnostics import Report, Severity

_MUTATORS = frozenset(
    {"append", "extend", "insert", "remove", "pop", "popitem", "clear", "sort", "reverse", "update", "setdefault"}
    | {"add", "discard", "appendleft", "popleft", "difference_update", "intersection_update"}
)
_WRITTEN = ("assignment", "augmented_assignment", "delete_statement", "call")


def check_mutations(module: Module, name: str, report: Report) -> None:
    """`name`: what the module calls the store: `pets`, `store.pets`."""
    for node in nodes_of(module.root, _WRITTEN):
        for inner in _changed(node):
            if _below(inner, lambda found: _is_read(found, name)):
                _warn(module, node, f"{name}[…]", name, report)
    for scope in nodes_of(module.root, ("function_definition",)):
        inside = list(nodes_of(scope, (*_WRITTEN, "named_expression", "for_statement")))
        if any(_puts(node, name) for node in inside):
            continue
        for variable in sorted({found for node in inside for found in _read_into(node, name)}):
            for node in inside:
                if any(_below(inner, lambda found, held=variable: text_of(found) == held) for inner in _changed(node)):
                    _warn(module, node, variable, name, report)


def _warn(module: Module, node: Any, shown: str, name: str, report: Report) -> None:
    at = module.source.text.span(node.start_byte, node.end_byte)
    message = f"`{shown}` was read from the persisted `{name}`, is changed in place and not put back"
    helps = (
        f"put it back: `{name}[…] = …`" if shown != f"{name}[…]" else f"take it out, change it, put it into `{name}`",
    )
    report.error("annotation-mutation", message, at, helps=helps, severity=Severity.WARNING)


def _changed(node: Any) -> Iterator[Any]:
    """What a statement or call changes from inside: `pet` of `pet.name = …`, `del pet["name"]`, `pet.pop("name")`."""
    if node.type == "call":
        function = node.child_by_field_name("function")
        is_method = function is not None and function.type == "attribute"
        if is_method and text_of(function.child_by_field_name("attribute")) in _MUTATORS:
            yield function.child_by_field_name("object")
        return
    left = node.child_by_field_name("left")
    for target in (left,) if left is not None else node.named_children if node.type == "delete_statement" else ():
        if target.type in ("subscript", "attribute"):
            yield _inner(target)


def _inner(node: Any) -> Any:
    return node.child_by_field_name("value") if node.type == "subscript" else node.child_by_field_name("object")


def _below(node: Any, fits: Any) -> bool:
    """Whether it is what is looked for, or a part of it: `pet["toys"][0]` of `pet`."""
    while node is not None:
        if fits(node):
            return True
        node = _inner(node) if node.type in ("subscript", "attribute") else None
    return False


def _is_read(node: Any, name: str) -> bool:
    """`pets[id]`, `pets.get(id)`, `pets.setdefault(id, [])`, `await cache.get(id)`."""
    while node.type in ("await", "parenthesized_expression") and node.named_children:
        node = node.named_children[0]
    if node.type == "subscript":
        return text_of(node.child_by_field_name("value")) == name
    function = text_of(node.child_by_field_name("function")) if node.type == "call" else ""
    return function in (f"{name}.get", f"{name}.setdefault")


def _read_into(node: Any, name: str) -> Iterator[str]:
    """Variables that hold a value of the store, also in loops over `values()` and `items()`."""
    if node.type == "for_statement":
        over, left = node.child_by_field_name("right"), node.child_by_field_name("left")
        function = text_of(over.child_by_field_name("function")) if over is not None and over.type == "call" else ""
        if left is not None and function in (f"{name}.values", f"{name}.items"):
            yield text_of(left.named_children[-1] if left.named_children else left)
        return
    key, value = ("name", "value") if node.type == "named_expression" else ("left", "right")
    target, read = node.child_by_field_name(key), node.child_by_field_name(value)
    if target is not None and target.type == "identifier" and read is not None and _is_read(read, name):
        yield text_of(target)


def _puts(node: Any, name: str) -> bool:
    """`pets[id] = …`, `pets.update(…)`, `cache.set(…)`."""
    if node.type == "call":
        return text_of(node.child_by_field_name("function")) in (f"{name}.update", f"{name}.set", f"{name}.multi_set")
    left = node.child_by_field_name("left")
    is_item = left is not None and left.type == "subscript"
    return is_item and text_of(left.child_by_field_name("value")) == name
