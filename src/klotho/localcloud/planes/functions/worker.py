"""One execution environment of a function: a process that asks the Runtime API for work, one invocation at a time.

Input: `Call`s from its pool. Output: each call's `Invocation`, and the function's log lines. Refuses nothing: whatever
the process does (crashes, hangs, never starts) becomes the error document AWS would give.
"""

from __future__ import annotations

import asyncio
import signal
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from klotho.localcloud.handler import HandlerError
from klotho.localcloud.planes import memory
from klotho.localcloud.planes.functions import outcome, runtimes
from klotho.localcloud.planes.functions.log_pipe import LogPipe
from klotho.localcloud.planes.functions.model import PAYLOAD_LIMIT, FunctionSpec, Invocation
from klotho.localcloud.planes.functions.runtime_api import RuntimeConnection
from klotho.localcloud.planes.functions.sandbox import sandbox
from klotho.localcloud.planes.processes import ENVIRONMENT_MARK, ProcessTable
from klotho.localcloud.planes.reaper import signal_group

if TYPE_CHECKING:
    from klotho.localcloud.cloud import Cloud

INIT_LIMIT_S = 10.0
"""AWS: "The Init phase is limited to 10 seconds." What is beyond it counts against the function's timeout."""
State = Literal["starting", "idle", "busy", "dead"]


