"""A topology as SVG: text that can be selected and searched, in the reader's font and theme.

Input: a topology and a theme. Output: a `Drawing`, with the same bytes for the same topology.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from klotho.topology.arranging import Arrangement, arrange
from klotho.topology.geometry import Box
from klotho.topology.legend import legend
from klotho.topology.measuring import BADGE, INSET, NAME_LINE, SMALL, SMALL_LINE, NodeText, Texts, measure
from klotho.topology.model import Edge, Group, Node, Topology
from klotho.topology.palette import Theme, style_sheet
from klotho.topology.shapes import badge, head_path, line_path, plain, text_at
from klotho.topology.text import width, wrapped

MARGIN = 24
VIEWS = {
    "dataflow": "what uses what",
    "resources": "resources and what they refer to",
    "project": "what goes between its applications",
}


class Drawing(NamedTuple):
    """A picture and how large it is, in pixels."""

    svg: bytes
    width: int
    height: int


def draw(topology: Topology, theme: Theme = "auto") -> Drawing:
    texts = measure(topology)
    arrangement = arrange(topology, texts.sizes)
    heading = wrapped(f"{topology.title}: {VIEWS[topology.view]}", max(arrangement.width, 420), 16, bold=True)
    top = MARGIN + 20 * len(heading) + 12
    key = legend(topology, max(arrangement.width, 420))
    total = max(arrangement.width, key.width, *(width(line, 16, bold=True) for line in heading)) + 2 * MARGIN
    bottom = top + arrangement.height + MARGIN
    height = bottom + key.height + MARGIN
    pieces = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="{height}" viewBox="0 0 {total} {height}" '
        'role="img" aria-labelledby="title about">',
        f'<title id="title">{plain(topology.title)}</title>',
        f'<desc id="about">{plain(_described(topology))}</desc>',
        f"<style>{style_sheet(theme)}</style>",
        '<rect class="canvas" width="100%" height="100%"/>',
        *(text_at(MARGIN, MARGIN + 14 + 20 * index, "heading", line) for index, line in enumerate(heading)),
        f'<g transform="translate({MARGIN} {top})">',
        *_contents(topology, texts, arrangement),
        "</g>",
        f'<g transform="translate({MARGIN} {bottom})">{key.svg}</g>',
        "</svg>",
    ]
    return Drawing(("\n".join(pieces) + "\n").encode(), total, height)


def _described(topology: Topology) -> str:
    """What a reader hears who does not see the picture."""
    titles = {node.id: node.title for node in topology.nodes}
    lines = [
        f"{titles[edge.source]} to {titles[edge.target]}: {', '.join(edge.labels) or edge.verb.replace('_', ' ')}."
        for edge in topology.edges[:100]
    ]
    more = [f"And {len(topology.edges) - 100} more."] if len(topology.edges) > 100 else []
    return " ".join([f"{len(topology.nodes)} nodes and {len(topology.edges)} edges.", *lines, *more])


def _contents(topology: Topology, texts: Texts, arrangement: Arrangement) -> Iterator[str]:
    depth = {group.id: _depth(topology, group) for group in topology.groups}
    for group in sorted(topology.groups, key=lambda group: depth[group.id]):
        if group.id in arrangement.groups:
            yield _group(group, arrangement.groups[group.id])
    for edge in topology.edges:
        yield _edge(edge, texts, arrangement)
    for node in topology.nodes:
        yield _node(node, texts.nodes[node.id], arrangement.nodes[node.id])


def _depth(topology: Topology, group: Group) -> int:
    parents = {item.id: item.parent for item in topology.groups}
    depth, parent = 1, group.parent
    while parent is not None:
        depth, parent = depth + 1, parents[parent]
    return depth


def _group(group: Group, box: Box) -> str:
    return (
        f'<rect class="group {group.kind}" x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="10"/>'
        + text_at(box.x + 12, box.y + 16, "caption", group.title)
    )


def _edge(edge: Edge, texts: Texts, arrangement: Arrangement) -> str:
    points = arrangement.lines[edge.key]
    lines = texts.labels.get(edge.key, ())
    title = f"{edge.source} → {edge.target}: {edge.verb.replace('_', ' ')}"
    pieces = [
        f"<g><title>{plain(title)}</title>",
        f'<path class="edge {edge.kind}" d="{line_path(points)}"/>',
        f'<path class="head {edge.kind}" d="{head_path(points)}"/>',
    ]
    if lines:
        box = arrangement.labels[edge.key]
        pieces += [
            text_at(box.x, box.y + SMALL + SMALL_LINE * index, f"label {edge.kind}", line)
            for index, line in enumerate(lines)
        ]
    return "".join([*pieces, "</g>"])


def _node(node: Node, text: NodeText, box: Box) -> str:
    pieces = [
        f"<g><title>{plain(node.id)}</title>",
        f'<rect class="node" x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="8"/>',
        badge(box.x + INSET, box.y + (box.height - BADGE) // 2, node.family, BADGE),
    ]
    x, y = box.x + 2 * INSET + BADGE, box.y + (box.height - text.height) // 2
    for line in text.title:
        pieces.append(text_at(x, y + 13, "name", line))
        y += NAME_LINE
    for line in text.subtitle:
        pieces.append(text_at(x, y + SMALL, "service", line))
        y += SMALL_LINE
    return "".join([*pieces, "</g>"])
