"""What the front-end knows of a file: its text, its annotations and what they stand on."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from klotho.diagnostics import Span


@dataclass(frozen=True)
class Text:
    """A file's content; positions are byte offsets, spans count lines and characters from 1."""

    path: str
    """Relative to the annotated folder, with `/`."""
    content: bytes

    @cached_property
    def _starts(self) -> list[int]:
        starts, at = [0], self.content.find(b"\n")
        while at >= 0:
            starts.append(at + 1)
            at = self.content.find(b"\n", at + 1)
        return starts

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column."""
        line = bisect_right(self._starts, offset) - 1
        before = self.content[self._starts[line] : offset]
        return line + 1, len(before.decode("utf-8", "replace")) + 1

    def span(self, start: int, end: int) -> Span:
        return Span(self.path, *self.place(start), *self.place(max(end, start)))


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment, or a run of line comments on consecutive rows, without its markers.

    `positions` holds the byte offset of every character of `body` in the file.
    """

    body: str
    positions: tuple[int, ...]
    end: int
    """Byte offset after the comment."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """`@klotho::persist { id = "pets" }`, read and found to follow the rules."""

    capability: str
    directives: Mapping[str, Any]
    span: Span
    end: int
    """Byte offset after the comment that holds it."""

    @property
    def id(self) -> str | None:
        found = self.directives.get("id")
        return found if isinstance(found, str) else None

    @property
    def title(self) -> str:
        """How messages name it."""
        return f'`@klotho::{self.capability}` "{self.id}"' if self.id else f"`@klotho::{self.capability}`"


@dataclass(frozen=True)
class Source:
    """A file that is parsed, at the latest when its tree is asked for."""

    text: Text
    annotations: tuple[Annotation, ...] = ()
    parse: Callable[[], Any] = field(default=lambda: None, compare=False, repr=False)
    targets: Mapping[int, Any] = field(default_factory=dict, compare=False, repr=False)
    """What each annotation stands on (a node of the tree), by its index."""

    @cached_property
    def tree(self) -> Any:
        """The language's own parse tree. What is asked of every file is better remembered (`CodeBase.said`)."""
        return self.parse()

    @property
    def path(self) -> str:
        return self.text.path

    def of(self, capability: str) -> list[tuple[Annotation, Any]]:
        """Annotations of a capability with what they stand on, None for nothing."""
        found = enumerate(self.annotations)
        return [(item, self.targets.get(index)) for index, item in found if item.capability == capability]

    def target_of(self, annotation: Annotation) -> Any:
        """What an annotation of this file stands on, None for nothing."""
        return next((self.targets.get(at) for at, item in enumerate(self.annotations) if item is annotation), None)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node of a file's tree is. It is looked up when it is asked for: most files need not be parsed."""

    source: Source = field(compare=False, repr=False)
    start: int
    end: int
    kind: str

    @property
    def node(self) -> Any:
        found = self.source.tree.root_node.descendant_for_byte_range(self.start, self.end)
        while found is not None and (found.type, found.start_byte, found.end_byte) != (self.kind, self.start, self.end):
            found = found.parent
        return found

    @property
    def span(self) -> Span:
        return self.source.text.span(self.start, self.end)


def place_of(source: Source, node: Any) -> Place:
    return Place(source, node.start_byte, node.end_byte, node.type)
