"""Where everything of a picture stands: groups are laid out from the inside out, each as one item of the next level.

Input: a topology and the sizes of its texts. Output: an `Arrangement`. An edge that leaves a group does so over its
left or right border, at a height that the group's own layout gives it; the next level takes it from there. So a group's
box holds its members and nothing else. Three layouts are made, each knowing how high edges ended in the one before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from klotho.topology.columns import PORT_GAP
from klotho.topology.geometry import Box, Point, Size
from klotho.topology.layering import Item, Link, backward
from klotho.topology.level import lay_out
from klotho.topology.model import EdgeKey, Topology
from klotho.topology.routing import Level, straightened

PADDING = 12
"""From a group's border to its members, in pixels."""
CAPTION = 24
"""Height of a group's caption."""
LAYOUTS = 3
MANY = 300
"""Edges from which a layout less is made."""


@dataclass(frozen=True)
class Arrangement:
    """Coordinates of everything, from the upper left corner of the nodes' area."""

    width: int
    height: int
    nodes: Mapping[str, Box]
    groups: Mapping[str, Box]
    """Groups without any node have no box."""
    lines: Mapping[EdgeKey, tuple[Point, ...]]
    """Horizontal and vertical pieces from source to target."""
    labels: Mapping[EdgeKey, Box]


class Sizes(NamedTuple):
    """How much room texts take."""

    nodes: Mapping[str, Size]
    labels: Mapping[EdgeKey, Size]
    captions: Mapping[str, int]
    """The width of each group's caption."""


class _Child(NamedTuple):
    """A node or a group within the group around it."""

    is_group: bool
    id: str

    @property
    def name(self) -> str:
        return f"{'group' if self.is_group else 'node'} {self.id}"


class _Way(NamedTuple):
    """An edge from left to right, and the group in whose level it goes from one child to another."""

    key: EdgeKey
    tail: str
    head: str
    level: str | None


@dataclass(frozen=True)
class _Laid:
    """A group's inside with its border."""

    size: Size
    nodes: Mapping[str, Box]
    groups: Mapping[str, Box]
    lines: Mapping[int, tuple[Point, ...]]
    labels: Mapping[int, Box]
    ports: Mapping[tuple[int, str], int]

    def moved(self, x: int, y: int) -> _Laid:
        return replace(
            self,
            nodes={name: box.moved(x, y) for name, box in self.nodes.items()},
            groups={name: box.moved(x, y) for name, box in self.groups.items()},
            lines={name: tuple(point.moved(x, y) for point in points) for name, points in self.lines.items()},
            labels={name: box.moved(x, y) for name, box in self.labels.items()},
        )


