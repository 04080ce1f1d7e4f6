"""A proxy between a command and its account: it sees every call, may answer some itself, and may kill who called.

Input: nothing. Output: `Front`, whose `variables` make AWS's SDK go through it, as in an office with a web proxy.
Nothing of the command under test knows of it, and it is killed as by a power cut: after any call, by SIGKILL.
"""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True)
class Call:
    """One request of a client."""

    method: str
    host: str
    path: str
    body: bytes

    @property
    def action(self) -> str:
        """Of the query protocol (CloudFormation, STS, IAM), else empty."""
        return parse_qs(self.body.decode("utf-8", "replace")).get("Action", [""])[0] if self.path == "/" else ""


Answer = Callable[[Call], bytes | None]
"""The body of an answer given here (200), or None for what the account answers."""
Last = Callable[[int, Call], bool]
"""Whether a call, the so-many-th of a command, is the last one it makes."""


class Front:
    """Enter it to open the door."""

    def __init__(self, answer: Answer = lambda call: None) -> None:
        self.answer = answer
        self.calls: list[Call] = []
        self._victim: subprocess.Popen[Any] | None = None
        self._last: Last = lambda number, call: False
        self._struck = False
        self._sent = signal.SIGKILL
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.variables = {"HTTP_PROXY": f"http://127.0.0.1:{self._server.server_port}", "NO_PROXY": ""}

    def __enter__(self) -> Front:
        threading.Thread(target=lambda: self._server.serve_forever(0.05), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def run(
        self, command: Sequence[str], last: Last, sent: signal.Signals = signal.SIGKILL, **options: Any
    ) -> tuple[int, str]:
        """Runs a command, which gets a signal once the call that is its `last` has been served; exit code and stderr.

        Killed, it hears no answer; of any other signal it hears just before the answer.
        """
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **options) as made:
            with self._lock:
                self.calls, self._victim, self._last, self._struck, self._sent = [], made, last, False, sent
            _, said = made.communicate(timeout=120)
        with self._lock:
            self._victim, self._struck = None, False
        return made.returncode, said

    def served(self, call: Call, headers: dict[str, str]) -> tuple[int, list[tuple[str, str]], bytes] | None:
        """What to answer; None when nobody is left to hear it."""
        with self._lock:
            if self._struck and self._sent == signal.SIGKILL:
                return None  # on its way at the same time as the last one, and never made
            self.calls.append(call)
            victim = self._victim
            is_last = victim is not None and not self._struck and self._last(len(self.calls), call)
            self._struck = self._struck or is_last
        own = self.answer(call)
        answer = (200, [("content-type", "text/xml")], own) if own is not None else self._asked(call, headers)
        if victim is not None and is_last:
            os.kill(victim.pid, self._sent)
            return None if self._sent == signal.SIGKILL else answer
        return answer

    def _asked(self, call: Call, headers: dict[str, str]) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection(call.host, timeout=60)
        try:
            connection.request(call.method, call.path, call.body or None, headers)
            answer = connection.getresponse()
            body = answer.read()
            dropped = {"connection", "keep-alive", "transfer-encoding"}
            return answer.status, [item for item in answer.getheaders() if item[0].lower() not in dropped], body
        finally:
            connection.close()


def _handler(front: Front) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            where = urlsplit(self.path)
            path = where.path + (f"?{where.query}" if where.query else "")
            answer = front.served(Call(self.command, where.netloc, path, body), dict(self.headers.items()))
            if answer is None:
                self.close_connection = True
                return
            status, headers, found = answer
            self.send_response_only(status)
            for name, value in headers:
                self.send_header(name, value)
            if not any(name.lower() == "content-length" for name, _ in headers):
                self.send_header("content-length", str(len(found)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(found)

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _serve

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    return Handler
