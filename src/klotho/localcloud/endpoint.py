"""The one address of the local cloud: every AWS API, and the supervisor's own, on one loopback port.

Input: HTTP requests of AWS SDKs pointed here by `endpoint_url` or AWS_ENDPOINT_URL. Output: what the service answers.
Refuses, in the wire format of the protocol asked: a foreign Host (DNS rebinding), requests of web pages (they carry an
Origin) but those to S3 that the CORS configuration of the bucket allows, and signing in to a user pool (`open_door`);
a wrong signature, another region, a service that is not carried (by name), whatever `authorize` denies, and bodies
above `MAX_BODY_BYTES`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qsl, unquote

from klotho.localcloud import open_door, sigv4_check, wire
from klotho.localcloud.admin import PREFIX, Admin
from klotho.localcloud.credentials import Credentials
from klotho.localcloud.planes.sockets import holder_of
from klotho.localcloud.service import ApiCall, ApiError, ApiResponse, FileSlice, Service

if TYPE_CHECKING:
    import uvicorn

MAX_BODY_BYTES = 512 * 1024 * 1024
GLOBAL_SERVICES = frozenset({"acm", "iam", "sts", "cloudfront", "route53"})
"""Signed for us-east-1 whatever region the caller is in; of ACM what is about CloudFront's certificates."""

Answers = Callable[[str, str, bytes], Awaitable[ApiResponse]]
"""Takes (method, path, body) below a prefix of its own, where an unguessable path is all the credentials needed."""

CHUNK_BYTES = 256 * 1024
"""Of a file that is sent."""
PRESIGNING = frozenset(
    {"x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-expires", "x-amz-signature", "x-amz-signedheaders"}
)

Authorize = Callable[[ApiCall], ApiError | None]
"""Asked before a service is called: None lets it through, an `ApiError` is the denial."""


class Browser(Protocol):
    """Asked about a request of a web page: the headers that allow it, or None."""

    def __call__(
        self, path: str, origin: str, method: str, wanted: str | None, *, preflight: bool
    ) -> Mapping[str, str] | None: ...


Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_log = logging.getLogger(__name__)


def allow_all(call: ApiCall) -> ApiError | None:
    """Every signed call goes through: for tests of one part. The supervisor hands in `permissions.Authorizer`."""
    return None


