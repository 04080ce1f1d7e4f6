"""How far down each cell stands, so that lines are straight where they can be and nothing touches.

Input: ordered columns and the ports of their items. Output: the top of each cell, in pixels from 0. Cells that a
straight line joins become a block; blocks are packed from the top, then pulled to the middle of what they lead to. No
step moves a block past its neighbours, so nothing ever overlaps.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from klotho.topology.columns import Cell, Columns, Ports, Segment

ROUNDS = 16
SMALL_STEP = 10
"""A step of a line, in pixels, that looks like a mistake."""
EDGE = 6
"""The least distance of a line from an item's corner."""
LEAST_PORT_GAP = 11
"""The least distance of lines that touch the same side, wherever they come from."""


class _Block(NamedTuple):
    """Cells of successive columns, with their tops below the block's."""

    cells: Sequence[int]
    tops: Sequence[int]


def tops(made: Columns, ports: Sequence[Ports]) -> list[int]:
    lines = [(_line(made, ports, item, "left"), _line(made, ports, item, "right")) for item in made.segments]
    blocks = _blocks(made, lines)
    block_of = {cell: index for index, block in enumerate(blocks) for cell in block.cells}
    within = {cell: top for block in blocks for cell, top in zip(block.cells, block.tops, strict=True)}
    limits = _Limits(made, block_of, within, len(blocks))
    place = limits.packed()
    pulls: list[list[tuple[int, int]]] = [[] for _ in blocks]
    """For each block: another one, and how far its top is below that one's when their line is straight."""
    for segment, (left, right) in zip(made.segments, lines, strict=True):
        one, other = block_of[segment.left], block_of[segment.right]
        if one != other:
            offset = within[segment.left] + left - within[segment.right] - right
            pulls[other].append((one, offset))
            pulls[one].append((other, -offset))
    # A line by itself keeps level with one of its ends, so that it turns once instead of twice.
    firm = {block_of[number] for number, cell in enumerate(made.cells) if cell.item is not None}
    for turn in range(ROUNDS):
        for block in reversed(limits.order) if turn % 2 == 0 else limits.order:
            if pulls[block]:
                wanted = sorted(place[other] + offset for other, offset in pulls[block])
                goal = (
                    _middle(wanted) if block in firm else min(wanted, key=lambda goal: (abs(goal - place[block]), goal))
                )
                place[block] = limits.nearest(block, goal, place)
    _snap(place, pulls, limits)
    found = [place[block_of[cell]] + within[cell] for cell in range(len(made.cells))]
    highest = min(found, default=0)
    return [top - highest for top in found]


def _snap(place: list[int], pulls: Sequence[Sequence[tuple[int, int]]], limits: _Limits) -> None:
    """Move blocks by the few pixels that make a line straight, where no more lines are bent by that."""
    for block in limits.order:
        steps = [place[other] + offset - place[block] for other, offset in pulls[block]]
        small = sorted({step for step in steps if 0 < abs(step) <= SMALL_STEP}, key=lambda step: (abs(step), step))
        for step in small:
            wanted = place[block] + step
            if steps.count(step) >= steps.count(0) and limits.nearest(block, wanted, place) == wanted:
                place[block] = wanted
                break


def settled(made: Columns, ports: Sequence[Ports], tops: Sequence[int]) -> list[Ports]:
    """The ports moved along free sides to where their lines come from, in the same order: short steps become straight
    lines."""
    found: list[Ports] = []
    for number, cell in enumerate(made.cells):
        if cell.item is None or cell.item.ports is not None:
            found.append(ports[number])
            continue
        moved: dict[tuple[int, str], int] = {}
        for segments, side in ((made.entering[number], "west"), (made.leaving[number], "east")):
            in_order = sorted(segments, key=lambda item: ports[number][(item.link.number, side)])
            ends = [item.left if side == "west" else item.right for item in in_order]
            wanted = [tops[end] + made.cells[end].line - tops[number] for end in ends]
            room = (cell.item.above + EDGE, cell.height - cell.item.below - EDGE)
            for item, place in zip(in_order, _apart(wanted, *room), strict=True):
                moved[(item.link.number, side)] = place
        found.append(moved)
    return found


