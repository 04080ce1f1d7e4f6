"""Lambda's way in: API Gateway's question in, the container's answer out.

Input: a Lambda authorizer's event (payload 2.0), and `KLOTHO_AUTHORIZER`, which says what container is asked and at
which path. Output: `isAuthorized`, and as `context` the JSON object the container answered. Raises RelayError whenever
there is no clear answer, so that API Gateway answers 500 and nobody gets in: the container is down, slow, or answers
with anything but 2xx, 401 and 403. Source: API Gateway Developer Guide, "Control access to HTTP APIs with AWS Lambda
authorizers"; the questions' headers are those reverse proxies send when they forward authentication.
"""

from __future__ import annotations

import http.client
import json
import os

from klotho.runtime.discovery import instances
from klotho.runtime.errors import AwsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

VARIABLE = "KLOTHO_AUTHORIZER"
PATIENCE_S = 8.0
"""Of silence: API Gateway waits 10 s for an authorizer, and a start of this function takes some of them. A container
that drips is ended by this function's own timeout."""
CONNECT_S = 2.0
"""For one connection, so that a task that went away leaves time for another one."""
LARGEST_ANSWER = 65536
"""Bytes. Nobody puts more about a caller into an event."""
_DENIED = (401, 403)
_LEFT_OUT = frozenset(
    {"accept-encoding", "connection", "content-length", "expect", "host", "if-match", "if-modified-since",
     "if-none-match", "if-range", "if-unmodified-since", "keep-alive", "proxy-authorization", "proxy-connection",
     "range", "te", "trailer", "transfer-encoding", "upgrade"}
)  # fmt: skip
"""Headers of the client's that are about its connection, or about the form of an answer it will not see."""
_SAID_BY_THE_API = ("x-forwarded-", "x-klotho-")
"""Only this function says these: what a client sends under such a name is left out."""


class RelayError(Exception):
    """There is no answer; the text says why and holds nothing of the request."""


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Ask the container about one request."""
    asked = json.loads(os.environ[VARIABLE])
    status, body = _answer(asked, question(event))
    if status in _DENIED:
        return {"isAuthorized": False}
    if not 200 <= status < 300:
        raise RelayError(f"{asked['service']} answered {status} at {asked['path']}: 2xx lets in, 401 and 403 do not")
    told = _object(body)
    return {"isAuthorized": True, "context": told} if told else {"isAuthorized": True}


def question(event: Mapping[str, Any]) -> dict[str, str]:
    """The headers that tell the container of the request: its own, and where it goes."""
    headers = {
        name.lower(): str(value) for name, value in (event.get("headers") or {}).items() if _is_the_client_s(name)
    }
    if event.get("cookies"):
        headers["cookie"] = "; ".join(event["cookies"])
    about = event["requestContext"]
    query = event.get("rawQueryString")
    headers |= {
        "x-forwarded-method": about["http"]["method"],
        "x-forwarded-uri": f"{event['rawPath']}?{query}" if query else event["rawPath"],
        "x-forwarded-host": about["domainName"],
        "x-forwarded-proto": "https",
        "x-forwarded-for": about["http"]["sourceIp"],
        "x-klotho-route": event["routeKey"],
        "x-klotho-request": about["requestId"],
    }
    return {name: _sendable(value) for name, value in headers.items()}


def _is_the_client_s(name: str) -> bool:
    """Whether the container hears this header as the client sent it."""
    # Servers that hand headers on as variables (CGI, WSGI) take `x_forwarded_uri` for `x-forwarded-uri`.
    spelled = name.lower().replace("_", "-")
    return spelled not in _LEFT_OUT and not spelled.startswith(_SAID_BY_THE_API)


def _sendable(text: str) -> str:
    """As `http.client` encodes it: one character for each byte of UTF-8, and nothing that ends a header."""
    return "".join(" " if mark in "\r\n\0" else mark for mark in text.encode(errors="replace").decode("latin-1"))


def _answer(asked: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, bytes]:
    """Status and body of what the container says."""
    connection = _connected(asked)
    try:
        connection.request("GET", asked["path"], headers=dict(headers))
        response = connection.getresponse()
        body = response.read(LARGEST_ANSWER + 1)
        if response.length and len(body) <= LARGEST_ANSWER:
            raise http.client.IncompleteRead(body, response.length)
    except (OSError, http.client.HTTPException) as error:
        raise RelayError(f"{asked['service']} did not answer {asked['path']}: {_why(error)}") from error
    finally:
        connection.close()
    if len(body) > LARGEST_ANSWER:
        raise RelayError(f"{asked['service']} answered {asked['path']} with more than {LARGEST_ANSWER} bytes")
    return response.status, body


def _connected(asked: Mapping[str, str]) -> http.client.HTTPConnection:
    """A connection to one task; to another one when the first is gone, once."""
    for attempt in (1, 2):
        try:
            address = instances.one(asked["namespace"], asked["service"])
        except AwsError as error:
            raise RelayError(f"{asked['service']} can't be found: {error}") from error
        connection = http.client.HTTPConnection(address, timeout=CONNECT_S)
        try:
            connection.connect()
        except OSError as error:
            if attempt == 2:
                raise RelayError(f"{asked['service']} can't be reached at {address}: {_why(error)}") from error
            instances.forget()
        else:
            connection.sock.settimeout(PATIENCE_S)
            return connection
    raise AssertionError("the second attempt returns or raises")


def _why(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _object(body: bytes) -> dict[str, Any] | None:
    """The JSON object a body holds; None for any other one, which is no context."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