class Endpoint:
    """The ASGI application."""

    def __init__(
        self,
        services: Iterable[Service],
        credentials: Credentials,
        region: str,
        port: int,
        admin: Admin | None = None,
        authorize: Authorize = allow_all,
        answers: tuple[str, Answers] | None = None,
        browser: Browser | None = None,
    ) -> None:
        """`answers`: a prefix of paths, and who takes what is sent there (the functions of custom resources).
        `browser`: what web pages may do; nothing without it."""
        self._services = {service.name: service for service in services}
        self._open = [item for item in self._services.values() if isinstance(item, open_door.OpenService)]
        self._credentials = credentials
        self._region = region
        self._hosts = frozenset({f"127.0.0.1:{port}", f"localhost:{port}"})
        self._admin = admin
        self._authorize = authorize
        self._answers = answers
        self._browser = browser

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError(f"the local endpoint speaks http, not {scope['type']}")
        headers = _headers(scope["headers"])
        request_id = wire.request_id()
        door = self._door(scope, headers)
        response = await self._respond(scope, headers, receive, request_id, door)
        if door is not None and "origin" in headers:
            response = open_door.readable(response)
        await _answer(response, scope["method"], request_id, send)

    def _door(self, scope: Scope, headers: Mapping[str, str]) -> tuple[open_door.OpenService, str] | None:
        """The service and operation, when the request needs no signature."""
        if "authorization" in headers:
            return None
        asked = ((item, item.admits(scope["method"], scope["path"], headers)) for item in self._open)
        return next(((item, action) for item, action in asked if action is not None), None)

    async def _respond(
        self,
        scope: Scope,
        headers: dict[str, str],
        receive: Receive,
        request_id: str,
        door: tuple[open_door.OpenService, str] | None,
    ) -> ApiResponse:
        presigned = sigv4_check.is_presigned(scope["query_string"].decode("latin-1"))
        service = "s3" if presigned else sigv4_check.claimed_service(headers)
        page: Mapping[str, str] = {}
        try:
            self._check_host(headers)
            path = scope["path"]
            if door is not None:
                return await door[0].call(await _unsigned(door, scope, headers, receive))
            if self._open and open_door.is_preflight(scope["method"], path, headers):
                return open_door.preflight(headers)
            page = self._check_browser(scope, headers)
            if scope["method"] == "OPTIONS" and page:
                return ApiResponse(200, b"", page)
            if self._admin is not None and path.startswith(PREFIX):
                return await self._admin.respond(scope["method"], path, headers, await _body(headers, receive))
            if self._answers is not None and path.startswith(self._answers[0]):
                return await self._answers[1](scope["method"], path, await _body(headers, receive))
            response = await self._serve(await self._authenticated(scope, headers, receive))
        except ApiError as error:
            response = wire.error_response(
                _spelled(error, service, headers), wire.protocol_of(service, headers), request_id, scope["path"]
            )
        except Exception:
            _log.exception("%s %s (%s, request %s) failed", scope["method"], scope["path"], service, request_id)
            message = f"klotho's local cloud failed; the reason is in supervisor.log under request {request_id}"
            response = wire.error_response(
                ApiError("InternalFailure", message, 500), wire.protocol_of(service, headers), request_id
            )
        return replace(response, headers={**response.headers, **page}) if page else response

    def _check_host(self, headers: Mapping[str, str]) -> None:
        if headers.get("host") not in self._hosts:
            raise ApiError("AccessDenied", f"the local cloud answers to 127.0.0.1, not to {headers.get('host')!r}", 403)

    def _check_browser(self, scope: Scope, headers: Mapping[str, str]) -> Mapping[str, str]:
        """The headers that allow a web page its request; none for a request that is not a page's."""
        origin = headers.get("origin")
        if origin is None:
            return {}
        preflight = scope["method"] == "OPTIONS"
        method = headers.get("access-control-request-method", "") if preflight else scope["method"]
        wanted = headers.get("access-control-request-headers")
        allowed = None
        if self._browser is not None and (preflight or _signed_for_s3(scope, headers)):
            allowed = self._browser(scope["path"], origin, method, wanted, preflight=preflight)
        if allowed is None:
            text = (
                "CORSResponse: This CORS request is not allowed: the local cloud answers a web page (the request has "
            )
            text += "an Origin) only where the CORS configuration of a bucket allows it: Storage.Bucket(…, cors=[…])"
            raise ApiError("AccessForbidden", text, 403)
        return allowed

    async def _authenticated(self, scope: Scope, headers: dict[str, str], receive: Receive) -> ApiCall:
        body = await _body(headers, receive)
        raw_path = scope["raw_path"].decode("latin-1").partition("?")[0]
        query = scope["query_string"].decode("latin-1")
        raw = sigv4_check.RawRequest(scope["method"], raw_path, query, headers, body)
        signer, body = sigv4_check.verify(raw, self._credentials.caller_of)
        if signer.region != self._region and signer.service not in GLOBAL_SERVICES:
            raise ApiError(
                "SignatureDoesNotMatch",
                f"this local cloud is region {self._region}, the request was signed for {signer.region}",
                403,
            )
        given = dict(parse_qsl(query, keep_blank_values=True)) if query else {}
        if sigv4_check.is_presigned(query):
            # A presigned URL carries in its query what is a header otherwise.
            moved = {name.lower(): value for name, value in given.items() if name.lower().startswith("x-amz-")}
            headers = {name: value for name, value in moved.items() if name not in PRESIGNING} | headers
        return ApiCall(
            service=signer.service,
            action=_action(headers, body),
            method=scope["method"],
            path=unquote(raw_path, errors="surrogateescape"),
            query=given,
            headers={**headers, **signer.trailers} if signer.trailers else headers,
            body=body,
            caller=signer.caller,
        )

    async def _serve(self, call: ApiCall) -> ApiResponse:
        service = self._services.get(call.service)
        if service is None:
            raise wire.not_carried(call.service, call.action or f"{call.method} {call.path}")
        denial = self._authorize(call)
        if denial is not None:
            raise denial
        return await service.call(call)


def _signed_for_s3(scope: Scope, headers: Mapping[str, str]) -> bool:
    presigned = sigv4_check.is_presigned(scope["query_string"].decode("latin-1"))
    return presigned or sigv4_check.claimed_service(headers) == "s3"


