"""One HTTP request as the gateway sees it.

Input: an ASGI scope. Output: `GatewayRequest`. Refuses nothing.
"""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl, unquote

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]


@dataclass(slots=True)
class GatewayRequest:
    """A request, and what is learned about it on its way, for the function's event and the access log."""

    method: str
    path: str
    """Decoded, with the stage, as AWS's rawPath is."""
    raw_path: str
    """As sent."""
    query: str
    """As sent."""
    headers: Headers
    """Names in lower case, as sent and in order."""
    source_ip: str
    protocol: str
    scheme: str
    """`http`, or `https` at a custom domain."""
    receive: Receive
    send: Send
    id: str
    is_gateway: bool = True
    """Whether API Gateway answers, which says so in headers; else a load balancer does."""
    started: float = field(default_factory=time.time)
    stage: str = "$default"
    route_key: str = ""
    status: int = 0
    response_length: int = 0
    integration_status: int | None = None
    integration_latency_ms: int | None = None
    authorizer: Mapping[str, Any] | None = None
    """`requestContext.authorizer`: what an authorizer said of the caller."""
    authorizer_error: str | None = None
    """`$context.authorizer.error`."""
    error: str | None = None
    """`$context.error.message`."""
    integration_error: str | None = None
    """`$context.integrationErrorMessage`: why the integration did not answer; also in the API's log."""

    def header(self, name: bytes) -> str | None:
        """All values of a header joined by commas, None without one; the name in lower case."""
        values = [value for key, value in self.headers if key == name]
        return b",".join(values).decode("latin-1") if values else None

    def parameter(self, name: str) -> str | None:
        """All values of a query parameter, decoded and joined by commas; None without one."""
        values = [value for key, value in parse_qsl(self.query, keep_blank_values=True) if key == name]
        return ",".join(values) if values else None


def request_of(scope: Scope, receive: Receive, send: Send) -> GatewayRequest:
    client = scope.get("client")
    # The server's own decoding would turn bytes that are no UTF-8 into an error.
    raw_path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1").partition("?")[0]
    return GatewayRequest(
        method=scope["method"],
        path=unquote(raw_path),
        raw_path=raw_path,
        query=scope["query_string"].decode("latin-1"),
        headers=scope["headers"],
        source_ip=client[0] if client else "127.0.0.1",
        protocol=f"HTTP/{scope['http_version']}",
        scheme=scope.get("scheme", "http"),
        receive=receive,
        send=send,
        id=base64.b64encode(os.urandom(11)).decode(),
    )


async def body_of(request: GatewayRequest, limit: int) -> bytes | None:
    """The whole body; None when it is longer than `limit` bytes."""
    declared = request.header(b"content-length")
    if declared is not None and declared.isdigit() and int(declared) > limit:
        return None
    message = await request.receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        return body if len(body) <= limit else None
    parts = [body]
    size = len(body)
    while message.get("more_body", False):
        message = await request.receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            return None
    return b"".join(parts)


_date = (0, b"")


def _date_header() -> bytes:
    """`Date` in HTTP's form, made once a second."""
    global _date
    now = int(time.time())
    if _date[0] != now:
        _date = (now, formatdate(now, usegmt=True).encode())
    return _date[1]


async def respond(request: GatewayRequest, status: int, headers: Headers, body: bytes) -> None:
    """Send a complete response and note it for the access log."""
    request.status = status
    request.response_length = len(body)
    headers = [*headers, (b"date", _date_header())]
    if request.is_gateway:
        headers.append((b"apigw-requestid", request.id.encode()))
    if status not in (204, 304):
        headers.append((b"content-length", str(len(body)).encode()))
    await request.send({"type": "http.response.start", "status": status, "headers": headers})
    await request.send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else body})
