"""A TLS client that verifies what it is shown, for hosts that no DNS knows."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from typing import Any, NamedTuple


class Answer(NamedTuple):
    status: int
    text: str
    certificate: bytes
    """The leaf, as DER."""

    @property
    def json(self) -> Any:
        return json.loads(self.text)


def fetch(
    host: str, port: int, path: str, *, trusting: str | None, body: str | None = None, host_header: str | None = None
) -> Answer:
    """Calls `https://host:port/path` at 127.0.0.1, trusting only these roots (PEM); None: those of the system.

    OSError (`ssl.SSLError` is one) when the handshake fails.
    """
    context = ssl.create_default_context(cadata=trusting)
    connection = http.client.HTTPSConnection(host, port, timeout=35, context=context)
    raw = socket.create_connection(("127.0.0.1", port), timeout=35)
    try:
        connection.sock = context.wrap_socket(raw, server_hostname=host)
        leaf = connection.sock.getpeercert(binary_form=True) or b""
        method = "GET" if body is None else "POST"
        connection.request(method, path, body, {"Host": host_header or f"{host}:{port}"})
        response = connection.getresponse()
        return Answer(response.status, response.read().decode(), leaf)
    finally:
        connection.close()
        raw.close()
