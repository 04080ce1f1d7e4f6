"""The handler's processes: each asks a Runtime API of its own for work, one call at a time, as on Lambda.

Input: an event as JSON. Output: the handler's answer, or the error document Lambda would give. A call longer than the
timeout ends its process; one that ends by itself is started again; one that ends before it ever asked for work,
three times in a row, ends the task, so that a deployment fails instead of waiting. Source: AWS Lambda Developer Guide,
"Using the Lambda runtime API for custom runtimes".
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PREFIX = "/2018-06-01/runtime"
STARTS = 3
FINISH_S = 25.0
"""ECS ends a task 30 seconds after it is told to stop (stopTimeout)."""
LOOK_S = 1.0
"""Between two looks whether a process that waits for work is still there."""


def say(text: str) -> None:
    """One line into the log, beside the handler's own."""
    sys.stderr.write(f"klotho: {text}\n")
    sys.stderr.flush()


class Answer:
    """What a call came to."""

    __slots__ = ("body", "failed")

    def __init__(self, body: bytes, failed: bool) -> None:
        self.body = body
        self.failed = failed


class _Call:
    __slots__ = ("answer", "done", "event", "id")

    def __init__(self, event: bytes) -> None:
        self.event = event
        self.id = str(uuid.uuid4())
        self.done = threading.Event()
        self.answer: Answer | None = None

    def settle(self, body: bytes, failed: bool) -> None:
        if self.answer is None:
            self.answer = Answer(body, failed)
            self.done.set()


class Pool:
    """As many processes as calls may run at once."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], size: int, timeout_s: float) -> None:
        self.command = list(command)
        self.environment = dict(environment)
        self.timeout_s = timeout_s
        self.closing = False
        self.waiting: queue.Queue[_Call] = queue.Queue()
        self._workers = [_Worker(self) for _ in range(size)]

    def start(self) -> None:
        for worker in self._workers:
            worker.start()

    def stop(self) -> None:
        """Takes nothing more, and gives what runs time to end."""
        self.closing = True
        until = time.monotonic() + FINISH_S
        for worker in self._workers:
            worker.stop(until)

    def run(self, event: bytes) -> Answer:
        """Waits for a free process, then for the answer."""
        call = _Call(event)
        self.waiting.put(call)
        call.done.wait()
        assert call.answer is not None
        return call.answer


class _Worker:
    """One process and its Runtime API."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._server = _RuntimeApi(("127.0.0.1", 0), self)
        self._process: subprocess.Popen[bytes] | None = None
        self._call: _Call | None = None
        self._asked = False
        self._failed_starts = 0
        self._ending = False

    def start(self) -> None:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        threading.Thread(target=self._keep, daemon=True).start()

    def stop(self, until: float) -> None:
        """Ends the process once its call is done, at the latest then; Lambda gives it no notice either."""
        self._ending = True
        while self._call is not None and time.monotonic() < until:
            time.sleep(0.05)
        if self._process is not None:
            self._process.kill()

    def _keep(self) -> None:
        port = self._server.server_address[1]
        variables = {**self._pool.environment, "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}"}
        folder = variables.get("LAMBDA_TASK_ROOT", "/var/task")
        while not self._ending:
            self._asked = False
            self._process = subprocess.Popen(self._pool.command, env=variables, cwd=folder)
            code = self._process.wait()
            call, self._call = self._call, None
            if call is not None:
                call.settle(_error("Runtime.ExitError", f"RequestId: {call.id} Error: Runtime exited: {code}"), True)
            self._failed_starts = 0 if self._asked else self._failed_starts + 1
            if self._failed_starts >= STARTS and not self._ending:
                say(f"the handler's runtime ended {STARTS} times before it was ready ({code})")
                os._exit(1)

    def next(self) -> _Call | None:
        """The next call; None for a process that has ended meanwhile, whose call another one gets."""
        self._asked, process = True, self._process
        while self._process is process and (process is None or process.poll() is None):
            try:
                call = self._pool.waiting.get(timeout=LOOK_S)
            except queue.Empty:
                continue
            if process is None or process.poll() is None:
                return self._taken(call)
            self._pool.waiting.put(call)
        return None

    def _taken(self, call: _Call) -> _Call:
        self._call = call
        timer = threading.Timer(self._pool.timeout_s, self._timed_out, (call,))
        timer.daemon = True
        timer.start()
        return call

    def settle(self, number: str, body: bytes, failed: bool) -> bool:
        call = self._call
        if call is None or call.id != number:
            return False
        self._call = None
        call.settle(body, failed)
        return True

    def _timed_out(self, call: _Call) -> None:
        if call.answer is None and self._call is call:
            self._call = None
            said = f"{call.id} Task timed out after {self._pool.timeout_s:.2f} seconds"
            say(said)
            call.settle(_error("Sandbox.Timedout", said), True)
            if self._process is not None:
                self._process.kill()


class _RuntimeApi(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], worker: _Worker) -> None:
        super().__init__(address, _Endpoint)
        self.worker = worker


class _Endpoint(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _RuntimeApi

    def do_GET(self) -> None:
        if self.path != f"{PREFIX}/invocation/next":
            self._reply(404, b"{}")
            return
        call = self.server.worker.next()
        if call is None:
            self.close_connection = True
            return
        timeout = self.server.worker._pool.timeout_s
        headers = {
            "Lambda-Runtime-Aws-Request-Id": call.id,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + timeout) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": os.environ.get("KLOTHO_UNIT", "function"),
            "Lambda-Runtime-Trace-Id": f"Root=1-{int(time.time()):08x}-{call.id.replace('-', '')[:24]};Sampled=0",
        }
        self._reply(200, call.event, headers)

    def do_POST(self) -> None:
        body = self._body()
        parts = self.path.removeprefix(PREFIX).strip("/").split("/")
        if parts == ["init", "error"]:
            say(f"the handler can't be loaded: {body.decode('utf-8', 'replace')}")
            self._reply(202, b'{"status":"OK"}')
        elif len(parts) == 3 and parts[0] == "invocation" and parts[2] in ("response", "error"):
            known = self.server.worker.settle(parts[1], body, parts[2] == "error")
            self._reply(202 if known else 400, b'{"status":"OK"}')
        else:
            self._reply(404, b"{}")

    def _body(self) -> bytes:
        if "chunked" not in (self.headers.get("Transfer-Encoding") or "").lower():
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _reply(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response_only(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """The handler's own log is its own."""


def _error(kind: str, message: str) -> bytes:
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()