async def _unsigned(
    door: tuple[open_door.OpenService, str], scope: Scope, headers: dict[str, str], receive: Receive
) -> ApiCall:
    service, action = door
    body = await _body(headers, receive)
    caller = open_door.ANONYMOUS
    return ApiCall(service.name, action, scope["method"], scope["path"], {}, headers, body, caller)


def _headers(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name, value = raw_name.decode("latin-1"), raw_value.decode("utf-8", "surrogateescape")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


async def _body(headers: Mapping[str, str], receive: Receive) -> bytes:
    too_large = ApiError("EntityTooLarge", f"the local cloud takes bodies up to {MAX_BODY_BYTES} bytes", 413)
    length = headers.get("content-length", "0")
    if length.isdecimal() and int(length) > MAX_BODY_BYTES:
        raise too_large
    message = await receive()
    body = bytes(message.get("body", b""))
    if not message.get("more_body"):
        return body
    parts, size = [body], len(body)
    while message.get("more_body"):
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MAX_BODY_BYTES:
            raise too_large
    return b"".join(parts)


def _action(headers: Mapping[str, str], body: bytes) -> str:
    target = headers.get("x-amz-target")
    if target is not None:
        return target.rpartition(".")[2]
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(body.decode("utf-8", "replace"))).get("Action", "")
    return ""


_S3_CODES = {"UnrecognizedClientException": "InvalidAccessKeyId", "MissingAuthenticationToken": "AccessDenied"}
_QUERY_CODES = {"UnrecognizedClientException": "InvalidClientTokenId"}


def _spelled(error: ApiError, service: str | None, headers: Mapping[str, str]) -> ApiError:
    """The same error under the code this protocol uses for it."""
    protocol = wire.protocol_of(service, headers)
    codes = _S3_CODES if protocol == "s3" else _QUERY_CODES if protocol == "query" else {}
    return ApiError(codes[error.code], error.message, error.status) if error.code in codes else error


async def _answer(response: ApiResponse, method: str, request_id: str, send: Send) -> None:
    headers = [(b"x-amzn-requestid", request_id.encode())]
    if "content-length" not in response.headers:
        headers.append((b"content-length", b"%d" % len(response.body)))
    headers += [
        (k.lower().encode("latin-1"), v.encode("utf-8", "surrogateescape")) for k, v in response.headers.items()
    ]
    body = b"" if method == "HEAD" else response.body
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    if response.file is not None:
        await _send_file(response.file, send)
        return
    await send({"type": "http.response.body", "body": body})


async def _send_file(content: FileSlice, send: Send) -> None:
    with content.file as file:
        left = content.length
        while left > 0:
            piece = await asyncio.to_thread(file.read, min(left, CHUNK_BYTES))
            if not piece:
                raise OSError("a file ended before the length that was announced for it")
            left -= len(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


class PortInUseError(Exception):
    """Something else listens on the endpoint's port."""

    def __init__(self, port: int, holder: str | None = None) -> None:
        who = holder or "another program"
        super().__init__(f"port {port} on 127.0.0.1 is in use by {who}; the local cloud's endpoint needs it")
        self.port = port


def bind(port: int) -> socket.socket:
    """A loopback socket on this port (0 for any free one); PortInUseError when it is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(512)
    except OSError as error:
        listener.close()
        raise PortInUseError(port, holder_of(port)) from error
    return listener


class EndpointServer:
    """Serves the application on a bound socket inside the running event loop."""

    def __init__(self, app: Endpoint, listener: socket.socket) -> None:
        self._app = app
        self._listener = listener
        self._server: uvicorn.Server | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Returns once requests are accepted."""
        import uvicorn

        class Server(uvicorn.Server):
            @contextlib.contextmanager
            def capture_signals(self) -> Iterator[None]:
                yield  # the supervisor handles signals

        config = uvicorn.Config(
            self._app, http="httptools", ws="none", lifespan="off", log_config=None, access_log=False,
            proxy_headers=False, server_header=False, timeout_keep_alive=75, timeout_graceful_shutdown=1,
        )  # fmt: skip
        self._server = Server(config)
        self._task = asyncio.create_task(self._server.serve([self._listener]), name="endpoint")
        while not self._server.started:
            if self._task.done():
                self._task.result()
                raise OSError("the endpoint's server ended at once")
            await asyncio.sleep(0.002)

    async def stop(self) -> None:
        if self._server is not None and self._task is not None:
            self._server.should_exit = True
            await self._task
        self._listener.close()
