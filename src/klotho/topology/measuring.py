"""Texts broken into lines, and the room they take.

Input: a topology. Output: `Texts` and the `Sizes` that the arrangement needs. Nothing is cut: what is too long for a
line goes on in the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from klotho.topology.arranging import Sizes
from klotho.topology.geometry import Size
from klotho.topology.model import Edge, EdgeKey, Node, Topology
from klotho.topology.text import width, wrapped

NAME, SMALL = 13, 11
"""Sizes of text in pixels: names of nodes, and everything else."""
NAME_LINE, SMALL_LINE = 17, 14
"""Heights of their lines."""
NODE_LIMIT, LABEL_LIMIT = 210, 190
"""The widest line in a node, and of an edge's label."""
BADGE = 28
INSET = 10
"""Pixels around a node's badge and texts."""


class NodeText(NamedTuple):
    title: tuple[str, ...]
    subtitle: tuple[str, ...]

    @property
    def height(self) -> int:
        return NAME_LINE * len(self.title) + SMALL_LINE * len(self.subtitle)


class Texts(NamedTuple):
    nodes: Mapping[str, NodeText]
    labels: Mapping[EdgeKey, tuple[str, ...]]
    sizes: Sizes


def measure(topology: Topology) -> Texts:
    nodes = {node.id: _node_text(node) for node in topology.nodes}
    labels = {edge.key: lines for edge in topology.edges if (lines := _label_lines(edge))}
    sizes = Sizes(
        {name: _node_size(text) for name, text in nodes.items()},
        {key: _label_size(lines) for key, lines in labels.items()},
        {group.id: width(group.title, SMALL) for group in topology.groups},
    )
    return Texts(nodes, labels, sizes)


def _node_text(node: Node) -> NodeText:
    subtitle = wrapped(node.subtitle, NODE_LIMIT, SMALL) if node.subtitle.strip() else ()
    return NodeText(wrapped(node.title, NODE_LIMIT, NAME, bold=True), subtitle)


def _label_lines(edge: Edge) -> tuple[str, ...]:
    return tuple(line for label in edge.labels if label.strip() for line in wrapped(label, LABEL_LIMIT, SMALL))


def _node_size(text: NodeText) -> Size:
    widest = max(
        max(width(line, NAME, bold=True) for line in text.title),
        max((width(line, SMALL) for line in text.subtitle), default=0),
    )
    wide = max(150, BADGE + widest + 3 * INSET)
    return Size(-(-wide // 10) * 10, max(BADGE, text.height) + 2 * INSET)


def _label_size(lines: tuple[str, ...]) -> Size:
    return Size(max(width(line, SMALL) for line in lines), SMALL_LINE * len(lines))
