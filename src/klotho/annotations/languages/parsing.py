"""What parsing has in common: annotations of a tree, and the places that are no valid code."""

from __future__ import annotations

from typing import Any

from klotho.annotations.comments import comments_of, target_of
from klotho.annotations.grammar import read_annotations
from klotho.annotations.model import Annotation, Source, Text
from klotho.diagnostics import Report, Severity


def annotated(text: Text, tree: Any, kinds: tuple[str, ...], marker: str, language: str, report: Report) -> Source:
    """The source with its annotations; of several in one comment all stand on what follows it."""
    root = tree.root_node
    _report_syntax(text, root, language, report)
    found: list[Annotation] = []
    targets: dict[int, Any] = {}
    if b"@klotho::" not in text.content:  # most files; looking at every comment takes longer than parsing
        return Source(text, (), tree)
    for comment, node in comments_of(root, text.content, kinds, marker):
        if "@klotho::" not in comment.body:
            continue
        for annotation in read_annotations(text, comment, report):
            targets[len(found)] = target_of(node, kinds)
            found.append(annotation)
    return Source(text, tuple(found), tree, targets)


def _report_syntax(text: Text, root: Any, language: str, report: Report) -> None:
    """The first thing that is no code, as a warning: the rest of the file is read all the same."""
    if not root.has_error:
        return
    stack = [root]
    while stack:
        node = stack.pop()
        if node.type == "ERROR" or node.is_missing:
            end = min(node.end_byte, (text.content + b"\n").find(b"\n", node.start_byte))
            what = f"`{node.type}` is missing here" if node.is_missing else f"this is no valid {language}"
            helps = ("what is around it is compiled all the same",)
            at = text.span(node.start_byte, max(end, node.start_byte))
            report.error("source-syntax", what, at, helps=helps, severity=Severity.WARNING)
            return
        stack.extend(child for child in reversed(node.children) if child.has_error or child.is_missing)
