"""Pieces of SVG: escaped text, glyphs of families, lines with round corners and their heads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from klotho.topology.geometry import Point
from klotho.topology.model import Family

GLYPHS: Mapping[Family, str] = {
    "compute": "M6 6h8v8H6zM8 3v3M12 3v3M8 14v3M12 14v3M3 8h3M3 12h3M14 8h3M14 12h3",
    "data": "M4 5.5c0-3 12-3 12 0v9c0 3-12 3-12 0zM4 5.5c0 3 12 3 12 0M4 10c0 3 12 3 12 0",
    "messaging": "M3 5h14v10H3zM3 6l7 5 7-5",
    "edge": "M10 3a7 7 0 1 0 0 14a7 7 0 1 0 0-14M3 10h14M10 3c-4 4-4 10 0 14M10 3c4 4 4 10 0 14",
    "identity": "M5 9h10v7H5zM7 9V6.5a3 3 0 0 1 6 0V9",
    "network": "M10 4v6M4 16v-4h12v4M10 10v2M8 3h4v2H8z",
    "other": "M5 5h10v10H5z",
}
"""Drawn in 20 by 20 pixels."""
RADIUS = 6
"""Of the corners of a line."""
HEAD = 8
"""Length of an arrow's head."""

_FORBIDDEN = (*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF)
"""Characters that no XML document may hold, escaped or not. Halves of surrogate pairs are the others."""
_ESCAPES = {
    **dict.fromkeys(_FORBIDDEN, "\ufffd"),
    **str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}),
}
"""Not by `xml.sax.saxutils`, which loads half of the standard library."""


def plain(text: str) -> str:
    """The text as XML has it, safe also in attributes."""
    return text.translate(_ESCAPES).encode(errors="replace").decode()


def text_at(x: int, y: int, css: str, text: str) -> str:
    return f'<text class="{css}" x="{x}" y="{y}">{plain(text)}</text>'


def badge(x: int, y: int, family: Family, size: int) -> str:
    """A coloured square with the family's glyph."""
    scale = f" scale({size / 28:.3g})" if size != 28 else ""
    return (
        f'<g transform="translate({x} {y}){scale}"><rect class="badge {family}" width="28" height="28" rx="6"/>'
        f'<path class="glyph" transform="translate(4 4)" d="{GLYPHS[family]}"/></g>'
    )


def line_path(points: Sequence[Point]) -> str:
    """The line with round corners, ending where its head begins."""
    path = [f"M{points[0].x} {points[0].y}"]
    last = _towards(points[-1], points[-2], HEAD - 2)
    for before, corner, after in zip(points, points[1:], [*points[2:-1], last], strict=False):
        radius = min(RADIUS, _length(before, corner) // 2, _length(corner, after) // 2)
        start, end = _towards(corner, before, radius), _towards(corner, after, radius)
        path.append(f"L{start.x} {start.y}Q{corner.x} {corner.y} {end.x} {end.y}")
    path.append(f"L{last.x} {last.y}")
    return "".join(path)


def head_path(points: Sequence[Point]) -> str:
    """A triangle whose tip is the end of the line."""
    tip, back = points[-1], _towards(points[-1], points[-2], HEAD)
    if tip.y == back.y:
        return f"M{tip.x} {tip.y}L{back.x} {back.y - 4}V{back.y + 4}z"
    return f"M{tip.x} {tip.y}L{back.x - 4} {back.y}H{back.x + 4}z"


def _length(one: Point, other: Point) -> int:
    return abs(one.x - other.x) + abs(one.y - other.y)


def _towards(start: Point, goal: Point, distance: int) -> Point:
    """A point on the way, which is horizontal or vertical."""
    distance = min(distance, _length(start, goal))
    if start.y == goal.y:
        return Point(start.x + (distance if goal.x > start.x else -distance), start.y)
    return Point(start.x, start.y + (distance if goal.y > start.y else -distance))
