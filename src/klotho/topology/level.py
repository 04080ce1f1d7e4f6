"""One level laid out: items side by side, in columns from left to right.

Input: items and links, free of circles. Output: a `Level`. Parts that nothing connects are laid out apart and stand
beside and below each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isqrt

from klotho.topology.columns import columns, ports_of
from klotho.topology.geometry import Box, Point
from klotho.topology.layering import Item, Link, ranks
from klotho.topology.ordering import reduce_crossings
from klotho.topology.placing import settled, tops
from klotho.topology.routing import Level, route

SETTLINGS = 2
"""How often heights and ports are fitted to each other."""
BETWEEN_PARTS = 28
"""Pixels between parts that nothing connects."""


def lay_out(items: Sequence[Item], links: Sequence[Link], hints: Mapping[int, int]) -> Level:
    """`hints`: how far down the end of a link is that lies outside of this level, where that is known."""
    parts = _parts(items, links)
    levels = [_part(part, [link for link in links if _belongs(link, part)], hints) for part in parts]
    bordered = [any(None in (link.tail, link.head) for link in links if _belongs(link, part)) for part in parts]
    return levels[0] if len(levels) == 1 else _packed(levels, bool(bordered and bordered[0]))


def _belongs(link: Link, part: Sequence[Item]) -> bool:
    names = {item.name for item in part}
    return link.tail in names or link.head in names


def _parts(items: Sequence[Item], links: Sequence[Link]) -> list[list[Item]]:
    """Connected items; those that the border connects are one part and come first, then by size."""
    root = {item.name: item.name for item in items}
    border = ""

    def top(name: str) -> str:
        while root[name] != name:
            root[name] = root[root[name]]
            name = root[name]
        return name

    root[border] = border
    for link in links:
        one, other = top(link.tail or border), top(link.head or border)
        root[max(one, other)] = min(one, other)
    parts: dict[str, list[Item]] = {}
    for item in items:
        parts.setdefault(top(item.name), []).append(item)
    return sorted(parts.values(), key=lambda part: (top(part[0].name) != border, -len(part)))


def _part(items: Sequence[Item], links: Sequence[Link], hints: Mapping[int, int]) -> Level:
    made = columns(items, links, ranks([item.name for item in items], links), hints)
    reduce_crossings(made, pinned=bool(hints))
    ports = ports_of(made)
    for _ in range(SETTLINGS):
        placed = tops(made, ports)
        ports = settled(made, ports, placed)
    return route(made, ports, placed)


def _packed(levels: Sequence[Level], first_alone: bool) -> Level:
    """Rows of parts, filled up to the widest part or a picture of 8 by 5."""
    area = sum((level.width + BETWEEN_PARTS) * (level.height + BETWEEN_PARTS) for level in levels)
    limit = max([isqrt(area * 8 // 5), *(level.width for level in levels)])
    x = y = row = width = 0
    items: dict[str, Box] = {}
    lines: dict[int, tuple[Point, ...]] = {}
    labels: dict[int, Box] = {}
    for index, level in enumerate(levels):
        alone = index == 1 and (first_alone or levels[0].height > 2 * level.height)
        if x and (x + level.width > limit or alone):
            x, y, row = 0, y + row + BETWEEN_PARTS, 0
        items |= {name: box.moved(x, y) for name, box in level.items.items()}
        lines |= {name: tuple(point.moved(x, y) for point in points) for name, points in level.lines.items()}
        labels |= {name: box.moved(x, y) for name, box in level.labels.items()}
        width, row = max(width, x + level.width), max(row, level.height)
        x += level.width + BETWEEN_PARTS
    return Level(width, y + row, items, lines, labels)
