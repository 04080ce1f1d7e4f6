"""Which cell of a column stands above which, so that few lines cross.

Input: columns. Output: nothing new, their `order` is changed. Barycenters in a fixed number of sweeps from left to right
and back, then neighbours that are better the other way round change places; the best order of all is kept.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence

from klotho.topology.columns import Columns, Segment

SWEEPS = 12


def reduce_crossings(made: Columns, pinned: bool) -> None:
    """`pinned`: leave the cells at the borders in the order they have."""
    ranks = sorted(made.order)
    free = [rank for rank in ranks if not (pinned and _is_border(made, rank))]
    best, fewest = {rank: list(cells) for rank, cells in made.order.items()}, crossings(made)
    for sweep in range(SWEEPS):
        if fewest == 0:
            break
        forward = sweep % 2 == 0
        for rank in free if forward else reversed(free):
            _sort_by_barycenter(made, rank, forward)
        _exchange(made, free)
        count = crossings(made)
        if count < fewest:
            best, fewest = {rank: list(cells) for rank, cells in made.order.items()}, count
    made.order = best


def crossings(made: Columns) -> int:
    place = _places(made)
    by_rank: dict[int, list[tuple[float, float]]] = {}
    for segment in made.segments:
        ends = (place[segment.left] + _share(made, segment, "left"), place[segment.right] + _share(made, segment, "right"))
        by_rank.setdefault(made.cells[segment.left].rank, []).append(ends)
    return sum(_inversions(sorted(ends)) for ends in by_rank.values())


def _inversions(ends: Sequence[tuple[float, float]]) -> int:
    seen: list[float] = []
    count = 0
    for _, right in ends:
        count += len(seen) - bisect_right(seen, right)
        insort(seen, right)
    return count


def _is_border(made: Columns, rank: int) -> bool:
    return any(made.cells[cell].border for cell in made.order[rank])


def _places(made: Columns) -> dict[int, int]:
    return {cell: index for cells in made.order.values() for index, cell in enumerate(cells)}


def _share(made: Columns, segment: Segment, end: str) -> float:
    """How far down a group the segment touches it, from 0 to 1; a half for a node."""
    cell = made.cells[segment.left if end == "left" else segment.right]
    if cell.item is None or cell.item.ports is None or not cell.height:
        return 0.5
    side = "east" if end == "left" else "west"
    return cell.item.ports[(segment.link.number, side)] / (cell.height + 1)


def _sort_by_barycenter(made: Columns, rank: int, forward: bool) -> None:
    place = _places(made)

    def middle(cell: int) -> float:
        segments = made.entering[cell] if forward else made.leaving[cell]
        if not segments:
            return place[cell] + 0.5
        ends = [(item.left, "left") if forward else (item.right, "right") for item in segments]
        total = sum(place[other] + _share(made, item, end) for item, (other, end) in zip(segments, ends, strict=True))
        return total / len(segments)

    cells = made.order[rank]
    value = {cell: middle(cell) for cell in cells}
    made.order[rank] = sorted(cells, key=lambda cell: (value[cell], place[cell]))


def _exchange(made: Columns, ranks: Sequence[int]) -> None:
    """Let neighbours change places wherever that saves a crossing, in three rounds at most."""
    place = _places(made)
    for _ in range(3):
        changed = False
        for rank in ranks:
            cells = made.order[rank]
            for index in range(len(cells) - 1):
                upper, lower = cells[index], cells[index + 1]
                if _between(made, place, upper, lower) > _between(made, place, lower, upper):
                    cells[index], cells[index + 1] = lower, upper
                    place[upper], place[lower] = index + 1, index
                    changed = True
        if not changed:
            return


def _between(made: Columns, place: dict[int, int], upper: int, lower: int) -> int:
    """Crossings of the lines of two neighbours, were they in this order."""
    count = 0
    for segments, end in ((made.entering, "left"), (made.leaving, "right")):
        above = [_far(made, place, item, end) for item in segments[upper]]
        below = sorted(_far(made, place, item, end) for item in segments[lower])
        for one in above:
            count += bisect_left(below, one)
    return count


def _far(made: Columns, place: dict[int, int], segment: Segment, end: str) -> float:
    return place[segment.left if end == "left" else segment.right] + _share(made, segment, end)
