"""Schedules that really fire: times in, asynchronous invocations of functions and messages in queues out.

Input: schedules by identifier, a clock. Output: an event in the functions' durable queue at each due time, which
brings Lambda's own retries (two, after one and two minutes), or a message in an SQS queue, sent under the schedule's
role. Refuses nothing: the handler has checked the schedule.

A run of a function and the time of the next one are written in one transaction, so that a kill -9 neither loses a run
nor repeats it. A message is sent before the next time is written: after a kill -9 between the two it is sent again with
the same `execution-id`, as Scheduler delivers at least once. What was due while the cloud was down: a run at most
`LATE_S` late still happens, since Scheduler itself promises no more than a minute's precision; older ones are left out,
counted in `klotho status`, and the next one is as if the cloud had never been away. (EventBridge Scheduler has no
downtime to compare with; a laptop opened in the morning must not fire a night's worth of runs.)

Not as on AWS: the role is not assumed to invoke a function, since its policy is made from the same relationship as the
schedule; and an event for a function or queue that is gone, or that the role may not send to, goes to the dead letter
queue at once instead of being retried for 24 hours.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

from klotho.application.timetable import Timetable
from klotho.localcloud.identity import uuid_of
from klotho.localcloud.planes.dead_letters import DeadLetters
from klotho.localcloud.planes.functions.model import name_of
from klotho.localcloud.status import UnitStatus

if TYPE_CHECKING:
    from klotho.localcloud.cloud import Cloud

LATE_S = 60.0
"""AWS: "All schedule types on EventBridge Scheduler invoke their targets with 60 second precision"."""
_LONGEST_SLEEP_S = 30.0
"""The wall clock may be set, and a laptop may sleep: the time is looked at this often at least."""
_TABLE = """
create table if not exists schedule_times (
    identifier text primary key, token text not null, expression text not null, timezone text not null,
    due real, missed integer not null default 0
)
"""
_log = logging.getLogger("klotho.localcloud")


@dataclass(frozen=True, slots=True)
class Spec:
    """One schedule, as its template says it."""

    identifier: str
    arn: str
    token: str
    expression: str
    timezone: str
    timetable: Timetable
    enabled: bool
    target: str
    """The ARN of the function or the queue."""
    event: str
    """Target.Input, with context attributes still in it."""
    application: str | None = None
    """The application it belongs to; None for a stack made with another tool."""
    role: str | None = None
    dead_letter: str | None = None
    """The ARN of the queue for runs that could not be handed over."""


class Schedules:
    """All schedules of one local cloud. `clock`: seconds since 1970."""

    def __init__(self, cloud: Cloud, *, clock: Callable[[], float] = time.time) -> None:
        self._cloud = cloud
        self._clock = clock
        self._specs: dict[str, Spec] = {}
        self._dead_letters = DeadLetters(cloud)
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        cloud.database.connection.execute(_TABLE)

    async def start(self) -> None:
        """Begin to fire; schedules come by `put`."""
        self._task = asyncio.get_running_loop().create_task(self._work())

    async def stop(self) -> None:
        """Fire nothing more; the times are kept."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def put(self, spec: Spec) -> None:
        """Make a schedule or change it; one whose times stay the same keeps the time of its next run."""
        row = self._row(spec.identifier)
        same = row is not None and row["token"] == spec.token
        if row is None or not same or (row["expression"], row["timezone"]) != (spec.expression, spec.timezone):
            due = self._first(spec, changed=same)
            with self._cloud.database.transaction() as connection:
                connection.execute(
                    "insert or replace into schedule_times values (?,?,?,?,?,0)",
                    (spec.identifier, spec.token, spec.expression, spec.timezone, due),
                )
        self._specs[spec.identifier] = spec
        self._changed.set()

    def remove(self, identifier: str) -> None:
        """Forget a schedule; removing an unknown one is fine."""
        self._specs.pop(identifier, None)
        with self._cloud.database.transaction() as connection:
            connection.execute("delete from schedule_times where identifier=?", (identifier,))

    def suspend(self, identifier: str) -> None:
        """Fire it no more until it is put again; its times are kept, so that coming back is like a restart."""
        self._specs.pop(identifier, None)

    def due(self, identifier: str) -> float | None:
        """When it runs next, in seconds since 1970; None when it never will."""
        row = self._row(identifier)
        return None if row is None or row["due"] is None else float(row["due"])

    def run_due(self) -> int:
        """Fire everything that is due by the clock; how many runs that were."""
        now = self._clock()
        ready = [spec for spec in self._specs.values() if self._is_due(spec, now)]
        return sum(self._run(spec, now) for spec in ready)

    def status(self) -> list[UnitStatus]:
        return [self._status(spec) for _, spec in sorted(self._specs.items())]

    async def _work(self) -> None:
        while True:
            self._changed.clear()
            try:
                self.run_due()
            except Exception:
                # One schedule that can't be written must not end all others; it is tried again with the next look.
                _log.exception("firing schedules failed")
            now = self._clock()
            times = [due for item in self._specs.values() if item.enabled and (due := self.due(item.identifier))]
            wait = min([_LONGEST_SLEEP_S, *(max(0.05, due - now) for due in times)])
            # Not wait_for: Python 3.11's loses a cancellation that comes together with the event, and `stop` hangs.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._changed.wait()

    def _is_due(self, spec: Spec, now: float) -> bool:
        due = self.due(spec.identifier)
        return due is not None and due <= now

    def _run(self, spec: Spec, now: float) -> int:
        """Fire one schedule, or leave out what is too late, and write down when it is due next: all or nothing."""
        due = self.due(spec.identifier)
        assert due is not None
        following, passed = self._following(spec, due, now)
        late = now - due > LATE_S
        # Of several that came due while nobody looked, the newest may be recent enough to run.
        last = passed[-1]
        fires = spec.enabled and (not late or now - last <= LATE_S)
        missed = len(passed) - fires if spec.enabled else 0
        with self._cloud.database.transaction() as connection:
            if fires:
                self._fire(spec, last)
            connection.execute(
                "update schedule_times set due=?, missed=missed+? where identifier=?",
                (following, missed, spec.identifier),
            )
        if missed:
            _log.warning("schedule %s: %d runs were due while the cloud was down", spec.identifier, missed)
        return int(fires)

    def _fire(self, spec: Spec, due: float) -> None:
        function, event = name_of(spec.target), _event(spec, due)
        if is_queue(spec.target):
            why_not = self._dead_letters.send(spec.role, spec.target, event.decode(), {})
            if why_not is not None:
                allowed = self._dead_letters.may_send(spec.role, spec.target)
                self._bury(spec, event, "NonExistentQueue" if allowed else "AccessDenied", why_not)
            return
        if spec.dead_letter is None or self._cloud.world.get("AWS::Lambda::Function", function) is not None:
            self._cloud.functions.events.add(function, event)
            return
        self._bury(spec, event, "ResourceNotFoundException", f"Function not found: {spec.target}")

    def _bury(self, spec: Spec, event: bytes, code: str, message: str) -> None:
        """What can't be handed over goes to the dead letter queue, where there is one."""
        why = {"ERROR_CODE": code, "ERROR_MESSAGE": message, "RETRY_ATTEMPTS": "0"}
        named = {"SCHEDULE_ARN": spec.arn, "TARGET_ARN": spec.target, **why}
        problem: str | None = "it has no dead letter queue"
        if spec.dead_letter is not None:
            problem = self._dead_letters.send(spec.role, spec.dead_letter, event.decode(), named)
        _log.warning("schedule %s: %s; %s", spec.identifier, message, problem or "the run is a dead letter")

    def _following(self, spec: Spec, due: float, now: float) -> tuple[float | None, list[float]]:
        """The next time after now, and those that have come since `due`; at most a thousand are counted one by one."""
        passed, moment = [due], datetime.fromtimestamp(due, UTC)
        while len(passed) < 1000:
            found = spec.timetable.following(moment, moment)
            if found is None:
                return None, passed
            if found.timestamp() > now:
                return found.timestamp(), passed
            moment = found
            passed.append(found.timestamp())
        found = spec.timetable.following(moment, datetime.fromtimestamp(now, UTC))
        return (found.timestamp() if found else None), passed

    def _first(self, spec: Spec, *, changed: bool) -> float | None:
        now = datetime.fromtimestamp(self._clock(), UTC)
        # A new rate starts at once, as on AWS; a changed one counts from the change.
        found = spec.timetable.following(now, now) if changed else spec.timetable.first(now)
        return found.timestamp() if found else None

    def _row(self, identifier: str) -> dict[str, Any] | None:
        row = self._cloud.database.connection.execute(
            "select * from schedule_times where identifier=?", (identifier,)
        ).fetchone()
        return None if row is None else dict(row)

    def _status(self, spec: Spec) -> UnitStatus:
        row = self._row(spec.identifier) or {}
        due, missed = self.due(spec.identifier), row.get("missed", 0)
        parts = [
            f"next {_iso(due)}" if due is not None else "never again",
            f"{'tells' if is_queue(spec.target) else 'runs'} {name_of(spec.target)}",
        ]
        parts += [f"{missed} runs missed while down"] if missed else []
        return UnitStatus(
            name=_name(spec),
            kind="schedule",
            state="idle" if spec.enabled and due is not None else "stopped",
            detail="; ".join(parts),
            application=spec.application,
        )


def is_queue(target: str) -> bool:
    """Whether this ARN is that of a queue."""
    return ":sqs:" in target


def _name(spec: Spec) -> str:
    """The construct's name where the event says it, else the physical one."""
    try:
        event = orjson.loads(spec.event)
    except orjson.JSONDecodeError:
        return spec.identifier
    return str(event.get("schedule", spec.identifier)) if isinstance(event, dict) else spec.identifier


def _event(spec: Spec, due: float) -> bytes:
    """Target.Input with Scheduler's context attributes filled in (User Guide, "Adding context attributes")."""
    values = {
        "schedule-arn": spec.arn,
        "scheduled-time": _iso(due),
        # From the time, so that a run tried again after a crash is recognisable as the same one.
        "execution-id": uuid_of(f"{spec.token}/{due}", "schedule-run"),
        "attempt-number": "1",
    }
    text = spec.event
    for name, value in values.items():
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return text.encode()


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
