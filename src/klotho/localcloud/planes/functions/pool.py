"""The execution environments of one function: starts them as needed, up to a limit, and lets idle ones go.

Input: calls. Output: each call's future settled. Refuses, as AWS does with TooManyRequestsException, more concurrent
calls than the function has reserved.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from klotho.localcloud.planes.functions.model import FunctionSpec, Invocation
from klotho.localcloud.planes.functions.worker import Call, Hooks, Worker
from klotho.localcloud.service import ApiError

if TYPE_CHECKING:
    from klotho.localcloud.cloud import Cloud

PATIENCE_S = 0.01
"""How long a call waits for a busy worker before another is started: a handler of a millisecond is done before a new
process could even begin, so that starting at once would only be load."""


class Pool:
    """All workers of one version of one function."""

    def __init__(
        self, cloud: Cloud, spec: FunctionSpec, code: Path, packages: Path, limit: int, on_change: Callable[[], None],
        opt: Path | None = None,
    ) -> None:  # fmt: skip
        """`opt`: what the function's layers hold."""
        self._cloud = cloud
        self._packages = packages
        self._on_change = on_change
        self.spec = spec
        self.code = code
        self.opt = opt
        self.limit = limit
        self.workers: set[Worker] = set()
        self.last_failure: str | None = None
        """The last error document of a start that failed; None once one succeeded."""
        self._idle: list[Worker] = []
        self._waiting: deque[Call] = deque()
        self._starts: set[asyncio.Task[None]] = set()
        self._retired = False

    def submit(self, call: Call) -> None:
        """Run the call on an idle worker, or as soon as there is one."""
        reserved = self.spec.reserved
        if reserved is not None and self._in_flight() >= reserved:
            raise ApiError("TooManyRequestsException", "Rate Exceeded.", 429)
        if self._idle:
            self._idle.pop().run(call)
            return
        self._waiting.append(call)
        if not self.workers:
            self._start_worker()
        else:
            asyncio.get_running_loop().call_later(PATIENCE_S, self._grow, call)

    def warm(self) -> None:
        """Start one worker ahead of the first call."""
        if not self.workers and not self._retired:
            self._start_worker()

    @property
    def starting(self) -> bool:
        return any(worker.state == "starting" for worker in self.workers)

    def reap(self, idle_s: float) -> None:
        """End workers that have had nothing to do for so many seconds."""
        before = time.monotonic() - idle_s
        for worker in [worker for worker in self._idle if worker.idle_since < before]:
            self._idle.remove(worker)
            self._let_go(worker)

    def retire(self) -> list[Call]:
        """Newer code is there: idle workers go now, busy ones after their call; returns the calls not begun."""
        self._retired = True
        for worker in list(self.workers):
            if worker.state != "busy":
                self._let_go(worker)
            worker.retired = True
        self._idle.clear()
        calls = list(self._waiting)
        self._waiting.clear()
        return calls

    async def stop(self) -> None:
        """End all workers; calls under way fail as if their runtime had been killed."""
        for call in self.retire():
            call.future.cancel()
        await asyncio.gather(*self._starts, return_exceptions=True)
        await asyncio.gather(*(worker.stop() for worker in list(self.workers)))

    def _in_flight(self) -> int:
        return len(self._waiting) + sum(worker.busy for worker in self.workers)

    def _grow(self, call: Call) -> None:
        """The call may have been taken meanwhile; if it still waits, one more worker is worth starting."""
        starting = sum(worker.state == "starting" for worker in self.workers)
        if call in self._waiting and starting < len(self._waiting):
            self._start_worker()

    def _start_worker(self) -> None:
        if len(self.workers) >= self.limit or self._retired:
            return
        hooks = Hooks(ready=self._ready, lost=self._lost, gone=self._gone)
        worker = Worker(self._cloud, self.spec, self.code, self._packages, hooks, self.opt)
        self.workers.add(worker)
        task = asyncio.get_running_loop().create_task(worker.start())
        self._starts.add(task)
        task.add_done_callback(lambda done: self._started(worker, done))

    def _started(self, worker: Worker, task: asyncio.Task[None]) -> None:
        self._starts.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # Not the function's doing (that would be an error document): whoever waits is told of our own mistake.
            self.workers.discard(worker)
            while self._waiting:
                call = self._waiting.popleft()
                if not call.future.done():
                    call.future.set_exception(error)

    def _ready(self, worker: Worker) -> None:
        self.last_failure = None
        if worker.retired:
            self._let_go(worker)
            return
        while self._waiting:
            call = self._waiting.popleft()
            if not call.future.done():  # its caller may have given up
                worker.run(call)
                return
        self._idle.append(worker)

    def _lost(self, worker: Worker) -> None:
        if worker in self._idle:
            self._idle.remove(worker)

    def _gone(self, worker: Worker, failure: bytes | None, log: str) -> None:
        self.workers.discard(worker)
        if worker in self._idle:
            self._idle.remove(worker)
        if failure is not None and not worker.retired:
            self.last_failure = failure.decode("utf-8", "replace")
            self._fail_oldest(failure, log)
        if self._waiting and not self.starting:
            self._start_worker()
        self._on_change()

    def _fail_oldest(self, failure: bytes, log: str) -> None:
        """A start that failed answers the call it was made for; the next call gets a new start, as on AWS."""
        while self._waiting:
            call = self._waiting.popleft()
            if not call.future.done():
                call.future.set_result(Invocation(failure, "Unhandled", log, 0.0, call.request_id))
                return

    def _let_go(self, worker: Worker) -> None:
        worker.retired = True
        worker.kill()
