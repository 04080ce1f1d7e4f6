"""The ways of lines between columns: horizontal, one vertical piece where the ends differ in height.

Input: columns, ports and the top of each cell. Output: `Level`: boxes, polylines, the width and height of everything.
Vertical pieces have tracks of their own in the channels between columns, where no item stands, and horizontal ones pass
columns in cells of their own: no line goes through an item.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from klotho.topology.columns import LABEL_GAP, Columns, Ports
from klotho.topology.geometry import Box, Point

TRACK = 9
"""Pixels between vertical pieces."""
CHANNEL = 16
"""The least width between two columns."""


@dataclass(frozen=True)
class Level:
    """One level, laid out from its own upper left corner."""

    width: int
    height: int
    items: Mapping[str, Box]
    lines: Mapping[int, tuple[Point, ...]]
    """Of each link by number, from left to right."""
    labels: Mapping[int, Box]


class _Way(NamedTuple):
    """A segment's height at both ends."""

    segment: int
    start: int
    end: int

    @property
    def upper(self) -> int:
        return min(self.start, self.end)

    @property
    def lower(self) -> int:
        return max(self.start, self.end)


def route(made: Columns, ports: Sequence[Ports], tops: Sequence[int]) -> Level:
    tracks, counts = _all_tracks(made, ports, tops)
    left, right = _columns(made, counts)
    items, labels = {}, {}
    for number, cell in enumerate(made.cells):
        if cell.item is not None:
            x = left[cell.rank] + (right[cell.rank] - left[cell.rank] - cell.width) // 2
            items[cell.item.name] = Box(x, tops[number], cell.width, cell.height)
        elif cell.labelled and cell.link is not None:
            x = right[cell.rank] - cell.width if cell.link.label_at_head else left[cell.rank]
            labels[cell.link.number] = Box(x, tops[number], cell.width, cell.height - LABEL_GAP)
    lines: dict[int, list[Point]] = {}
    for number, segment in enumerate(made.segments):
        start, end = _ends(made, ports, tops, number)
        one, other = made.cells[segment.left], made.cells[segment.right]
        x = items[one.item.name].right if one.item is not None else right[one.rank]
        goal = items[other.item.name].x if other.item is not None else left[other.rank]
        points = lines.setdefault(segment.link.number, [])
        points.append(Point(x, start))
        if start != end:
            turn = right[one.rank] + _margin(counts[one.rank]) + tracks[number] * TRACK
            points += [Point(turn, start), Point(turn, end)]
        points.append(Point(goal, end))
    height = max((top + cell.height for top, cell in zip(tops, made.cells, strict=True)), default=0)
    return Level(
        max(right.values(), default=0),
        height,
        items,
        {number: straightened(points) for number, points in lines.items()},
        labels,
    )


def straightened(points: Sequence[Point]) -> tuple[Point, ...]:
    """Without points that repeat or lie between their neighbours on a line."""
    kept: list[Point] = []
    for point in points:
        if kept and kept[-1] == point:
            continue
        if len(kept) > 1 and (kept[-2].x == kept[-1].x == point.x or kept[-2].y == kept[-1].y == point.y):
            kept.pop()
        kept.append(point)
    return tuple(kept)


def _ends(made: Columns, ports: Sequence[Ports], tops: Sequence[int], number: int) -> tuple[int, int]:
    segment = made.segments[number]
    link = segment.link.number
    start = ports[segment.left].get((link, "east"), made.cells[segment.left].line)
    end = ports[segment.right].get((link, "west"), made.cells[segment.right].line)
    return tops[segment.left] + start, tops[segment.right] + end


def _all_tracks(made: Columns, ports: Sequence[Ports], tops: Sequence[int]) -> tuple[dict[int, int], dict[int, int]]:
    """The track of each segment that needs one, and how many there are right of each rank."""
    ways: dict[int, list[_Way]] = {rank: [] for rank in made.order}
    for number, segment in enumerate(made.segments):
        start, end = _ends(made, ports, tops, number)
        if start != end:
            ways[made.cells[segment.left].rank].append(_Way(number, start, end))
    tracks: dict[int, int] = {}
    counts: dict[int, int] = {}
    for rank, items in ways.items():
        found = _tracks(items)
        tracks |= found
        counts[rank] = max(found.values(), default=-1) + 1
    return tracks, counts


def _tracks(ways: Sequence[_Way]) -> dict[int, int]:
    """Of two lines that go the same way the one that ends further on turns first, so that they do not cross."""
    order = sorted(ways, key=lambda way: (way.end > way.start, -way.start if way.end > way.start else way.start))
    order = _without_shared_lines(order)
    track: dict[int, int] = {}
    for index, way in enumerate(order):
        before = [
            track[other.segment]
            for other in order[:index]
            if other.upper - TRACK < way.lower and way.upper - TRACK < other.lower
        ]
        track[way.segment] = max(before, default=-1) + 1
    return track


def _without_shared_lines(order: Sequence[_Way]) -> list[_Way]:
    """A line must leave a height before another one arrives at it, or both would run on one another for a while."""
    rest, sorted_ = list(order), list[_Way]()
    while rest:
        free = next((way for way in rest if not any(way.end == other.start for other in rest if other != way)), rest[0])
        sorted_.append(free)
        rest.remove(free)
    return sorted_


def _margin(tracks: int) -> int:
    """From a column to the first track."""
    return 10 if tracks else 0


def _columns(made: Columns, counts: Mapping[int, int]) -> tuple[dict[int, int], dict[int, int]]:
    """Where each column begins and ends."""
    left: dict[int, int] = {}
    right: dict[int, int] = {}
    x, ranks = 0, sorted(made.order)
    for rank in range(ranks[0], ranks[-1] + 1) if ranks else ():
        left[rank] = x
        right[rank] = x + max((made.cells[cell].width for cell in made.order.get(rank, ())), default=0)
        tracks = counts.get(rank, 0)
        x = right[rank] + max(CHANNEL, 2 * _margin(tracks) + (tracks - 1) * TRACK)
    return left, right
