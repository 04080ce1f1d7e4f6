"""Where a file names what another file of the module defines, and whether what it names is changed there.

Input: two files. Output: nodes of the first one. A name that a function declares itself is not that of the package.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from klotho.annotations.languages.go.modules import FUNCTIONS, GoFile, nodes_of, text_of
from klotho.annotations.languages.go.packages import Packages, folder_of

_DECLARES = {
    "parameter_declaration": "name",
    "variadic_parameter_declaration": "name",
    "var_spec": "name",
    "const_spec": "name",
    "short_var_declaration": "left",
    "range_clause": "left",
}
_PARTS = {"selector_expression": "operand", "index_expression": "operand", "slice_expression": "operand"}


class References:
    """What files of a module name of each other; each file is searched once."""

    def __init__(self, packages: Packages) -> None:
        self._packages = packages
        self._nodes: dict[tuple[str, bool], dict[str, list[Any]]] = {}
        self._found: dict[tuple[str, str], list[tuple[str, Any]]] = {}
        self._changed: dict[tuple[str, str], bool] = {}

    def of(self, file: GoFile, other: GoFile) -> list[tuple[str, Any]]:
        """Names that the other file defines at its top, with the nodes that name them: `pets`, `store.Pets`."""
        key = (file.path, other.path)
        if key not in self._found:
            self._found[key] = list(self._search(file, other))
        return self._found[key]

    def _search(self, file: GoFile, other: GoFile) -> Iterator[tuple[str, Any]]:
        folder = folder_of(other.path)
        near, locals_ = folder_of(file.path) == folder, file.locals_of(self._packages.import_path(folder))
        for local in locals_ if not near else ():
            wanted = [name for name in other.defines if f"{local}.{name}" in file.selected]
            for name in wanted:
                for node in self._named(file, is_selected=True).get(f"{local}.{name}", ()):
                    if not _is_local(node, local):
                        yield name, node
        if near or "." in locals_:
            for name in sorted(file.names & other.defines.keys()):
                for node in self._named(file, is_selected=False).get(name, ()):
                    if not _is_key(node) and not _is_local(node, name):
                        yield name, node

    def _named(self, file: GoFile, is_selected: bool) -> dict[str, list[Any]]:
        """Nodes of a file by their text: `store.Pets`, or names by themselves."""
        if (file.path, is_selected) not in self._nodes:
            kinds = ("selector_expression", "qualified_type") if is_selected else ("identifier", "type_identifier")
            found = self._nodes.setdefault((file.path, is_selected), {})
            for node in nodes_of(file.root, kinds):
                found.setdefault(text_of(node), []).append(node)
        return self._nodes[file.path, is_selected]

    def is_changed(self, file: GoFile, name: str) -> bool:
        """Whether something is done to a variable of the module, as far as can be seen: what is never changed is the
        same in each unit. A method that is called of it may do so."""
        key = (file.path, name)
        if key not in self._changed:
            self._changed[key] = any(
                found == name and (changes(node) or _is_method_called(node))
                for other in self._packages.files(self._packages.paths)
                for found, node in self.of(other, file)
            )
        return self._changed[key]


def _is_key(node: Any) -> bool:
    """Whether it is the name of a field in a literal: `Pet{name: "Rex"}`."""
    item = node.parent
    pair = item.parent if item is not None and item.type == "literal_element" else None
    return pair is not None and pair.type == "keyed_element" and pair.named_children[0] == item


def _is_local(node: Any, name: str) -> bool:
    scope = node.parent
    while scope is not None:
        if scope.type in FUNCTIONS and name in _declared_in(scope):
            return True
        scope = scope.parent
    return False


def _declared_in(function: Any) -> set[str]:
    found = set()
    for item in nodes_of(function, tuple(_DECLARES)):
        for child in item.children_by_field_name(_DECLARES[item.type]):
            found |= {text_of(node) for node in nodes_of(child, ("identifier",))}
    return found


def changes(node: Any, itself: bool = True) -> bool:
    """Whether what a node names is changed where it stands. `itself`: whether another value for the name counts, too,
    and not only what is done to what it holds."""
    parts = 0
    while True:
        above = node.parent
        if above is None:
            return False
        is_part = above.type in _PARTS and above.child_by_field_name(_PARTS[above.type]) == node
        is_pointed = above.type == "unary_expression" and text_of(above).startswith("*")
        if not is_part and not is_pointed and above.type != "parenthesized_expression":
            break
        parts += above.type != "parenthesized_expression"
        node = above
    return (itself or parts > 0) and _is_target(node, above)


def _is_target(node: Any, above: Any) -> bool:
    if above.type in ("inc_statement", "dec_statement"):
        return True
    if above.type == "unary_expression":
        return text_of(above).startswith("&")
    if above.type == "argument_list":
        return text_of(above.parent.child_by_field_name("function")) in ("delete", "clear", "copy")
    if above.type == "expression_list":
        statement = above.parent
        assigns = statement is not None and statement.type in ("assignment_statement", "range_clause")
        return assigns and statement.child_by_field_name("left") == above and ":=" not in _operator(statement)
    return False


def _operator(statement: Any) -> str:
    """What stands between both sides."""
    return next((child.type for child in statement.children if child.type in ("=", ":=")), "=")


def _is_method_called(node: Any) -> bool:
    above = node.parent
    call = above.parent if above is not None and above.type == "selector_expression" else None
    return (
        call is not None
        and call.type == "call_expression"
        and call.child_by_field_name("function") == above
        and above.child_by_field_name("operand") == node
    )
