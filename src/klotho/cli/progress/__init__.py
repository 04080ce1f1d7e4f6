"""Shows a deployment while it happens: a live tree on a terminal, one line per event everywhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

from klotho.cli import underway
from klotho.cli.console import Console
from klotho.deploy.events import Event, Sink, StackStarted, Step
from klotho.driver import silence
from klotho.driver.underway import Underway


class Pausable(Protocol):
    """Something on the screen."""

    def paused(self) -> AbstractContextManager[None]:
        """A block in which the screen is free for a question."""


class Progress:
    """A sink that shows what it is told."""

    def __init__(self, sink: Sink, paused: Callable[[], AbstractContextManager[None]] = nullcontext) -> None:
        self._sink = sink
        self._paused = paused

    def paused(self) -> AbstractContextManager[None]:
        """A block in which the screen is free for a question."""
        return self._paused()

    def __call__(self, event: Event) -> None:
        if isinstance(event, Underway | StackStarted):
            underway.mark()  # for what is said at Ctrl-C
        self._sink(event)


@contextmanager
def progress_for(console: Console) -> Iterator[Progress]:
    """The progress of this console; whatever is on screen is finished when the block ends."""
    if console.interactive:
        from klotho.cli.progress.live import LiveTree

        with LiveTree(console) as tree, _heard(tree.receive):
            yield Progress(tree.receive, tree.paused)
    else:
        from klotho.cli.progress.lines import Lines

        lines = Lines(console)
        with _heard(lines):
            yield Progress(lines)


@contextmanager
def _heard(sink: Sink) -> Iterator[None]:
    """What is said about waiting for AWS is part of the progress meanwhile."""
    before = silence.listen(lambda line: sink(Step(line)))
    try:
        yield
    finally:
        silence.listen(before)
