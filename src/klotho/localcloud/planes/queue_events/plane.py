"""The queue events plane: pollers that call functions with the messages of queues.

Input: the records of `AWS::Lambda::EventSourceMapping`. Output: invocations with batches of messages; what a function
handled is deleted, what failed shows again when its visibility timeout is over, and goes to the dead letter queue when
it was received too often. A kill -9 loses nothing: what was not deleted is delivered again. Refuses nothing itself.

Not as on AWS: at most 8 batches of a mapping run at once, as many as the functions plane has workers; there is one
poller a mapping, which takes the next batch as soon as there is room for it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from klotho.localcloud.handler import Record
from klotho.localcloud.planes.queue_events.mapping import Mapping, event_of, failed_ids, mapping_of
from klotho.localcloud.service import ApiError
from klotho.localcloud.services.sqs.queue import Queue, Received
from klotho.localcloud.status import State, UnitStatus

if TYPE_CHECKING:
    from klotho.localcloud.cloud import Cloud

BATCH_LIMIT = 8
"""Batches of one mapping at once."""
_BATCH_BYTES = 5 * 1024 * 1024
"""AWS invokes at the latest when "the payload size reaches the payload limit", 6 MB; the rest is for the envelope."""
_LOOK_S = 20.0
_AGAIN_S = 0.2
_GRACE_S = 2.0
_log = logging.getLogger("klotho.localcloud.queue_events")


class QueueEvents:
    """Pollers by mapping. Used from the supervisor's event loop only."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._pollers: dict[str, Poller] = {}
        self._leaving: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Nothing to start: pollers come by `put`."""

    async def stop(self) -> None:
        """Stop polling; batches under way get two seconds, what they did not finish is delivered again."""
        for poller in self._pollers.values():
            self._let_go(poller)
        self._pollers.clear()
        await asyncio.gather(*self._leaving)

    def put(self, record: Record) -> None:
        """Poll as this record says from now on; batches under way finish as they began."""
        self.remove(record.identifier)
        self._pollers[record.identifier] = Poller(self._cloud, mapping_of(record))

    def remove(self, identifier: str) -> None:
        """Stop polling for the mapping; removing an unknown one is fine."""
        poller = self._pollers.pop(identifier, None)
        if poller is not None:
            self._let_go(poller)

    suspend = remove

    def get(self, identifier: str) -> Mapping | None:
        poller = self._pollers.get(identifier)
        return None if poller is None else poller.mapping

    def status(self) -> list[UnitStatus]:
        return [poller.status() for _, poller in sorted(self._pollers.items())]

    def _let_go(self, poller: Poller) -> None:
        task = asyncio.get_running_loop().create_task(poller.stop())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)


class Poller:
    """Takes batches from one queue and gives them to one function."""

    def __init__(self, cloud: Cloud, mapping: Mapping) -> None:
        self._cloud = cloud
        self.mapping = mapping
        self._room = asyncio.Semaphore(min(BATCH_LIMIT, mapping.concurrency or BATCH_LIMIT))
        self._batches: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None
        if mapping.enabled:
            self._task = asyncio.get_running_loop().create_task(self._poll(), name=f"poll for {mapping.function}")

    async def stop(self) -> None:
        """Take no more messages; batches under way get two seconds."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._batches:
            _, late = await asyncio.wait(self._batches, timeout=_GRACE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def status(self) -> UnitStatus:
        queue = self.mapping.queue_arn.rpartition(":")[2]
        detail = f"consumes {queue}; {len(self._batches)} batches under way"
        state: State = "stopped" if self._task is None else "running" if self._batches else "idle"
        return UnitStatus(
            self.mapping.construct, "consumer", state, detail=detail, application=self.mapping.application
        )

    async def _poll(self) -> None:
        while True:
            try:
                await self._next_batch()
            except Exception:  # a poller that ended silently would leave the queue unread
                _log.exception("polling for %s failed", self.mapping.function)
                await asyncio.sleep(1)

    async def _next_batch(self) -> None:
        await self._room.acquire()
        handed_over = False
        try:
            queue = self._queue()
            if queue is None:
                await asyncio.sleep(_AGAIN_S)
                return
            messages = await self._collect(queue)
            if messages:
                task = asyncio.get_running_loop().create_task(self._handle(queue, messages))
                self._batches.add(task)
                task.add_done_callback(self._done)
                handed_over = True
        finally:
            if not handed_over:
                self._room.release()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._batches.discard(task)
        self._room.release()
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a batch for %s failed", self.mapping.function, exc_info=error)

    def _queue(self) -> Queue | None:
        """The queue, once it and the function are there: after a restart others may be brought back first.

        A function that may not run at all (reserved concurrency 0) must not use up the receives of messages.
        """
        try:
            spec = self._cloud.functions.get(self.mapping.function)
        except ApiError:
            return None
        if spec.reserved is not None and len(self._batches) >= spec.reserved:
            return None
        return self._cloud.queues.catalog.find(self.mapping.queue_arn)

    async def _collect(self, queue: Queue) -> list[Received]:
        """A batch: what is there, or what comes within the window; empty when nothing came for a while."""
        catalog, size = self._cloud.queues.catalog, self.mapping.batch
        messages = catalog.receive(queue, size, max_bytes=_BATCH_BYTES)
        if not messages:
            await catalog.wait(queue, _LOOK_S)
            messages = catalog.receive(queue, size, max_bytes=_BATCH_BYTES) if catalog.find(queue.name) else []
        deadline = time.monotonic() + self.mapping.window_s
        weight = sum(len(item.body) for item in messages)
        try:
            while 0 < len(messages) < size and weight < _BATCH_BYTES and (left := deadline - time.monotonic()) > 0:
                await catalog.wait(queue, left)
                more = catalog.receive(queue, size - len(messages), max_bytes=max(1, _BATCH_BYTES - weight))
                messages += more
                weight += sum(len(item.body) for item in more)
        except asyncio.CancelledError:
            queue.change_visibility([(item.receipt, 0) for item in messages])
            raise
        return messages

    async def _handle(self, queue: Queue, messages: list[Received]) -> None:
        mapping = self.mapping
        try:
            result = await self._cloud.functions.invoke(
                mapping.function, event_of(messages, mapping.queue_arn, self._cloud.region)
            )
        except ApiError as error:
            self._log_line(f"{len(messages)} messages of {queue.name} stay in the queue: {error.message}")
            return
        if result.error is not None:
            return  # the function's own log says why; all of them show again
        failed: frozenset[str] = frozenset()
        if mapping.partial:
            failed, problem = failed_ids(result.payload, [item.message_id for item in messages])
            if problem is not None:
                self._log_line(f"all {len(messages)} messages of {queue.name} count as failed: {problem}")
        done = [item.receipt for item in messages if item.message_id not in failed]
        late = [error for error in queue.delete(done) if error is not None]
        if late:
            self._log_line(f"{len(late)} messages of {queue.name} were handled too late: they are delivered again")

    def _log_line(self, text: str) -> None:
        """Where the developer looks: the function's log."""
        try:
            group = self._cloud.functions.get(self.mapping.function).log_group
        except ApiError:
            group = f"/aws/lambda/{self.mapping.function}"
        self._cloud.logs.write(group, "queue-events", text)
