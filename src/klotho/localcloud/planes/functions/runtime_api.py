"""The Lambda Runtime API of one worker: the HTTP server its runtime asks for work.

Input: HTTP/1.1 requests of a runtime (`/2018-06-01/runtime/…`). Output: calls to `Host`. Refuses unknown paths (404)
and answers for another request than the current one (400, as AWS's runtime interface does).

Each worker has a listener of its own on a loopback port, because a runtime says nothing about who it is. Written on
`asyncio.Protocol` and httptools, since each invocation passes here twice.
"""

from __future__ import annotations

import asyncio
from typing import Protocol, cast

import httptools

PREFIX = "/2018-06-01/runtime/"
_ACCEPTED = b'HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{"status":"OK"}\n'


class Host(Protocol):
    """The worker whose runtime is connected. Methods return False for a request id that is not the current one."""

    def next_wanted(self, connection: RuntimeConnection) -> None: ...
    def answered(self, request_id: str, body: bytes) -> bool: ...
    def failed(self, request_id: str, body: bytes) -> bool: ...
    def init_failed(self, body: bytes) -> None: ...
    def disconnected(self, connection: RuntimeConnection) -> None: ...


class RuntimeConnection(asyncio.Protocol):
    """One connection of a runtime."""

    def __init__(self, host: Host, limit: int) -> None:
        self._host = host
        self._limit = limit
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._url = b""
        self._body: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not an isinstance check: uvloop's transports are no subclass of asyncio's.
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._host.disconnected(self)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            if self._transport is not None:
                self._transport.close()

    # The names below are httptools' callbacks.
    def on_message_begin(self) -> None:
        self._url = b""
        self._body = []

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        path = self._url.decode("ascii", "replace").removeprefix(PREFIX)
        body = b"".join(self._body)
        self._body = []
        method = self._parser.get_method()
        if method == b"GET" and path == "invocation/next":
            self._host.next_wanted(self)
        elif method == b"POST" and path == "init/error":
            self._host.init_failed(body)
            self._write(_ACCEPTED)
        elif method == b"POST" and path.startswith("invocation/"):
            self._answer(path.split("/"), body)
        else:
            self._refuse(404, "Not Found", "ResourceNotFound", f"no such runtime call: {method.decode()} {path}")

    def _answer(self, parts: list[str], body: bytes) -> None:
        request_id, kind = (parts[1], parts[2]) if len(parts) == 3 else ("", "")
        if kind == "response":
            known = self._host.answered(request_id, body)
        elif kind == "error":
            known = self._host.failed(request_id, body)
        else:
            self._refuse(404, "Not Found", "ResourceNotFound", "no such runtime call")
            return
        if not known:
            self._refuse(400, "Bad Request", "InvalidRequestID", "Invalid request ID")
        elif kind == "response" and len(body) > self._limit:
            message = f"Exceeded maximum allowed payload size ({self._limit} bytes)."
            self._refuse(413, "Payload Too Large", "RequestEntityTooLarge", message)
        else:
            self._write(_ACCEPTED)

    def send_invocation(self, headers: bytes, payload: bytes) -> None:
        """Answer the pending `next`; `headers` are complete lines."""
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n"
        self._write(head % (headers, len(payload)) + payload)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _refuse(self, status: int, phrase: str, kind: str, message: str) -> None:
        body = f'{{"errorMessage":"{message}","errorType":"{kind}"}}'.encode()
        head = f"HTTP/1.1 {status} {phrase}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self._write(head.encode() + body)

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)
