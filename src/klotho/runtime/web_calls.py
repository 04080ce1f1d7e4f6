"""HTTP to a container that runs on Lambda: an address of this process, whatever HTTP client the code uses.

Input: the function's ARN. Output: `127.0.0.1:port`, where a server of this process takes requests, hands each to
Lambda's Invoke as the event an HTTP API would make of it, signed as everything else, and answers with the response. So
the code that calls need not know what runs the container. Started at the first call, once for each container and
process; nobody outside this machine's loopback reaches it.

As Lambda has it: a request and its response are at most 6 MB and come whole (no streams, no WebSockets, no gRPC).
A function that fails, or can't be called, is 502 with the reason as text; 504 when no answer came in 15 minutes.
"""

from __future__ import annotations

import base64
import json
import os
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

from klotho.runtime.errors import AwsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

LONGEST_S = 900.0
"""Lambda's longest timeout."""
LARGEST = 6 * 1024 * 1024
"""Bytes of an invocation's payload."""
_HOP = frozenset(
    {"connection", "keep-alive", "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding",
     "upgrade"}
)  # fmt: skip
_TEXT = ("text/", "application/json", "application/javascript", "application/xml")
_lock = threading.Lock()
_gateways: dict[tuple[int, str], int] = {}
"""Ports by process, for a fork leaves the threads behind, and function."""


def gateway_to(arn: str) -> str:
    """The `host:port` that leads to a container on Lambda."""
    key = (os.getpid(), arn)
    with _lock:
        if key not in _gateways:
            server = _Gateway(arn)
            threading.Thread(target=server.serve_forever, name="klotho-calls", daemon=True).start()
            _gateways[key] = server.server_address[1]
        return f"127.0.0.1:{_gateways[key]}"


class _Gateway(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, arn: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.arn = arn


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Gateway

    def _handle(self) -> None:
        status, headers, body = self._answer()
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _handle

    def log_message(self, format: str, *args: object) -> None:
        """The code's own log is its own."""

    def _answer(self) -> tuple[int, list[tuple[str, str]], bytes]:
        if self.headers.get("Transfer-Encoding"):
            self.close_connection = True
            return _refused(411, "a container on Lambda takes requests of a known length (Content-Length)")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if len(body) * 4 // 3 > LARGEST:
            return _refused(413, "a container on Lambda takes requests of up to 6 MB")
        try:
            answer = _invoke(self.server.arn, event_of(self.command, self.path, list(self.headers.items()), body))
        except AwsError as error:
            return _refused(504 if error.code == "ConnectionError" else 502, str(error))
        except Exception as error:
            return _refused(502, f"{type(error).__name__}: {error}")
        return response_of(answer)


def event_of(method: str, target: str, headers: list[tuple[str, str]], body: bytes) -> dict[str, Any]:
    """Payload format 2.0 of HTTP APIs."""
    path, _, query = target.partition("?")
    joined: dict[str, str] = {}
    cookies: list[str] = []
    for name, value in headers:
        key = name.lower()
        if key == "cookie":
            cookies += [part.strip() for part in value.split(";") if part.strip()]
        elif key not in _HOP:
            joined[key] = f"{joined[key]},{value}" if key in joined else value
    host, now = joined.get("host", "klotho"), time.time()
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": unquote(path),
        "rawQueryString": query,
        "headers": joined,
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "klotho",
            "domainName": host,
            "domainPrefix": host.partition(".")[0],
            "http": {
                "method": method,
                "path": unquote(path),
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": joined.get("user-agent", ""),
            },
            "requestId": str(uuid.uuid4()),
            "routeKey": "$default",
            "stage": "$default",
            "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
            "timeEpoch": int(now * 1000),
        },
        "isBase64Encoded": False,
    }
    if cookies:
        event["cookies"] = cookies
    if body:
        text = _as_text(body, joined)
        event["isBase64Encoded"] = text is None
        event["body"] = base64.b64encode(body).decode() if text is None else text
    return event


def _as_text(body: bytes, headers: Mapping[str, str]) -> str | None:
    if "content-encoding" in headers or not headers.get("content-type", "").startswith(_TEXT):
        return None
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def _invoke(arn: str, event: object) -> Any:
    from urllib.parse import quote

    from klotho.runtime.aws import region_of_arn, request

    response = request(
        "lambda", "POST", f"/2015-03-31/functions/{quote(arn, safe='')}/invocations",
        {"Content-Type": "application/json", "X-Amz-Invocation-Type": "RequestResponse"}, json.dumps(event).encode(),
        region=region_of_arn(arn), repeatable=False, read_timeout=LONGEST_S,
    )  # fmt: skip
    result = json.loads(response.body) if response.body else None
    if "x-amz-function-error" in response.headers:
        said = result.get("errorMessage") if isinstance(result, dict) else result
        raise AwsError("lambda", "FunctionError", str(said), 502)
    return result


def response_of(answer: Any) -> tuple[int, list[tuple[str, str]], bytes]:
    """Status, headers and body that an answer of payload format 2.0 stands for."""
    if not isinstance(answer, dict) or not isinstance(answer.get("statusCode"), int):
        return _refused(502, "the container's answer is no HTTP response")
    headers = [
        (name, str(value))
        for name, value in (answer.get("headers") or {}).items()
        if name.lower() not in _HOP | {"content-length"}
    ]
    headers += [("Set-Cookie", str(cookie)) for cookie in answer.get("cookies") or ()]
    text = answer.get("body") or ""
    return answer["statusCode"], headers, base64.b64decode(text) if answer.get("isBase64Encoded") else text.encode()


def _refused(status: int, why: str) -> tuple[int, list[tuple[str, str]], bytes]:
    return status, [("Content-Type", "text/plain; charset=utf-8")], f"klotho: {why}\n".encode()
