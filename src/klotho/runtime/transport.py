"""One HTTP exchange over a kept-alive connection: request in, status, headers and body out.

Refuses other schemes than http and https. Proxies (`HTTPS_PROXY`) are not supported: services reach AWS
directly or by VPC endpoints. Connections are kept per thread and process, so no lock is needed and a forked
worker never shares one.
"""

from __future__ import annotations

import http.client
import os
import select
import socket
import threading
import time
from urllib.parse import urlsplit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO


class TransportError(Exception):
    """No answer came. `sent` tells whether the other side may have seen (and acted on) the request."""

    def __init__(self, message: str, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class Response:
    """An HTTP answer: `status`, `headers` (names in lower case) and the whole `body`, or `stream` to read it from."""

    __slots__ = ("body", "headers", "status", "stream")

    def __init__(
        self, status: int, headers: Mapping[str, str], body: bytes, stream: http.client.HTTPResponse | None = None
    ) -> None:
        self.stream = stream
        self.status = status
        self.headers = headers
        self.body = body


IDLE_LIMIT_SECONDS = 15.0
"""A connection unused for longer is not used again: NAT gateways and frozen Lambda environments lose them silently."""


class _Pool(threading.local):
    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.process = os.getpid()
        self.connections: dict[str, tuple[float, http.client.HTTPConnection]] = {}


_pool = _Pool()


def send(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | BinaryIO,
    *,
    connect_timeout: float = 3.0,
    read_timeout: float = 10.0,
    keep: bool = False,
) -> Response:
    """Do one exchange; timeouts in seconds. Raises TransportError when no whole answer came.

    A body that is a file is sent from where it stands; its length is in the headers. `keep`: the body of a good answer
    is left in `stream`, to be read piece by piece and closed by the caller.
    """
    parts = urlsplit(url)
    target = parts.path or "/"
    if parts.query:
        target += f"?{parts.query}"
    origin = f"{parts.scheme}://{parts.netloc}"
    connection = _connected(origin, connect_timeout)
    try:
        connection.sock.settimeout(read_timeout)
        connection.request(method, target, body=body, headers=dict(headers))
        answer = connection.getresponse()
        if keep and answer.status < 300:
            names = {name.lower(): value for name, value in answer.getheaders()}
            return Response(answer.status, names, b"", answer)
        content = answer.read()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        raise TransportError(f"{parts.netloc}: {_words(error)}", sent=True) from error
    if not answer.will_close:
        _pool.connections[origin] = (time.time(), connection)
    names = {name.lower(): value for name, value in answer.getheaders()}
    return Response(answer.status, names, content)


def _connected(origin: str, timeout: float) -> http.client.HTTPConnection:
    """An open connection taken out of the pool: it goes back only after a whole answer was read from it."""
    if _pool.process != os.getpid():
        _pool.reset()  # after a fork the sockets belong to the parent
    since, kept = _pool.connections.pop(origin, (0.0, None))
    if kept is not None:
        fresh = 0 <= time.time() - since < IDLE_LIMIT_SECONDS
        if fresh and kept.sock is not None and not _readable(kept.sock.fileno()):
            return kept
        kept.close()
    connection = _new(origin, timeout)
    try:
        connection.connect()
        _keep_alive(connection.sock)
    except OSError as error:
        connection.close()
        raise TransportError(f"cannot connect to {origin}: {_words(error)}", sent=False) from error
    return connection


def _keep_alive(connected: socket.socket) -> None:
    # Without these probes a NAT gateway drops a connection after 350 silent seconds, and a long invocation with it.
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60)


def _readable(descriptor: int) -> bool:
    # An idle connection with something to read was closed by the other side: noticing that here, before sending,
    # is what keeps a call that must not run twice from having to be repeated.
    if hasattr(select, "poll"):
        poll = select.poll()  # `select.select` fails on descriptors above 1023
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([descriptor], [], [], 0)[0])


def _new(origin: str, timeout: float) -> http.client.HTTPConnection:
    parts = urlsplit(origin)
    if not parts.hostname or parts.scheme not in ("http", "https"):
        raise ValueError(f"not an http or https address: {origin!r}")
    if parts.scheme == "http":
        return http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    import ssl

    context = ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE") or None)
    return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=timeout, context=context)


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
