"""Progress as a live tree: every stack with its running resources, elapsed time and what it waits for.

Input: events, from several threads. Output: a region of the terminal (stderr) that is redrawn, and stays with its
last state when the block ends. Only imported on a terminal.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from rich.console import Console as RichConsole
from rich.console import Group
from rich.live import Live
from rich.text import Text
from rich.tree import Tree

from klotho.cli.console import Console
from klotho.cli.progress.board import Board, Row
from klotho.deploy import events
from klotho.driver.machine import elapsed_clock

_MARKS = {"waiting": "·", "done": "✓", "unchanged": "=", "failed": "✗", "skipped": "-", "building": "⠿", "working": "⠿"}
_STYLES = {"waiting": "dim", "done": "green", "unchanged": "dim", "failed": "red", "skipped": "yellow"}


class LiveTree:
    """A context that draws while it is open."""

    def __init__(self, console: Console) -> None:
        self._clock = elapsed_clock()
        self._board = Board(self._clock)
        self._lock = threading.Lock()
        rich = RichConsole(stderr=True, highlight=False)
        self._live = Live(self, console=rich, refresh_per_second=10, redirect_stdout=False, redirect_stderr=False)

    def __enter__(self) -> LiveTree:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The screen is free, what was drawn stays above."""
        self._live.stop()
        try:
            yield
        finally:
            self._live.start()

    def receive(self, event: events.Event) -> None:
        with self._lock:
            self._board.receive(event)

    def __rich__(self) -> Group:
        with self._lock:
            head = Text(f"{self._board.step or 'looking'}  {self._clock():.1f} s", style="bold")
            tree = Tree("", hide_root=True)
            for row in self._board.rows.values():
                node = tree.add(self._text(row))
                for logical_id, type_ in list(row.resources.items())[:6]:
                    node.add(Text(f"{type_} {logical_id}", style="dim"))
            return Group(head, tree)

    def _text(self, row: Row) -> Text:
        text = Text(no_wrap=True, overflow="ellipsis")
        text.append(f"{_MARKS[row.state]} ", style=_STYLES.get(row.state, "cyan"))
        text.append(row.name)
        if row.state == "waiting":
            waiting = self._board.waiting_on(row)
            text.append(f"  waiting on {', '.join(waiting)}" if waiting else "  waiting", style="dim")
            return text
        if row.finished:
            text.append(f"  {row.finished} done", style="dim")
        if row.text:
            text.append(f"  {row.text}", style=_STYLES.get(row.state, "dim"))
        seconds = row.seconds if row.seconds is not None else self._clock() - (row.begun or 0.0)
        if row.state != "unchanged":
            text.append(f"  {seconds:.1f} s", style="dim")
        return text
