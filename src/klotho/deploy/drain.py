"""Stopping on request without leaving anything half-way: nothing new begins, what has begun is waited for.

Input: a request, from a signal handler. Output: a flag the deployer looks at before it begins anything.
Refuses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Drain:
    """One per command. A signal handler may only set flags: whoever works says the rest."""

    def __init__(self) -> None:
        self.requested = False
        self.can_wait = False
        """Whether something is under way that ends by itself and is worth waiting for."""

    def request(self) -> None:
        self.requested = True

    @contextmanager
    def working(self) -> Iterator[None]:
        """While the block runs a request drains; before and after it there is nothing to wait for."""
        self.can_wait = True
        try:
            yield
        finally:
            self.can_wait = False
