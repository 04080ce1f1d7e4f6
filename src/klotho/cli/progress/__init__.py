"""Shows a deployment while it happens: a live tree on a terminal, one line per event everywhere else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from klotho.cli import underway
from klotho.cli.console import Console
from klotho.deploy.events import Event, Sink, StackStarted
from klotho.driver.underway import Underway


@contextmanager
def progress_for(console: Console) -> Iterator[Sink]:
    """The sink for this console; whatever is on screen is finished when the block ends."""
    if console.interactive:
        from klotho.cli.progress.live import LiveTree

        with LiveTree(console) as tree:
            yield _watched(tree.receive)
    else:
        from klotho.cli.progress.lines import Lines

        yield _watched(Lines(console))


def _watched(sink: Sink) -> Sink:
    """Remembers when something begins in the cloud, for what is said at Ctrl-C."""

    def receive(event: Event) -> None:
        if isinstance(event, Underway | StackStarted):
            underway.mark()
        sink(event)

    return receive
