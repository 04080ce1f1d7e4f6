"""Runs the nodes of a graph, each as soon as what it waits for has ended.

Input: what each node waits for, and a function that begins one. Output: calls of a `Walker`'s methods, from the calling
thread only. What waits for something that did not end well is skipped; on request nothing new begins any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from graphlib import TopologicalSorter
from typing import Any, Protocol

from klotho.deploy.drain import Drain
from klotho.diagnostics import Failure

_LOOK_S = 0.2
"""How often a request to stop is looked for."""


class Ended:
    """How a node ended."""

    def __init__(self, well: bool, failure: Failure | None = None) -> None:
        """`failure`: what is behind a bad end, where the node has no outcome that says it all."""
        self.well, self.failure = well, failure


class Walker(Protocol):
    """What a walk is about."""

    def begin(self, node: str) -> Future[Any]: ...

    def ended(self, node: str, future: Future[Any]) -> Ended:
        """A node has ended; its future is done."""

    def skip(self, node: str, because: str, failure: Failure | None) -> None:
        """A node is left out: `because` did not end well."""

    def draining(self, running: list[str]) -> list[str]:
        """The user asked to stop; gives those of the running nodes that are not worth waiting for."""


def walk(waits: Mapping[str, set[str]], walker: Walker, drain: Drain) -> None:
    """Until every node has ended or was skipped; on request, until what had begun has ended."""
    sorter = TopologicalSorter(waits)
    sorter.prepare()
    running: dict[Future[Any], str] = {}
    broken: dict[str, Failure | None] = {}
    ready: list[str] = []
    drained = False
    while sorter.is_active() and not (drained and not running):
        ready += sorter.get_ready()
        if drain.requested and not drained:
            drained = True
            idle = set(walker.draining(list(running.values())))
            running = {future: node for future, node in running.items() if node not in idle}
        for node in [] if drained else ready:
            because = next((name for name in sorted(waits.get(node, ())) if name in broken), None)
            if because is None:
                running[walker.begin(node)] = node
            else:
                broken[node] = None
                walker.skip(node, because, broken[because])
                sorter.done(node)
        ready = ready if drained else []
        if running:
            for future in wait(running, timeout=_LOOK_S, return_when=FIRST_COMPLETED).done:
                node = running.pop(future)
                how = walker.ended(node, future)
                if not how.well:
                    broken[node] = how.failure
                sorter.done(node)
