"""Finds nodes of a tree by their type, in tree-sitter's own code: a walk in Python takes far longer."""

from __future__ import annotations

from functools import cache
from typing import Any

from klotho.annotations.languages.parsing import nodes_by, query_of


@cache
def grammar(suffix: str) -> Any:
    """Of a file's ending. TypeScript's is another one in .tsx: `<any>value` is an element there."""
    from tree_sitter import Language

    if suffix == ".tsx":
        import tree_sitter_typescript

        return Language(tree_sitter_typescript.language_tsx())
    if suffix in (".ts", ".cts", ".mts"):
        import tree_sitter_typescript

        return Language(tree_sitter_typescript.language_typescript())
    import tree_sitter_javascript

    return Language(tree_sitter_javascript.language())


@cache
def _query(suffix: str, kinds: tuple[str, ...]) -> Any:
    """None where the grammar has none of these types: JavaScript knows no `type_alias_declaration`."""
    known = tuple(kind for kind in kinds if grammar(suffix).id_for_node_kind(kind, True))
    return query_of(grammar(suffix), known) if known else None


def nodes_of(root: Any, kinds: tuple[str, ...]) -> list[Any]:
    """Every node of these types, a node before what it holds."""
    query = _query(_suffix(root), kinds)
    found = nodes_by(query, root) if query is not None else []
    # Types are checked for trees that are an error as a whole, whose grammar can't be told.
    return [node for node in found if node.type in kinds]


@cache
def _suffixes() -> dict[int, str]:
    return {grammar(suffix).id_for_node_kind("program", True): suffix for suffix in (".js", ".ts", ".tsx")}


def _suffix(node: Any) -> str:
    """An ending with the grammar of a node's tree, told by the number of its root: a node does not know its grammar."""
    while node.parent is not None:
        node = node.parent
    return _suffixes().get(node.kind_id, ".js")
