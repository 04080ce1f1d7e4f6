"""Ctrl-C while the cloud is at work: the first one drains, the second one ends the command at once.

Input: SIGINT. Output: a `Drain` that is asked to stop. While there is nothing to wait for, Ctrl-C ends the command, as
it always does. A handler runs between any two instructions, so it sets a flag and takes no lock.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from klotho.deploy.drain import Drain


@contextmanager
def draining() -> Iterator[Drain]:
    drain = Drain()
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before is signal.SIG_IGN:
        yield drain  # somebody else decides what signals mean here
        return

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        if drain.requested or not drain.can_wait:
            raise KeyboardInterrupt
        drain.request()

    signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield drain
    finally:
        signal.signal(signal.SIGINT, before)
