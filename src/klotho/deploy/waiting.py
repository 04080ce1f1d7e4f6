"""Waiting for the cloud: never silently, never for ever.

Input: what is waited for, at each look. Output: `Waiting` events every `Pace.remind` seconds. Refuses, as a `Failure`
with exit code 9 that says what was waited for, to go on after `Pace.patience` seconds without anything new.
"""

from __future__ import annotations

from collections.abc import Sequence

from klotho.deploy.events import Sink, WaitedFor, Waiting
from klotho.deploy.place import Pace
from klotho.diagnostics import ExitCode, Failure


class Wait:
    """One wait: `news` whenever something happened, `pause` before each further look."""

    def __init__(self, pace: Pace, sink: Sink, stack: str, helps: Sequence[str] = ()) -> None:
        """`stack` is its short name; `helps` is what to do when patience ends."""
        self._pace, self._sink, self._stack, self._helps = pace, sink, stack, helps
        self._interval = pace.fastest
        self._since = self._said = self._changed = pace.clock()

    def news(self) -> None:
        """Something happened: look often again, and be patient anew."""
        self._interval = self._pace.fastest
        self._changed = self._pace.clock()

    def pause(self, on: Sequence[WaitedFor]) -> None:
        """Sleep until the next look; says what it waits on when that is due, and gives up when patience ends."""
        now = self._pace.clock()
        if now - self._changed > self._pace.patience:
            raise self._given_up(on, now)
        if now - self._said >= self._pace.remind:
            self._said = now
            self._sink(Waiting(self._stack, tuple(on), now - self._since))
        self._pace.sleep(self._interval)
        self._interval = min(self._interval * 1.5, self._pace.slowest)

    def _given_up(self, on: Sequence[WaitedFor], now: float) -> Failure:
        return Failure(
            "wait-timed-out",
            f"nothing happened in stack {self._stack} for {now - self._changed:.0f} s",
            notes=[f"waiting on {item}" for item in on] + ["CloudFormation goes on by itself"],
            helps=("run the same command again: it goes on waiting", *self._helps),
            exit_code=ExitCode.TIMEOUT,
        )