def _apart(wanted: Sequence[int], first: int, last: int) -> list[int]:
    """Near what is wanted, in the same order, apart from each other, all between first and last."""
    least = min(LEAST_PORT_GAP, (last - first) // max(1, len(wanted) - 1))
    found: list[int] = []
    for index, place in enumerate(wanted):
        lowest = max(first, found[-1] + least) if found else first
        found.append(max(lowest, min(place, last - least * (len(wanted) - 1 - index))))
    return found


def _middle(wanted: Sequence[int]) -> int:
    half = len(wanted) // 2
    return wanted[half] if len(wanted) % 2 else (wanted[half - 1] + wanted[half]) // 2


def _line(made: Columns, ports: Sequence[Ports], segment: Segment, end: str) -> int:
    """How far below its cell's top a segment begins or ends."""
    cell = segment.left if end == "left" else segment.right
    side = "east" if end == "left" else "west"
    return ports[cell].get((segment.link.number, side), made.cells[cell].line)


def gap(upper: Cell, lower: Cell) -> int:
    """The least distance between two cells of a column."""
    if upper.item is not None and lower.item is not None:
        return 26
    if upper.item is not None or lower.item is not None:
        return 16
    return 8 if lower.labelled else 12


def _blocks(made: Columns, lines: Sequence[tuple[int, int]]) -> list[_Block]:
    """Joins cells by straight lines, long edges first; the lines chosen never cross, and a side takes one of them."""
    place = {cell: index for cells in made.order.values() for index, cell in enumerate(cells)}
    chosen: dict[int, list[tuple[int, int]]] = {}
    after: dict[int, tuple[int, int]] = {}
    joined: set[int] = set()
    numbers = sorted(range(len(made.segments)), key=lambda number: _worth(made, place, made.segments[number]))
    for number in numbers:
        segment = made.segments[number]
        ends = (place[segment.left], place[segment.right])
        beside = chosen.setdefault(made.cells[segment.left].rank, [])
        if segment.left in after or segment.right in joined:
            continue
        if any((left < ends[0]) != (right < ends[1]) for left, right in beside):
            continue
        beside.append(ends)
        after[segment.left] = (segment.right, lines[number][0] - lines[number][1])
        joined.add(segment.right)
    found: list[_Block] = []
    for cell in range(len(made.cells)):
        if cell in joined:
            continue
        cells, offsets = [cell], [0]
        while cells[-1] in after:
            follower, offset = after[cells[-1]]
            offsets.append(offsets[-1] + offset)
            cells.append(follower)
        found.append(_Block(cells, offsets))
    return found


def _worth(made: Columns, place: dict[int, int], segment: Segment) -> tuple[int, int, int]:
    """Lines inside a long edge come first, then those in the middle of a side."""
    items = (made.cells[segment.left].item is not None) + (made.cells[segment.right].item is not None)
    off = 0
    for group in (made.leaving[segment.left], made.entering[segment.right]):
        if len(group) > 1:
            far = sorted((place[item.left], place[item.right], item.link.number) for item in group)
            index = far.index((place[segment.left], place[segment.right], segment.link.number))
            off += abs(2 * index - (len(group) - 1))
    return items, off, segment.link.number


class _Limits:
    """What keeps blocks apart."""

    def __init__(self, made: Columns, block_of: dict[int, int], within: dict[int, int], count: int) -> None:
        self.above: list[list[tuple[int, int]]] = [[] for _ in range(count)]
        """For each block: one above it, and the least distance of their tops."""
        self.below: list[list[tuple[int, int]]] = [[] for _ in range(count)]
        for cells in made.order.values():
            for upper, lower in pairwise(cells):
                one, other = block_of[upper], block_of[lower]
                distance = gap(made.cells[upper], made.cells[lower]) + made.cells[upper].height
                distance += within[upper] - within[lower]
                self.above[other].append((one, distance))
                self.below[one].append((other, distance))
        self.order = self._sorted()

    def _sorted(self) -> list[int]:
        missing = [len(items) for items in self.above]
        order = [block for block, count in enumerate(missing) if not count]
        for block in order:  # grows while it is walked
            for other, _ in self.below[block]:
                missing[other] -= 1
                if not missing[other]:
                    order.append(other)
        assert len(order) == len(self.above), "lines that do not cross leave no circle among blocks"
        return order

    def packed(self) -> list[int]:
        place = [0] * len(self.above)
        for block in self.order:
            place[block] = max((place[other] + distance for other, distance in self.above[block]), default=0)
        return place

    def nearest(self, block: int, wanted: int, place: Sequence[int]) -> int:
        """The place nearest to the one that is wanted which keeps the distances."""
        for other, distance in self.below[block]:
            wanted = min(wanted, place[other] - distance)
        for other, distance in self.above[block]:
            wanted = max(wanted, place[other] + distance)
        return wanted
