"""What was denied to whom: in the unit's own log, and counted for `klotho status`.

Input: denials as they happen. Output: lines in the log group of the unit, a one-line summary by caller. Refuses
nothing; a unit without a log group is only counted. Kept in memory: a restarted local cloud starts counting anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from klotho.localcloud.logs import Logs
from klotho.localcloud.permissions.evaluate import Need

STREAM = "permissions"
"""The log stream of the lines, beside the unit's own."""
QUIET_S = 1.0
"""The same denial is written at most once in so many seconds: a loop must not flood its log."""
MAX_REMEMBERED = 1000
"""Different denials that are kept apart for that; beyond, all of them may be written again."""


@dataclass(slots=True)
class Denied:
    """The denials of one caller."""

    count: int
    need: Need
    """Of the last one."""
    role_arn: str
    line: str
    """The last one, for people."""


class Denials:
    """Counts and writes down. Used from the supervisor's event loop only."""

    def __init__(
        self, logs: Logs, log_group: Callable[[str], str | None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`log_group`: that of a unit by its name. `clock`: seconds."""
        self._logs = logs
        self._log_group = log_group
        self._clock = clock
        self._by_caller: dict[str, Denied] = {}
        self._written: dict[tuple[str, str, str], tuple[float, int]] = {}

    def add(self, caller: str, role_arn: str, need: Need, short: str, message: str) -> None:
        """`short` is for the status, `message` for the log."""
        before = self._by_caller.get(caller)
        count = 1 if before is None else before.count + 1
        self._by_caller[caller] = Denied(count, need, role_arn, short)
        key, now = (caller, need.action, need.resource), self._clock()
        last, silent = self._written.get(key, (float("-inf"), 0))
        if now - last < QUIET_S:
            self._written[key] = (last, silent + 1)
            return
        if len(self._written) >= MAX_REMEMBERED:
            self._written.clear()
        self._written[key] = (now, 0)
        again = f" ({silent} more since the last line)" if silent else ""
        group = self._log_group(caller)
        if group is not None:
            self._logs.write(group, STREAM, f"klotho: denied: {message}{again}")

    def of(self, caller: str) -> Denied | None:
        """What was denied to this caller since the start; None if nothing was."""
        return self._by_caller.get(caller)

    def forget(self, caller: str) -> None:
        """Its last denial would be allowed by now."""
        self._by_caller.pop(caller, None)
