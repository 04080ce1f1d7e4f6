"""Asynchronous invocations (`InvocationType: Event`): kept until they succeeded or were tried three times.

Input: a function's name and a payload. Output: invocations through the plane, with AWS's two retries; what failed each
time is in the function's dead letter queue, where it has one. Refuses nothing; an event whose function is gone is
dropped with a line in that function's log group.

Events live in the state database, so that those not yet done survive a kill -9. One that was running at that moment
runs again: AWS, too, promises at least once.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

import orjson

from klotho.localcloud.planes.dead_letters import DeadLetters
from klotho.localcloud.planes.functions.model import Invocation, spec_of
from klotho.localcloud.service import ApiError

if TYPE_CHECKING:
    from klotho.localcloud.cloud import Cloud

RETRY_DELAYS_S = (60.0, 120.0)
"""AWS: "Lambda … retries two more times, with a one-minute wait before the first retry and two minutes before the
second" (Lambda docs, "Asynchronous invocation")."""
_LATER_S = 0.5
_TABLE = """
create table if not exists function_events (
    id integer primary key autoincrement, function text not null, payload blob not null,
    attempt integer not null default 0, due real not null
)
"""
Invoke = Callable[[str, bytes], Awaitable[Invocation]]


class EventQueue:
    """The durable queue and the task that works it off."""

    def __init__(self, cloud: Cloud, invoke: Invoke, delays: Sequence[float] = RETRY_DELAYS_S) -> None:
        self._cloud = cloud
        self._invoke = invoke
        self._delays = tuple(delays)
        self.dead_letters = DeadLetters(cloud)
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._running: dict[int, asyncio.Task[None]] = {}
        cloud.database.connection.execute(_TABLE)

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._work())

    async def stop(self) -> None:
        """Stop working; what is not done stays for the next start."""
        tasks = [task for task in (self._task, *self._running.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._task = None
        self._running.clear()

    def add(self, function: str, payload: bytes) -> None:
        """Take an event; durable when this returns."""
        with self._cloud.database.transaction() as connection:
            connection.execute(
                "insert into function_events (function, payload, due) values (?,?,?)", (function, payload, time.time())
            )
        self._changed.set()

    def pending(self) -> int:
        """Events not done yet, those that wait for a retry included."""
        return int(self._cloud.database.connection.execute("select count(*) from function_events").fetchone()[0])

    async def _work(self) -> None:
        while True:
            self._changed.clear()
            rows = self._cloud.database.connection.execute(
                "select id, function, payload, attempt, due from function_events order by due limit 100"
            ).fetchall()
            now = time.time()
            waits = [row["due"] - now for row in rows if row["due"] > now and row["id"] not in self._running]
            for row in rows:
                if row["due"] <= now and row["id"] not in self._running:
                    task = asyncio.get_running_loop().create_task(
                        self._deliver(row["id"], row["function"], row["payload"], row["attempt"])
                    )
                    self._running[row["id"]] = task
            # Not wait_for: Python 3.11's loses a cancellation that comes together with the event, and `stop` hangs.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(waits, default=None)):
                    await self._changed.wait()

    async def _deliver(self, event: int, function: str, payload: bytes, attempt: int) -> None:
        try:
            result = await self._invoke(function, payload)
        except ApiError as error:
            self._settle(event, function, attempt, error)
        else:
            if result.error is None:
                self._delete(event)
            else:
                self._retry(event, attempt, function, payload, result)
        finally:
            self._running.pop(event, None)
            self._changed.set()

    def _settle(self, event: int, function: str, attempt: int, error: ApiError) -> None:
        starting = error.status == 404 and self._cloud.world.get("AWS::Lambda::Function", function) is not None
        if error.status == 429 or starting:
            # Throttled: counts as no attempt on AWS, it stays queued. Starting: the supervisor has not brought the
            # function back yet.
            self._postpone(event, attempt, _LATER_S)
        else:
            self._cloud.logs.write(f"/aws/lambda/{function}", "events", f"event dropped: {error.message}")
            self._delete(event)

    def _retry(self, event: int, attempt: int, function: str, payload: bytes, result: Invocation) -> None:
        if attempt < len(self._delays):
            self._postpone(event, attempt + 1, self._delays[attempt])
        else:
            self._give_up(function, payload, result)
            self._delete(event)

    def _give_up(self, function: str, payload: bytes, result: Invocation) -> None:
        """The event goes to the function's dead letter queue; the log says where it is, or that it is lost."""
        record = self._cloud.world.get("AWS::Lambda::Function", function)
        if record is None:
            return
        spec, text = spec_of(record), f"event {result.request_id} failed {len(self._delays) + 1} times"
        if spec.dead_letter is None:
            self._cloud.logs.write(spec.log_group, "events", f"{text} and is dropped: there is no dead letter queue")
            return
        why = {"RequestID": result.request_id, "ErrorCode": "200", "ErrorMessage": _message(result)}
        problem = self.dead_letters.send(spec.role_arn, spec.dead_letter, payload.decode("utf-8", "replace"), why)
        name = spec.dead_letter.rpartition(":")[2]
        where = f"is in the dead letter queue {name}" if problem is None else f"is dropped: {problem}"
        self._cloud.logs.write(spec.log_group, "events", f"{text} and {where}")

    def _postpone(self, event: int, attempt: int, delay_s: float) -> None:
        with self._cloud.database.transaction() as connection:
            connection.execute(
                "update function_events set attempt=?, due=? where id=?", (attempt, time.time() + delay_s, event)
            )

    def _delete(self, event: int) -> None:
        with self._cloud.database.transaction() as connection:
            connection.execute("delete from function_events where id=?", (event,))


def _message(result: Invocation) -> str:
    """What the function's error says."""
    with contextlib.suppress(orjson.JSONDecodeError):
        document = orjson.loads(result.payload)
        if isinstance(document, dict) and document.get("errorMessage"):
            return str(document["errorMessage"])
    return str(result.error)
