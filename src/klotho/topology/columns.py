"""One level as columns of cells: items, and where a link passes a column, a cell for its line or its label.

Input: items, links and ranks. Output: `Columns`. After this every link is a chain of segments between neighbouring
columns, so that ordering, placing and routing look at two columns at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from klotho.topology.layering import Item, Link

LABEL_GAP = 3
"""Pixels between a label and its line beneath it."""
PORT_GAP = 16
"""Pixels between lines that touch the same side of a node."""


class Cell(NamedTuple):
    """A place in a column. Items have an `item`, all others a `link`."""

    rank: int
    width: int
    height: int
    item: Item | None = None
    link: Link | None = None
    labelled: bool = False
    border: bool = False
    """Whether a link enters or leaves the level here."""

    @property
    def line(self) -> int:
        """How far below the cell's top its link passes; of an item, its middle."""
        return self.height if self.item is None else self.height // 2


class Segment(NamedTuple):
    """A link's way from a cell to one of the next column; cells by number."""

    link: Link
    left: int
    right: int


@dataclass
class Columns:
    cells: list[Cell] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    order: dict[int, list[int]] = field(default_factory=dict)
    """The cells of each rank from top to bottom."""

    def add(self, cell: Cell) -> int:
        self.cells.append(cell)
        number = len(self.cells) - 1
        self.order.setdefault(cell.rank, []).append(number)
        return number

    @cached_property
    def leaving(self) -> list[list[Segment]]:
        """The segments to the right of each cell."""
        found: list[list[Segment]] = [[] for _ in self.cells]
        for segment in self.segments:
            found[segment.left].append(segment)
        return found

    @cached_property
    def entering(self) -> list[list[Segment]]:
        """The segments to the left of each cell."""
        found: list[list[Segment]] = [[] for _ in self.cells]
        for segment in self.segments:
            found[segment.right].append(segment)
        return found


def columns(items: Sequence[Item], links: Sequence[Link], rank: Mapping[str, int], hints: Mapping[int, int]) -> Columns:
    """`hints`: how far down the other end of a link is that crosses the border, from an earlier layout."""
    made = Columns()
    number = {item.name: made.add(Cell(rank[item.name], item.width, item.height, item)) for item in items}
    last = max(rank.values(), default=0)
    for link in sorted(links, key=lambda link: (hints.get(link.number, 0), link.number)):
        left = number[link.tail] if link.tail is not None else made.add(Cell(-1, 0, 0, link=link, border=True))
        start = rank[link.tail] if link.tail is not None else -1
        end = rank[link.head] if link.head is not None else last + 1
        labelled = end - 1 if link.label_at_head else start + 1
        for step in range(start + 1, end):
            label = link.label if step == labelled else None
            height = label.height + LABEL_GAP if label else 0
            cell = made.add(Cell(step, label.width if label else 0, height, link=link, labelled=label is not None))
            made.segments.append(Segment(link, left, cell))
            left = cell
        right = number[link.head] if link.head is not None else made.add(Cell(end, 0, 0, link=link, border=True))
        made.segments.append(Segment(link, left, right))
    return made


Ports = Mapping[tuple[int, str], int]


def ports_of(made: Columns) -> list[Ports]:
    """Where links touch each item's sides, in the order of what they lead to; empty for other cells."""
    place = {cell: index for cells in made.order.values() for index, cell in enumerate(cells)}
    found: list[Ports] = []
    for number, cell in enumerate(made.cells):
        if cell.item is None:
            found.append({})
        elif cell.item.ports is not None:
            found.append(cell.item.ports)
        else:
            west = sorted(made.entering[number], key=lambda item: (place[item.left], *_offset(made, item, "east")))
            east = sorted(made.leaving[number], key=lambda item: (place[item.right], *_offset(made, item, "west")))
            found.append(_spread(west, "west", cell.item) | _spread(east, "east", cell.item))
    return found


def _offset(made: Columns, segment: Segment, side: str) -> tuple[int, int]:
    """Where on the other end a segment ends, if that is known; then its number, so that no two are equal."""
    other = made.cells[segment.left if side == "east" else segment.right]
    fixed = other.item.ports if other.item is not None else None
    return (fixed.get((segment.link.number, side), 0) if fixed else 0, segment.link.number)


def _spread(segments: Sequence[Segment], side: str, item: Item) -> dict[tuple[int, str], int]:
    count = len(segments)
    height = item.height - item.above - item.below
    gap = min(PORT_GAP, height // (count + 1))
    first = item.above + height // 2 - gap * (count - 1) // 2
    return {(segment.link.number, side): first + gap * index for index, segment in enumerate(segments)}
