"""Cycles and strongly connected components of small graphs, deterministic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

Node = TypeVar("Node", bound=str)


def find_cycle(edges: Mapping[Node, Sequence[Node]]) -> list[Node]:
    """The nodes of one cycle in order, starting with the smallest; empty when there is none."""
    done: set[Node] = set()
    for start in sorted(edges):
        if start in done:
            continue
        path: list[Node] = [start]
        on_path = {start}
        stack = [iter(edges[start])]
        while stack:
            following = next(stack[-1], None)
            if following is None:
                stack.pop()
                finished = path.pop()
                on_path.discard(finished)
                done.add(finished)
            elif following in on_path:
                cycle = path[path.index(following) :]
                smallest = cycle.index(min(cycle))
                return cycle[smallest:] + cycle[:smallest]
            elif following in edges and following not in done:
                path.append(following)
                on_path.add(following)
                stack.append(iter(edges[following]))
    return []
