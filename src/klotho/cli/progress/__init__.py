"""Shows a deployment while it happens: a live tree on a terminal, one line per event everywhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from klotho.cli import underway
from klotho.cli.console import Console
from klotho.deploy.events import Event, Sink, StackStarted
from klotho.driver.underway import Underway


class Progress:
    """A sink that shows what it is told."""

    def __init__(self, sink: Sink, paused: Callable[[], AbstractContextManager[None]] = nullcontext) -> None:
        self._sink = sink
        self.paused = paused
        """A block in which the screen is free for a question."""

    def __call__(self, event: Event) -> None:
        if isinstance(event, Underway | StackStarted):
            underway.mark()  # for what is said at Ctrl-C
        self._sink(event)


@contextmanager
def progress_for(console: Console) -> Iterator[Progress]:
    """The progress of this console; whatever is on screen is finished when the block ends."""
    if console.interactive:
        from klotho.cli.progress.live import LiveTree

        with LiveTree(console) as tree:
            yield Progress(tree.receive, tree.paused)
    else:
        from klotho.cli.progress.lines import Lines

        yield Progress(Lines(console))
