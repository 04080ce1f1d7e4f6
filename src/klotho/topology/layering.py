"""Which column each item of one level stands in.

Input: items and links of a level, in a fixed order. Output: a rank by item, so that every link leads to a higher rank;
links of circles are turned around first (`backward`). Even ranks hold items, the odd ones between them hold labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from klotho.topology.geometry import Size


class Item(NamedTuple):
    """What is placed as one piece: a node, or a group that is laid out already."""

    name: str
    width: int
    height: int
    ports: Mapping[tuple[int, str], int] | None = None
    """Where links touch it, by link and side (`west`, `east`), from its top; None where they may touch anywhere."""
    above: int = 0
    """Pixels of its sides, from the top, that no link may touch: a caption."""
    below: int = 0
    """The same from the bottom."""


class Link(NamedTuple):
    """An edge, or the part of it in this level, from left to right."""

    number: int
    tail: str | None
    """None: it comes in over the left border."""
    head: str | None
    """None: it leaves over the right border."""
    label: Size | None = None
    label_at_head: bool = False
    """Whether the edge begins at the head, so that its label belongs there."""


def backward(names: Sequence[str], pairs: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """The pairs to turn around so that no circle is left: those that lead back in a depth-first walk.

    The walk begins where nothing leads to, then follows the given order.
    """
    followers: dict[str, list[str]] = {name: [] for name in names}
    entered: set[str] = set()
    for tail, head in pairs:
        followers[tail].append(head)
        entered.add(head)
    found: set[tuple[str, str]] = set()
    open_, done = set[str](), set[str]()
    for root in sorted(names, key=lambda name: name in entered):
        if root in done:
            continue
        open_.add(root)
        path = [(root, iter(followers[root]))]
        while path:
            name, rest = path[-1]
            follower = next(rest, None)
            if follower is None:
                path.pop()
                open_.discard(name)
                done.add(name)
            elif follower in open_:
                found.add((name, follower))
            elif follower not in done:
                open_.add(follower)
                path.append((follower, iter(followers[follower])))
    return found


def ranks(names: Sequence[str], links: Iterable[Link]) -> dict[str, int]:
    """The rank of each item, from 0, always even. Links must be free of circles."""
    heads: dict[str, list[str]] = {name: [] for name in names}
    tails: dict[str, list[str]] = {name: [] for name in names}
    for link in links:
        if link.tail is not None and link.head is not None:
            heads[link.tail].append(link.head)
            tails[link.head].append(link.tail)
    order = _topological(names, heads, tails)
    rank: dict[str, int] = {}
    for name in order:
        rank[name] = max((rank[tail] + 2 for tail in tails[name]), default=0)
    # What could stand further right without making any link longer on the whole goes next to what it leads to.
    for name in reversed(order):
        if heads[name] and len(heads[name]) >= len(tails[name]):
            rank[name] = max(rank[name], min(rank[head] for head in heads[name]) - 2)
    lowest = min(rank.values(), default=0)
    return {name: rank[name] - lowest for name in names}


def _topological(
    names: Sequence[str], heads: Mapping[str, Sequence[str]], tails: Mapping[str, Sequence[str]]
) -> list[str]:
    missing = {name: len(tails[name]) for name in names}
    ready = [name for name in names if not missing[name]]
    order: list[str] = []
    for name in ready:  # grows while it is walked
        order.append(name)
        for head in heads[name]:
            missing[head] -= 1
            if not missing[head]:
                ready.append(head)
    return order
