"""What a package does when a program starts, whoever calls it later: values of variables at its top, and `init`.

A unit is built of whole packages. Of the files that it has only because of that, this is what runs in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from klotho.annotations.languages.go.modules import GoFile, functions_of, nodes_of, text_of
from klotho.annotations.model import Annotation, Source


@dataclass(frozen=True)
class Part:
    """What of a file runs in a unit."""

    file: GoFile
    nodes: tuple[Any, ...] | None = None
    """None for all of it, which is not parsed for that."""

    @property
    def root(self) -> tuple[Any, ...]:
        return (self.file.root,) if self.nodes is None else self.nodes

    @property
    def source(self) -> Source:
        return self.file.source

    def of(self, capability: str) -> list[tuple[Annotation, Any]]:
        """Annotations whose statements run."""
        return [(item, node) for item, node in self.source.of(capability) if node is not None and self.has(node)]

    def has(self, node: Any) -> bool:
        return self.nodes is None or any(
            one.start_byte <= node.start_byte and node.end_byte <= one.end_byte for one in self.nodes
        )


def started(files: Iterable[GoFile]) -> Mapping[str, Part]:
    """By file of one package, what runs when a program starts: values, `init`, and the functions and methods that these
    name, and so on. A name is looked at as it is written."""
    functions: dict[str, list[tuple[GoFile, Any]]] = {}
    waiting: list[tuple[GoFile, Any]] = []
    for file in files:
        waiting += [(file, node) for node in file.root.children if node.type == "var_declaration"]
        for node in functions_of(file.root):
            functions.setdefault(text_of(node.child_by_field_name("name")), []).append((file, node))
    waiting += functions.pop("init", [])
    found: dict[str, list[Any]] = {}
    by_path = {}
    while waiting:
        file, node = waiting.pop()
        by_path[file.path] = file
        found.setdefault(file.path, []).append(node)
        for name in {text_of(item) for item in nodes_of(node, ("identifier", "field_identifier"))}:
            waiting += functions.pop(name, [])
    return {path: Part(by_path[path], tuple(nodes)) for path, nodes in found.items()}
