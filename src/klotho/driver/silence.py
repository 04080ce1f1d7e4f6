"""No silence while AWS is asked: a line at once, and every 10 s what is waited on.

Input: that AWS is going to be asked, and where lines go (the command line says so; nowhere without it). Output: lines.
One a process, since a process runs one command. The thread that watches ends with the process. Refuses nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from klotho.deploy.asking import Question, open_questions

SOON_S = 0.1
REMIND_S = 10.0
_LOOK_EVERY_S = 0.5

Say = Callable[[str], None]


@dataclass(slots=True)
class Watch:
    """Tells questions that stay open."""

    say: Say
    clock: Callable[[], float] = time.monotonic
    _since: dict[Question, tuple[float, float]] = field(default_factory=dict)
    """When each was first seen, and when it was last told."""

    def look(self, questions: Sequence[Question]) -> None:
        now = self.clock()
        self._since = {item: self._since.get(item, (now, now)) for item in questions}
        due = [item for item, (_, told) in self._since.items() if now - told >= REMIND_S]
        if due:
            self._since |= {item: (self._since[item][0], now) for item in due}
            first = min(due, key=lambda item: self._since[item][0])
            more = f" and {len(due) - 1} more" if len(due) > 1 else ""
            self.say(f"waiting on AWS for {now - self._since[first][0]:.0f} s: {first.words}{more}")


def listen(say: Say | None) -> Say | None:
    """Where lines go from now on; returns where they went before."""
    global _say
    before, _say = _say, say
    return before


@contextmanager
def broken(line: str | None) -> Iterator[None]:
    """A command, which starts with nothing said. `line` is said when it takes `SOON_S` to come to what is more telling:
    compiling a program and loading AWS's SDK take time, too."""
    global _said
    _said = False
    timer = threading.Timer(SOON_S, lambda: None if _said or line is None else _tell(line))
    timer.daemon = True
    if line is not None:
        timer.start()
    try:
        yield
    finally:
        timer.cancel()


def asked(region: str | None) -> None:
    """AWS is going to be asked. Said once a command, before anything that takes time is even imported."""
    global _said, _watching
    if _said or _say is None:
        return
    _said = True
    _tell(f"asking AWS in {region}" if region else "asking AWS")
    if not _watching:
        _watching = True
        threading.Thread(target=_watch, name="silence", daemon=True).start()


def _watch() -> None:
    watch = Watch(_tell)
    while True:
        time.sleep(_LOOK_EVERY_S)
        watch.look(open_questions())


def _tell(line: str) -> None:
    if _say is not None:
        _say(line)


_say: Say | None = None
_said = False
_watching = False
