"""Comments of a parse tree, without their markers and with the place of every character; and what they stand on.

Line comments on consecutive rows are one comment, block comments stand for themselves. URLs in strings stay whole:
only the marker at the start of a line is taken away.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from klotho.annotations.model import Comment

_MARGIN = re.compile(r"[ \t]*\*(?!/)[ \t]?")


def comments_of(root: Any, content: bytes, kinds: tuple[str, ...], line_marker: str) -> Iterator[tuple[Comment, Any]]:
    """Each comment with its last node, in the file's order."""
    run: list[Any] = []
    for node in nodes_of(root, kinds):
        is_line = content.startswith(line_marker.encode(), node.start_byte)
        if not is_line:
            yield from _line_run(run, content, line_marker)
            run = []
            yield _block(node, content), node
            continue
        if run and not _continues(run[-1], node, content):
            yield from _line_run(run, content, line_marker)
            run = []
        run.append(node)
    yield from _line_run(run, content, line_marker)


def line_comments(content: bytes, marker: str) -> Iterator[Comment]:
    """Of a file without a parse tree, whose comments begin lines."""
    parts: list[tuple[str, int]] = []
    start = 0
    for line in [*content.split(b"\n"), b""]:
        stripped, end = line.lstrip(), start + len(line)
        if stripped.startswith(marker.encode()):
            text = stripped[len(marker) :]
            parts += [(text.decode("utf-8", "replace"), end - len(text)), ("\n", end)]
        elif parts:
            yield _joined(parts, parts[-1][1])
            parts = []
        start = end + 1


def nodes_of(root: Any, kinds: tuple[str, ...]) -> Iterator[Any]:
    """Every node of these types, in order; iterative, so that no depth of nesting is too much."""
    stack = [root]
    while stack:
        node = stack.pop()
        if node.type in kinds:
            yield node
        stack.extend(reversed(node.children))


def target_of(node: Any, kinds: tuple[str, ...]) -> Any:
    """The statement after a comment: its next named sibling that is no comment; None for a trailing comment."""
    before = node.prev_named_sibling
    if before is not None and before.type not in kinds and before.end_point[0] == node.start_point[0]:
        return None
    found = node.next_named_sibling
    while found is not None and found.type in kinds:
        found = found.next_named_sibling
    return found


def _continues(before: Any, node: Any, content: bytes) -> bool:
    """On the row after it, with nothing but the comment on its own row."""
    if node.start_point[0] != before.start_point[0] + 1:
        return False
    line = content[content.rfind(b"\n", 0, node.start_byte) + 1 : node.start_byte]
    return not line.strip()


def _line_run(run: list[Any], content: bytes, marker: str) -> Iterator[tuple[Comment, Any]]:
    if not run:
        return
    parts: list[tuple[str, int]] = []
    for node in run:
        start = node.start_byte + len(marker)
        parts += [(content[start : node.end_byte].decode("utf-8", "replace"), start), ("\n", node.end_byte)]
    yield _joined(parts, run[-1].end_byte), run[-1]


def _block(node: Any, content: bytes) -> Comment:
    start, end = node.start_byte + 2, node.end_byte
    if content[end - 2 : end] == b"*/" and end - 2 >= start:
        end -= 2
    parts: list[tuple[str, int]] = []
    for number, line in enumerate(content[start:end].split(b"\n")):
        text = line.decode("utf-8", "replace")
        margin = _MARGIN.match(text) if number else None
        skip = margin.end() if margin else 0
        parts += [(text[skip:], start + skip), ("\n", start + len(line))]
        start += len(line) + 1
    return _joined(parts, node.end_byte)


def _joined(parts: list[tuple[str, int]], end: int) -> Comment:
    body: list[str] = []
    positions: list[int] = []
    for text, at in parts:
        body.append(text)
        for char in text:
            positions.append(at)
            at += len(char.encode("utf-8", "replace"))
    return Comment("".join(body), tuple(positions), end)
