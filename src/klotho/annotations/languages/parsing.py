"""What parsing has in common: annotations of a tree, and the places that are no valid code."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from klotho.annotations.comments import comments_of, target_of
from klotho.annotations.grammar import read_annotations
from klotho.annotations.model import Annotation, Source, Text
from klotho.diagnostics import Report, Severity

_UNCHECKED, _HEAD = b"@ts-nocheck", 1000
"""Near the begin of a file: it wants no checks, as what a generator writes says (Prisma's client, for one)."""


def annotated(text: Text, tree: Any, kinds: tuple[str, ...], marker: str, report: Report) -> Source:
    """The source with its annotations; of several in one comment all stand on what follows it."""
    root = tree.root_node
    found: list[Annotation] = []
    targets: dict[int, Any] = {}
    for comment, node in comments_of(root, text.content, kinds, marker):
        if "@klotho::" not in comment.body:
            continue
        for annotation in read_annotations(text, comment, report):
            targets[len(found)] = target_of(node, kinds)
            found.append(annotation)
    return Source(text, tuple(found), lambda: tree, targets)


def first_mistake(text: Text, root: Any, language: str) -> list[Any]:
    """The first thing that is no code: what it is, its start and its end; empty where all of it is."""
    if not root.has_error or _UNCHECKED in text.content[:_HEAD]:
        return []
    stack = [root]
    while stack:
        node = stack.pop()
        if (node.type == "ERROR" or node.is_missing) and not _is_of_newer_typescript(node):
            end = min(node.end_byte, (text.content + b"\n").find(b"\n", node.start_byte))
            what = f"`{node.type}` is missing here" if node.is_missing else f"this is no valid {language}"
            return [what, node.start_byte, max(end, node.start_byte)]
        stack.extend(child for child in reversed(node.children) if child.has_error or child.is_missing)
    return []


def _is_of_newer_typescript(node: Any) -> bool:
    """What its grammar lacks: in ``sql<Row>`…` `` it sees `sql<Row>!` without the `!`, and it does not know the `type`
    of `export type * from "./row"`."""
    if node.is_missing:
        follows = node.parent.next_sibling if node.type == "!" else None
        return follows is not None and follows.type == "template_string"
    return node.text == b"type" and node.parent is not None and node.parent.type == "export_statement"


def report_mistake(text: Text, found: list[Any], report: Report) -> None:
    """A warning: the rest of the file is read all the same. None where a language told an error there."""
    if found:
        what, start, end = found
        if any(item.code == "source-syntax" and item.span == text.span(start, end) for item in report.errors):
            return
        helps = ("what is around it is compiled all the same",)
        report.error("source-syntax", what, text.span(start, end), helps=helps, severity=Severity.WARNING)


def text_of(node: Any) -> str:
    return bytes(node.text).decode("utf-8", "replace") if node is not None else ""


@cache
def _query(grammar: str, kinds: tuple[str, ...]) -> Any:
    from tree_sitter import Language

    return query_of(Language(import_module(grammar).language()), kinds)


def query_of(language: Any, kinds: tuple[str, ...]) -> Any:
    """What `nodes_by` finds nodes of these types with; the grammar must know each of them."""
    from tree_sitter import Query

    return Query(language, f"[{' '.join(f'({kind})' for kind in kinds)}] @found")


def nodes_by(query: Any, root: Any) -> list[Any]:
    """In the order of the file, a node before what it holds; tree-sitter finds them: a walk in Python takes longer."""
    from tree_sitter import QueryCursor

    found = QueryCursor(query).captures(root).get("found", [])
    return sorted(found, key=lambda node: (node.start_byte, -node.end_byte))


def nodes_of(grammar: str, root: Any, kinds: tuple[str, ...]) -> list[Any]:
    """Every node of these types. `grammar`: the module of the language's."""
    return nodes_by(_query(grammar, kinds), root)