def arrange(topology: Topology, sizes: Sizes) -> Arrangement:
    layout = _Layout(topology, sizes)
    laid = layout.lay(None, {})
    again = LAYOUTS - 1 if len(layout.ways) < MANY else LAYOUTS - 2
    for _ in range(again if layout.nested else 0):
        laid = layout.lay(None, {name: box.y + box.height // 2 for name, box in laid.nodes.items()})
    lines, labels = {}, {}
    for number, way in enumerate(layout.ways):
        points = straightened(laid.lines[number])
        lines[way.key] = points if way.tail == way.key.source else points[::-1]
        if number in laid.labels:
            labels[way.key] = laid.labels[number]
    return Arrangement(*laid.size, laid.nodes, laid.groups, lines, labels)


class _Layout:
    def __init__(self, topology: Topology, sizes: Sizes) -> None:
        self.sizes = sizes
        self.above = {node.id: _path(topology, node.group) for node in topology.nodes}
        """The groups around each node, from the outermost; the first is the picture itself (None)."""
        self.children: dict[str | None, list[_Child]] = {None: []}
        for node in topology.nodes:
            path = self.above[node.id]
            for outer, inner in zip(path, [*path[1:], None], strict=True):
                child = _Child(False, node.id) if inner is None else _Child(True, inner)
                if child not in self.children.setdefault(outer, []):
                    self.children[outer].append(child)
        self.lone = {
            group: children[0].id
            for group, children in self.children.items()
            if group is not None and len(children) == 1 and not children[0].is_group
        }
        """Groups of one node, and that node: their borders let lines pass wherever they come from."""
        self.nested = any(group is not None and group not in self.lone for group in self.children)
        self.ways = self._ways(topology)
        self.heights = self._heights()

    def child(self, group: str | None, node: str) -> _Child | None:
        """What in the group is or holds the node; None when the node is outside."""
        path = self.above[node]
        if group not in path:
            return None
        place = path.index(group) + 1
        inner = path[place] if place < len(path) else None
        return _Child(False, node) if inner is None else _Child(True, inner)

    def _ways(self, topology: Topology) -> list[_Way]:
        level_of: dict[EdgeKey, str | None] = {}
        pairs: dict[str | None, list[tuple[str, str]]] = {}
        ends: dict[EdgeKey, tuple[str, str]] = {}
        for edge in topology.edges:
            common = [one for one in self.above[edge.source] if one in self.above[edge.target]]
            level_of[edge.key] = common[-1]
            one, other = self.child(common[-1], edge.source), self.child(common[-1], edge.target)
            assert one is not None and other is not None
            ends[edge.key] = (one.name, other.name)
            pairs.setdefault(common[-1], []).append(ends[edge.key])
        turned = {
            level: backward([child.name for child in self.children[level]], items) for level, items in pairs.items()
        }
        return [
            _Way(key, key.target, key.source, level) if ends[key] in turned[level] else _Way(key, *key[:2], level)
            for key, level in level_of.items()
        ]

    def _heights(self) -> dict[str, int]:
        """Nodes grow with the lines that touch a side."""
        west, east = dict.fromkeys(self.above, 0), dict.fromkeys(self.above, 0)
        for way in self.ways:
            east[way.tail] += 1
            west[way.head] += 1
        return {
            name: max(size.height, PORT_GAP * max(west[name], east[name]) + 6)
            for name, size in self.sizes.nodes.items()
        }

    def lay(self, group: str | None, heights: Mapping[str, int]) -> _Laid:
        """`heights`: how far down each node was in an earlier layout."""
        inside = {
            child.name: self.lay(child.id, heights)
            for child in self.children.get(group, ())
            if child.is_group and child.id not in self.lone
        }
        items = [self._item(child, inside.get(child.name)) for child in self.children.get(group, ())]
        links, hints = [], {}
        for number, way in enumerate(self.ways):
            tail, head = self.child(group, way.tail), self.child(group, way.head)
            if tail == head:  # both elsewhere, or both in one group
                continue
            label = self.sizes.labels.get(way.key) if way.level == group else None
            turned = way.tail != way.key.source
            links.append(Link(number, tail and tail.name, head and head.name, label, turned))
            if heights and (tail is None or head is None):
                hints[number] = heights[way.tail if tail is None else way.head]
        level = lay_out(items, links, hints)
        parts = {name: laid.moved(level.items[name].x, level.items[name].y) for name, laid in inside.items()}
        for child in self.children.get(group, ()):
            if child.is_group and child.id in self.lone:
                parts[child.name] = self._around_one(child.id, level.items[child.name], links, level)
        return self._framed(group, level, links, parts)

    def _item(self, child: _Child, laid: _Laid | None) -> Item:
        if laid is not None:
            return Item(child.name, *laid.size, laid.ports)
        node = self.lone[child.id] if child.is_group else child.id
        width, height = self.sizes.nodes[node].width, self.heights[node]
        if not child.is_group:
            return Item(child.name, width, height)
        wide = max(width, self.sizes.captions[child.id]) + 2 * PADDING
        return Item(child.name, wide, height + CAPTION + PADDING, None, CAPTION, PADDING)

    def _around_one(self, group: str, frame: Box, links: Sequence[Link], level: Level) -> _Laid:
        """The inside of a group of one node: lines go straight on from the border to the node."""
        node, name = self.lone[group], _Child(True, group).name
        width, height = self.sizes.nodes[node].width, self.heights[node]
        box = Box(frame.x + (frame.width - width) // 2, frame.y + CAPTION, width, height)
        lines: dict[int, tuple[Point, ...]] = {}
        for link in links:
            if link.tail == name:
                lines[link.number] = (Point(box.right, level.lines[link.number][0].y),)
            if link.head == name:
                lines[link.number] = (Point(box.x, level.lines[link.number][-1].y),)
        return _Laid(Size(frame.width, frame.height), {node: box}, {group: frame}, lines, {}, {})

    def _framed(self, group: str | None, level: Level, links: list[Link], parts: Mapping[str, _Laid]) -> _Laid:
        """The level and everything in its groups as one piece, with the group's border around it."""
        side, above = (0, 0) if group is None else (PADDING, CAPTION)
        width = level.width + 2 * side
        if group is not None:
            width = max(width, self.sizes.captions[group] + 2 * PADDING)
        size = Size(width, level.height + above + side)
        lines: dict[int, tuple[Point, ...]] = {}
        ports: dict[tuple[int, str], int] = {}
        for part in parts.values():
            lines |= part.lines
        for link in links:
            own = [*level.lines[link.number]]
            if link.tail is None:
                ports[(link.number, "west")] = own[0].y + above
                own.insert(0, Point(-side, own[0].y))
            if link.head is None:
                ports[(link.number, "east")] = own[-1].y + above
                own.append(Point(width - side, own[-1].y))
            before = parts[link.tail].lines[link.number] if link.tail is not None and link.tail in parts else ()
            after = parts[link.head].lines[link.number] if link.head is not None and link.head in parts else ()
            lines[link.number] = (*before, *own, *after)
        laid = _Laid(size, {}, {}, lines, dict(level.labels), ports)
        nodes: dict[str, Box] = {}
        groups: dict[str, Box] = {}
        for name, box in level.items.items():
            if name not in parts:
                nodes[name.removeprefix("node ")] = box
        for part in parts.values():
            nodes |= part.nodes
            groups |= part.groups
            laid = replace(laid, labels={**laid.labels, **part.labels})
        framed = replace(laid, nodes=nodes, groups=groups).moved(side, above)
        return framed if group is None else replace(framed, groups={**framed.groups, group: Box(0, 0, *size)})


def _path(topology: Topology, group: str | None) -> list[str | None]:
    parents = {item.id: item.parent for item in topology.groups}
    path: list[str | None] = []
    while group is not None:
        path.append(group)
        group = parents[group]
    return [None, *reversed(path)]
