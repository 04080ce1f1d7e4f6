"""Shows a deployment while it happens: a live tree on a terminal, one line per event everywhere else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from klotho.cli.console import Console
from klotho.deploy.events import Sink


@contextmanager
def progress_for(console: Console) -> Iterator[Sink]:
    """The sink for this console; whatever is on screen is finished when the block ends."""
    if console.interactive:
        from klotho.cli.progress.live import LiveTree

        with LiveTree(console) as tree:
            yield tree.receive
    else:
        from klotho.cli.progress.lines import Lines

        yield Lines(console)
