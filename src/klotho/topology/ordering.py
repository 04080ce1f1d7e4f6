"""Which cell of a column stands above which, so that few lines cross.

Input: columns. Output: nothing new, their `order` is changed. Barycenters in a fixed number of sweeps from left to
right and back, then neighbours that are better the other way round change places; the best order of all is kept.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence

from klotho.topology.columns import Columns, Segment

SWEEPS = 12
PATIENCE = 4
"""Sweeps without fewer crossings after which no more are made."""
EFFORT = 30_000
"""Cells times sweeps: a tangle of hundreds of nodes and edges is untangled less, so that a build stays quick."""
EXCHANGES = 3
"""Rounds in which neighbours may change places, after each sweep."""

_Order = dict[int, list[int]]
_Ends = list[list[tuple[int, float]]]
"""What each cell is joined to in the next column: a cell, and how far down that one, from 0 to 1."""


def reduce_crossings(made: Columns, pinned: bool) -> None:
    """`pinned`: leave the cells at the borders in the order they have."""
    west: _Ends = [[(item.left, _share(made, item, "left")) for item in group] for group in made.entering]
    east: _Ends = [[(item.right, _share(made, item, "right")) for item in group] for group in made.leaving]
    order = made.order
    ranks = [rank for rank in sorted(order) if not (pinned and any(made.cells[cell].border for cell in order[rank]))]
    best, fewest = _copied(order), crossings(order, west, east)
    last = 0
    for sweep in range(max(2, min(SWEEPS, EFFORT // max(1, len(made.cells))))):
        if fewest == 0 or sweep - last > PATIENCE:
            break
        forward = sweep % 2 == 0
        place = _places(order)
        for rank in ranks if forward else reversed(ranks):
            _sort_by_barycenter(order[rank], place, west if forward else east)
        _exchange(order, ranks, place, west, east)
        count = crossings(order, west, east)
        if count < fewest:
            best, fewest, last = _copied(order), count, sweep
    made.order = best


def _copied(order: _Order) -> _Order:
    return {rank: list(cells) for rank, cells in order.items()}


def _places(order: _Order) -> dict[int, int]:
    return {cell: index for cells in order.values() for index, cell in enumerate(cells)}


def _share(made: Columns, segment: Segment, end: str) -> float:
    """How far down a group the segment touches it; a half where it may touch anywhere."""
    cell = made.cells[segment.left if end == "left" else segment.right]
    if cell.item is None or cell.item.ports is None:
        return 0.5
    side = "east" if end == "left" else "west"
    return cell.item.ports[(segment.link.number, side)] / (cell.height + 1)


def crossings(order: _Order, west: _Ends, east: _Ends) -> int:
    place = _places(order)
    count = 0
    for cells in order.values():
        lines: list[tuple[float, float]] = []
        for cell in cells:
            for other, share in east[cell]:
                start = next(own for back, own in west[other] if back == cell)
                lines.append((place[cell] + start, place[other] + share))
        count += _inversions(sorted(lines))
    return count


def _inversions(lines: Sequence[tuple[float, float]]) -> int:
    seen: list[float] = []
    count = 0
    for _, end in lines:
        count += len(seen) - bisect_right(seen, end)
        insort(seen, end)
    return count


def _sort_by_barycenter(cells: list[int], place: dict[int, int], ends: _Ends) -> None:
    value: dict[int, float] = {}
    for cell in cells:
        joined = [place[other] + share for other, share in ends[cell]]
        value[cell] = sum(joined) / len(joined) if joined else place[cell] + 0.5
    cells.sort(key=lambda cell: (value[cell], place[cell]))
    place.update({cell: index for index, cell in enumerate(cells)})


def _exchange(order: _Order, ranks: Sequence[int], place: dict[int, int], west: _Ends, east: _Ends) -> None:
    """Let neighbours change places wherever that saves a crossing."""
    for _ in range(EXCHANGES):
        changed = False
        for rank in ranks:
            cells = order[rank]
            # The columns on both sides stand still meanwhile.
            joined = {
                cell: [sorted(place[other] + share for other, share in ends[cell]) for ends in (west, east)]
                for cell in cells
            }
            for index in range(len(cells) - 1):
                upper, lower = cells[index], cells[index + 1]
                if _saved(joined[upper], joined[lower]) > 0:
                    cells[index], cells[index + 1] = lower, upper
                    place[upper], place[lower] = index + 1, index
                    changed = True
        if not changed:
            return


def _saved(upper: Sequence[Sequence[float]], lower: Sequence[Sequence[float]]) -> int:
    """How many crossings fewer there are when two neighbours change places."""
    saved = 0
    for above, below in zip(upper, lower, strict=True):
        if above and below and (above[0] < below[-1] or above[-1] > below[0]):
            for end in above:
                saved += bisect_left(below, end) - (len(below) - bisect_right(below, end))
    return saved