@dataclass(slots=True, eq=False)
class Call:
    """One invocation on its way: who waits for it, and with what."""

    payload: bytes
    future: asyncio.Future[Invocation]
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    client_context: str | None = None
    """JSON, from `X-Amz-Client-Context`."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """What a worker tells its pool."""

    ready: Callable[[Worker], None]
    """It asks for work."""
    lost: Callable[[Worker], None]
    """It asks no more: its connection has ended, as it does just before the end of a process."""
    gone: Callable[[Worker, bytes | None, str], None]
    """It is dead; with the error document and the log when it died before it ever asked for work."""


class Worker:
    """A process, its Runtime API listener and the pipe of its output."""

    def __init__(
        self, cloud: Cloud, spec: FunctionSpec, code: Path, packages: Path, hooks: Hooks,
        opt: Path | None = None,
    ) -> None:  # fmt: skip
        """`opt`: what the function's layers hold."""
        self._opt = opt
        self._cloud = cloud
        self._hooks = hooks
        self._packages = packages
        self.spec = spec
        self.code = code
        self.state: State = "starting"
        self.retired = False
        """Set when newer code is deployed: it finishes what it does and takes nothing more."""
        self.idle_since = time.monotonic()
        self.pid: int | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._server: asyncio.Server | None = None
        self._connections: set[RuntimeConnection] = set()
        self._waiting: RuntimeConnection | None = None
        self._call: Call | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._started = self._dispatched = time.perf_counter()
        self._init_ms: float | None = None
        self._init_error: bytes | None = None
        self._memory = (0.0, 0)
        self._looks_at_memory = False
        self.stream = f"{datetime.now(UTC):%Y/%m/%d}/[$LATEST]{uuid.uuid4().hex}"
        self._log = LogPipe(lambda line: cloud.logs.write(spec.log_group, self.stream, line))
        self._watch: asyncio.Task[None] | None = None

    # --- life ---------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start the process; it reports by itself when it is ready, or gone."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        says = runtimes.says(self.spec.runtime)
        self._platform(f"INIT_START Runtime Version: {self.spec.runtime} (local cloud: {says})")
        self._started = time.perf_counter()
        table = ProcessTable.of(self._cloud.state)
        try:
            start = sandbox(self._cloud, self.spec, self.code, self._packages, self._opt)
            write_end = self._log.open()
            self._process = await asyncio.create_subprocess_exec(
                *start.argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=write_end,
                stderr=write_end,
                cwd=start.folder,
                env={
                    **start.environment,
                    "AWS_LAMBDA_LOG_STREAM_NAME": self.stream,
                    "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}",
                    ENVIRONMENT_MARK: table.mark,
                },
                start_new_session=True,
            )
        except (OSError, HandlerError) as error:
            self._platform(f"the runtime could not be started: {error}")
            self._ended(outcome.not_started(self._request_id, f"the runtime could not be started: {error}"))
            return
        finally:
            self._log.close_write_end()
        self.pid = self._process.pid
        table.add(self.pid, signal.SIGKILL, 0)
        if self.state == "starting":  # else it asked for work before we were told that it runs
            self._timer = loop.call_later(INIT_LIMIT_S + self.spec.timeout_s, self._init_timed_out)
        self._watch = loop.create_task(self._until_exit(table))
        self._look_at_memory_soon()
        if self.retired:  # let go while its process was being started
            self.kill()

    def kill(self) -> None:
        """End the process group now; AWS gives a function no notice either. What it was at fails with ExitError."""
        if self.pid is not None and self._process is not None and self._process.returncode is None:
            signal_group(self.pid, signal.SIGKILL)

    async def stop(self) -> None:
        """End the process and wait until it is gone. Safe to call twice."""
        self.retired = True
        self.kill()
        if self._watch is not None:
            await asyncio.wait({self._watch})

    async def _until_exit(self, table: ProcessTable) -> None:
        assert self._process is not None and self.pid is not None
        code = await self._process.wait()
        # Whatever the function left running in its group ends with its execution environment.
        signal_group(self.pid, signal.SIGKILL)
        table.discard(self.pid)
        self._log.drain()
        failure = self._init_error
        if self.state != "dead" and not self.retired:
            payload, line = outcome.exited(self._request_id, code)
            if failure is None:
                self._platform(line)
                failure = payload
            if self._call is not None:
                self._finish(payload, "Unhandled")
        self._ended(failure)

    def _ended(self, failure: bytes | None) -> None:
        before = self.state
        self.state = "dead"
        if self._call is not None:
            payload, line = outcome.exited(self._request_id, -signal.SIGKILL)
            self._platform(line)
            self._finish(payload, "Unhandled")
        self._cancel_timer()
        self._log.close()
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.close()
        self._hooks.gone(self, failure if before == "starting" else None, self._log.tail())

    @property
    def _request_id(self) -> str:
        return self._call.request_id if self._call is not None else str(uuid.uuid4())

    def _connection(self) -> RuntimeConnection:
        connection = RuntimeConnection(self, PAYLOAD_LIMIT)
        self._connections.add(connection)
        return connection

    @property
    def busy(self) -> bool:
        """It runs an invocation (between the answer and asking for more it is neither busy nor idle)."""
        return self._call is not None

    # --- work ---------------------------------------------------------------------------------------------------

    def run(self, call: Call) -> None:
        """Hand over one invocation; only while idle."""
        assert self._waiting is not None and self.state == "idle"
        connection, self._waiting = self._waiting, None
        self.state, self._call = "busy", call
        self._log.begin()
        self._platform(f"START RequestId: {call.request_id} Version: $LATEST")
        self._dispatched = time.perf_counter()
        self._look_at_memory_soon()
        deadline = int((time.time() + self.spec.timeout_s) * 1000)
        self._timer = asyncio.get_running_loop().call_later(self.spec.timeout_s, self._timed_out)
        headers = (
            f"Lambda-Runtime-Aws-Request-Id: {call.request_id}\r\nLambda-Runtime-Deadline-Ms: {deadline}\r\n"
            f"Lambda-Runtime-Invoked-Function-Arn: {self.spec.arn}\r\n"
            f"Lambda-Runtime-Trace-Id: Root=1-{deadline // 1000:08x}-{call.request_id.replace('-', '')[:24]}"
            ";Sampled=0\r\n"
        )
        if call.client_context is not None:
            headers += f"Lambda-Runtime-Client-Context: {call.client_context}\r\n"
        connection.send_invocation(headers.encode(), call.payload)

    def next_wanted(self, connection: RuntimeConnection) -> None:
        if self.state == "dead" or self._call is not None or self._waiting is not None:
            # A runtime asks for one piece of work at a time.
            connection.close()
            return
        if self.state == "starting":
            self._cancel_timer()
            self._init_ms = (time.perf_counter() - self._started) * 1000
        self._waiting = connection
        self.state = "idle"
        self.idle_since = time.monotonic()
        self._hooks.ready(self)

    def answered(self, request_id: str, body: bytes) -> bool:
        if self._call is None or self._call.request_id != request_id:
            return False
        if len(body) > PAYLOAD_LIMIT:
            self._finish(outcome.too_large(len(body), PAYLOAD_LIMIT), "Unhandled")
        else:
            self._finish(body, None)
        return True

    def failed(self, request_id: str, body: bytes) -> bool:
        if self._call is None or self._call.request_id != request_id:
            return False
        self._finish(body, "Unhandled")
        return True

    def disconnected(self, connection: RuntimeConnection) -> None:
        self._connections.discard(connection)
        if self._waiting is connection:
            self._waiting = None
            self._hooks.lost(self)

    def init_failed(self, body: bytes) -> None:
        self._init_error = body

    def _finish(self, payload: bytes, error: str | None) -> None:
        """Settle the current call and write what AWS writes after it."""
        call, self._call = self._call, None
        assert call is not None
        self._cancel_timer()
        elapsed = (time.perf_counter() - self._dispatched) * 1000
        self._log.drain()
        init_ms, self._init_ms = self._init_ms, None
        self._platform(f"END RequestId: {call.request_id}")
        self._platform(outcome.report(call.request_id, elapsed, self.spec.memory_mb, self._used_mb(), init_ms))
        if not call.future.done():
            call.future.set_result(Invocation(payload, error, self._log.tail(), elapsed, call.request_id))

    def _timed_out(self) -> None:
        payload, line = outcome.timed_out(self._request_id, float(self.spec.timeout_s))
        self._log.drain()
        self._platform(line)
        self._finish(payload, "Unhandled")
        self.state = "dead"
        self.kill()

    def _init_timed_out(self) -> None:
        payload, line = outcome.timed_out(self._request_id, INIT_LIMIT_S + self.spec.timeout_s)
        self._platform(line)
        self._init_error = payload
        self.kill()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _platform(self, line: str) -> None:
        self._log.write(line)

    def _used_mb(self) -> int:
        """Peak resident memory in MB; asked of the system at most once a second, since this is on every call's way."""
        at, value = self._memory
        now = time.monotonic()
        if self.pid is not None and now - at > 1.0:
            value = memory.peak_mb(self.pid)
            self._memory = (now, value)
        return value

    def _look_at_memory_soon(self) -> None:
        """One timer however many calls: it ends by itself once the worker has nothing to do."""
        if not self._looks_at_memory:
            self._looks_at_memory = True
            asyncio.get_running_loop().call_later(memory.LOOK_S, self._look_at_memory)

    def _look_at_memory(self) -> None:
        self._looks_at_memory = False
        if self.pid is None or self.state in ("idle", "dead"):
            return
        used, limit = memory.used_mb(self.pid), self.spec.memory_mb
        if used > limit:
            self._platform(
                f"klotho: the function uses {used} MB and may use {limit} (`memory=`): it is ended, as on AWS"
            )
            self.kill()  # what it was at fails with ExitError, "signal: killed"
        else:
            self._look_at_memory_soon()
