"""Says every ten seconds what a call that blocks is waiting for.

Input: what is waited for, and where lines go. Output: lines, from a thread of its own. Refuses nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

REMIND_S = 10.0


@contextmanager
def reminding(progress: Callable[[str], None], what: str, every_s: float = REMIND_S) -> Iterator[None]:
    """While the block runs: `still waiting for {what} (20 s)`."""
    over, begun = threading.Event(), time.monotonic()

    def remind() -> None:
        while not over.wait(every_s):
            progress(f"still waiting for {what} ({time.monotonic() - begun:.0f} s)")

    thread = threading.Thread(target=remind, name="reminder", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
