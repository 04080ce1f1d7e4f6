"""What reaches a function on Fargate by HTTP: calls of other services, and requests of APIs.

A call is Lambda's own Invoke without a signature (who may reach the port is the network's business); one nobody waits
for goes into the function's own queue, so that it is not lost. A request of an HTTP API becomes an event of payload
format 2.0, one of a private API (a load balancer's) that of Elastic Load Balancing; the answer becomes the response.
Which it was tells a header that HTTP APIs overwrite in every request (`relationships/attach.py`). Sources: AWS Lambda
API Reference, Invoke; API Gateway Developer Guide, "Create AWS Lambda proxy integrations for HTTP APIs"; Elastic Load
Balancing, "Use Lambda functions as targets of an Application Load Balancer".
"""

from __future__ import annotations

import base64
import json
import os
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, unquote_plus

from klotho.handler_host.routes import route_of, routes_in
from klotho.runtime.caller import claims_in
from klotho.runtime.errors import AwsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from klotho.handler_host.pool import Pool

HEALTH = "/_klotho/health"
"""What a load balancer asks; the handler never sees it."""
CALLS = "KLOTHO_SOURCE_CALLS"
_INVOKE = "/2015-03-31/functions/"
_VOUCHED = "x-klotho-caller"
_HOP = frozenset(
    {"connection", "content-length", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", _VOUCHED}
)
_TEXT = ("text/", "application/json", "application/javascript", "application/xml")


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], pool: Pool) -> None:
        self.pool = pool
        self.routes = routes_in(os.environ)
        super().__init__(address, Handler)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def _handle(self) -> None:
        status, headers, body = self._reply()
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _handle

    def log_message(self, format: str, *args: object) -> None:
        """The handler's own log is its own."""

    def _reply(self) -> tuple[int, list[tuple[str, str]], bytes]:
        if self.path == HEALTH:
            return 200, [], b"ok\n"
        body = self._body()
        headers = [(name.lower(), value) for name, value in self.headers.items()]
        if is_invocation(self.command, self.path, headers):
            return self._invoked(body)
        by_api = any(name == _VOUCHED for name, _ in headers)
        event = (
            api_event(self.command, self.path, headers, body, self.server.routes)
            if by_api
            else balancer_event(self.command, self.path, headers, body)
        )
        answer = self.server.pool.run(json.dumps(event).encode())
        failed = (500, b'{"message":"Internal Server Error"}') if by_api else (502, b"")
        if answer.failed:
            return failed[0], [("content-type", "application/json")], failed[1]
        return response_of(answer.body, by_api)

    def _body(self) -> bytes:
        if "chunked" not in (self.headers.get("Transfer-Encoding") or "").lower():
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _invoked(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        if self.headers.get("X-Amz-Invocation-Type") == "Event":
            return _queued(body or b"{}")
        answer = self.server.pool.run(body or b"{}")
        said = [("content-type", "application/json")]
        return 200, [*said, ("x-amz-function-error", "Unhandled")] if answer.failed else said, answer.body


def is_invocation(method: str, path: str, headers: list[tuple[str, str]]) -> bool:
    """Whether another service of the application calls the handler. Who comes through an API or a load balancer can't:
    the one overwrites a header in every request, the other adds one (Elastic Load Balancing User Guide, "HTTP headers
    and Application Load Balancers": `X-Forwarded-Port`), and no client can take them away."""
    if method != "POST" or not path.startswith(_INVOKE) or not path.endswith("/invocations"):
        return False
    return not any(name in (_VOUCHED, "x-forwarded-port") for name, _ in headers)


def _queued(body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
    from klotho.runtime.aws import call

    try:
        told = json.loads(os.environ[CALLS])
        call("sqs", "SendMessage", {"QueueUrl": told["queue"], "MessageBody": body.decode()})
    except (AwsError, KeyError) as error:
        return 500, [("x-amzn-errortype", "ServiceException")], json.dumps({"message": str(error)}).encode()
    return 202, [], b""


def api_event(
    method: str, target: str, headers: list[tuple[str, str]], body: bytes, routes: list[str]
) -> dict[str, Any]:
    """Payload format 2.0."""
    path, _, query = target.partition("?")
    key, parameters = route_of(method, path, routes)
    joined, cookies = _joined(headers)
    forwarded = dict(part.strip().partition("=")[::2] for part in joined.pop("forwarded", "").split(",")[0].split(";"))
    host = forwarded.get("host") or joined.get("host", "")
    joined["host"] = host
    source = (forwarded.get("for") or joined.get("x-forwarded-for", "")).split(",")[0].strip()
    joined.setdefault("x-forwarded-for", source)
    joined.setdefault("content-length", "0")
    now = time.time()
    event: dict[str, Any] = {
        "version": "2.0", "routeKey": key, "rawPath": unquote(path), "rawQueryString": query, "headers": joined,
        "requestContext": {
            "accountId": "", "apiId": host.partition(".")[0], "domainName": host,
            "domainPrefix": host.partition(".")[0],
            "http": {
                "method": method, "path": unquote(path), "protocol": "HTTP/1.1", "sourceIp": source,
                "userAgent": joined.get("user-agent", ""),
            },
            "requestId": str(uuid.uuid4()), "routeKey": key, "stage": "$default",
            "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)), "timeEpoch": int(now * 1000),
        },
    }  # fmt: skip
    authorizer = _authorizer(dict(headers).get(_VOUCHED, ""), headers)
    if authorizer is not None:
        event["requestContext"]["authorizer"] = authorizer
    if cookies:
        event["cookies"] = cookies
    if query:
        event["queryStringParameters"] = _query(query)
    if parameters:
        event["pathParameters"] = parameters
    return {**event, **_body_of(body, joined)}


def balancer_event(method: str, target: str, headers: list[tuple[str, str]], body: bytes) -> dict[str, Any]:
    """What a load balancer sends to a function."""
    path, _, query = target.partition("?")
    told = {name: value for name, value in headers if name not in _HOP}
    event = {
        "requestContext": {"elb": {"targetGroupArn": ""}},
        "httpMethod": method,
        "path": path,
        "queryStringParameters": dict(pair.partition("=")[::2] for pair in query.split("&") if pair),
        "headers": told,
        "body": "",
    }
    return {**event, **_body_of(body, told)}


def response_of(answer: bytes, by_api: bool) -> tuple[int, list[tuple[str, str]], bytes]:
    """Status, headers and body that the handler's answer stands for."""
    try:
        said = json.loads(answer)
    except ValueError:
        return 500, [], b'{"message":"Internal Server Error"}'
    if not isinstance(said, dict) or "statusCode" not in said:
        # AWS: "If your Lambda function returns valid JSON and doesn't return a statusCode": 200 and this body.
        return (200, [("content-type", "application/json")], answer) if by_api else (502, [], b"")
    headers = [(str(name), str(value)) for name, value in (said.get("headers") or {}).items()]
    headers = [(name, value) for name, value in headers if name.lower() not in _HOP]
    headers += [("set-cookie", str(cookie)) for cookie in said.get("cookies") or ()]
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("content-type", "text/plain;charset=UTF-8"))
    body = said.get("body") or ""
    text = body if isinstance(body, str) else json.dumps(body)
    return int(said["statusCode"]), headers, base64.b64decode(text) if said.get("isBase64Encoded") else text.encode()


def _joined(headers: list[tuple[str, str]]) -> tuple[dict[str, str], list[str]]:
    joined: dict[str, str] = {}
    cookies: list[str] = []
    for name, value in headers:
        if name == "cookie":
            cookies += [part.strip() for part in value.split(";") if part.strip()]
        elif name not in _HOP:
            joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined, cookies


def _authorizer(vouched: str, headers: list[tuple[str, str]]) -> dict[str, Any] | None:
    """What the API says of the caller; the claims as text, as it hands them to functions."""
    if vouched == "function":
        return {"lambda": {}}
    if vouched != "jwt":
        return None
    claims = claims_in([value for name, value in headers if name == "authorization"]) or {}
    scopes = claims.get("scope")
    return {
        "jwt": {
            "claims": {name: _as_text(value) for name, value in claims.items()},
            "scopes": scopes.split() if isinstance(scopes, str) else None,
        }
    }


def _as_text(value: Any) -> str:
    if isinstance(value, list):
        return f"[{' '.join(str(item) for item in value)}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _query(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in text.split("&"):
        if pair:
            name, _, value = pair.partition("=")
            key, said = unquote_plus(name), unquote_plus(value)
            found[key] = f"{found[key]},{said}" if key in found else said
    return found


def _body_of(body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
    if not body:
        return {"isBase64Encoded": False}
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if "content-encoding" not in headers and (not kind or kind.startswith(_TEXT) or kind.endswith(("+json", "+xml"))):
        try:
            return {"isBase64Encoded": False, "body": body.decode()}
        except UnicodeDecodeError:
            pass
    return {"isBase64Encoded": True, "body": base64.b64encode(body).decode()}
