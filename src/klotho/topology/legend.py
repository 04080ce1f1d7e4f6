"""What colours, lines and boxes mean: only those that the picture has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from klotho.topology.geometry import Point
from klotho.topology.model import EdgeKind, Family, GroupKind, Topology
from klotho.topology.shapes import badge, head_path, line_path, text_at
from klotho.topology.text import width

_FAMILIES: Mapping[Family, str] = {
    "compute": "compute",
    "data": "data",
    "messaging": "messages, schedules",
    "edge": "APIs, sites, domains",
    "identity": "identity, secrets",
    "network": "network",
    "other": "other",
}
_EDGES: Mapping[EdgeKind, str] = {
    "request": "calls",
    "data": "reads or writes",
    "event": "messages and events",
    "link": "refers to",
}
_GROUPS: Mapping[GroupKind, str] = {
    "repository": "a repository",
    "stack": "a CloudFormation stack",
    "construct": "the resources of a construct",
}
ROW = 24


class Legend(NamedTuple):
    svg: str
    width: int
    height: int


class _Entry(NamedTuple):
    sample: str
    room: int
    text: str


def legend(topology: Topology, limit: int) -> Legend:
    """Entries in rows of at most this width, if they fit at all."""
    x, y, widest, pieces = 0, 0, 0, list[str]()
    for entry in _entries(topology):
        room = entry.room + width(entry.text, 11) + 8
        if x and x + room > limit:
            x, y = 0, y + ROW
        pieces.append(
            f'<g transform="translate({x} {y})">{entry.sample}{text_at(entry.room, 14, "legend", entry.text)}</g>'
        )
        widest = max(widest, x + room)
        x += room + 14
    return Legend("".join(pieces), widest, y + ROW if pieces else 0)


def _entries(topology: Topology) -> Iterator[_Entry]:
    families = {node.family for node in topology.nodes}
    kinds = {edge.kind for edge in topology.edges}
    groups = {group.kind for group in topology.groups}
    for family, text in _FAMILIES.items():
        if family in families:
            yield _Entry(badge(0, 1, family, 18), 24, text)
    for kind, text in _EDGES.items():
        if kind in kinds:
            points = (Point(0, 10), Point(34, 10))
            line = f'<path class="edge {kind}" d="{line_path(points)}"/>'
            yield _Entry(f'{line}<path class="head {kind}" d="{head_path(points)}"/>', 40, text)
    for group, text in _GROUPS.items():
        if group in groups:
            yield _Entry(f'<rect class="group {group}" x="0.5" y="2.5" width="22" height="15" rx="4"/>', 28, text)
