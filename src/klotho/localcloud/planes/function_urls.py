"""Function URLs, each on a loopback port of its own.

Input: records of AWS::Lambda::Url and AWS::Lambda::Permission in the `World`; a change counts from the next request on.
Output: the function's answers, by payload 2.0. Refuses, as Lambda does: everybody without both permissions (403),
bodies over 6 MB (413); a function that fails is 502, one that is throttled 429. Why is written to the log group
`/aws/lambda-url/<function>`.

Source: AWS Lambda Developer Guide, "Invoking Lambda function URLs", "Control access to Lambda function URLs".
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from klotho.localcloud.handler import HandlerError, Record, application_of
from klotho.localcloud.planes.functions.model import construct_of, name_of
from klotho.localcloud.planes.gateway import proxy_event
from klotho.localcloud.planes.gateway.cors import Cors
from klotho.localcloud.planes.gateway.request import GatewayRequest, Receive, Scope, Send, body_of, request_of, respond
from klotho.localcloud.planes.gateway.server import Application, Listener
from klotho.localcloud.planes.sockets import holder_of
from klotho.localcloud.service import ApiError
from klotho.localcloud.status import UnitStatus

if TYPE_CHECKING:
    from klotho.localcloud.cloud import Cloud

URL, PERMISSION = "AWS::Lambda::Url", "AWS::Lambda::Permission"
PAYLOAD_LIMIT = 6 * 1024 * 1024
"""Bytes."""
RETRY_S = 1.0
_NEEDED = {"lambda:InvokeFunctionUrl": "FunctionUrlAuthType", "lambda:InvokeFunction": "InvokedViaFunctionUrl"}
"""What everybody must be allowed, each with the property that says it is about URLs."""
_FORBIDDEN = (
    "Forbidden. For troubleshooting Function URL authorization issues, see: "
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
)
_log = logging.getLogger(__name__)


class RefusedError(Exception):
    """A request that gets no answer of the function: status and message are what the client gets."""

    def __init__(self, status: int, message: str, cause: str) -> None:
        super().__init__(cause)
        self.status, self.message = status, message


@dataclass(slots=True)
class _Url:
    record: Record
    name: str
    """The function's."""
    port: int
    listener: Listener | None = None
    problem: str | None = None
    retry: asyncio.Task[None] | None = None


class FunctionUrls:
    """All function URLs of one local cloud. Used from the supervisor's event loop only."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._urls: dict[str, _Url] = {}

    async def start(self) -> None:
        """Nothing to start: URLs come by `open`."""

    async def stop(self) -> None:
        for identifier in list(self._urls):
            await self.close(identifier)

    async def open(self, record: Record) -> str:
        """Listen for this one and give its address. Doing it twice is fine. HandlerError when the port is taken."""
        known = self._urls.get(record.identifier)
        if known is None:
            known = self._urls[record.identifier] = self._new(record)
        known.record = record
        if known.listener is None and not await self._listen(known):
            if known.retry is None:
                del self._urls[record.identifier]
            raise HandlerError(str(known.problem), "ServiceException")
        return f"http://127.0.0.1:{known.port}/"

    async def bring_back(self, record: Record) -> None:
        """Listen again; while somebody else has the port it is failed and tries again every second."""
        known = self._urls.setdefault(record.identifier, self._new(record))
        if known.listener is None and known.retry is None and not await self._listen(known):
            known.retry = asyncio.get_running_loop().create_task(self._wait_for_port(known))

    async def close(self, identifier: str) -> None:
        """Listen no more; one that is not there is fine. Its port stays reserved for its name."""
        known = self._urls.pop(identifier, None)
        if known is None:
            return
        if known.retry is not None:
            known.retry.cancel()
        if known.listener is not None:
            await known.listener.close()

    def status(self) -> list[UnitStatus]:
        return [_status(item) for item in sorted(self._urls.values(), key=lambda item: item.name)]

    def _new(self, record: Record) -> _Url:
        function = self._cloud.world.get("AWS::Lambda::Function", name_of(str(record.properties["TargetFunctionArn"])))
        name = construct_of(function if function is not None else record)
        return _Url(record, name, self._port(record, name))

    def _port(self, record: Record, function: str) -> int:
        """The port everybody was told; for a new one that of its function."""
        told = str(record.attributes.get("FunctionUrl", "")).rstrip("/")
        if told:
            return int(told.rpartition(":")[2])
        name = f"function-url/{function}"
        port = self._cloud.ports.of(name)
        taken = [item.port for item in self._urls.values()]
        return self._cloud.ports.of(f"{name}/{record.identifier}") if port in taken else port

    async def _listen(self, url: _Url) -> bool:
        try:
            listener = await Listener.open(self._application(url), url.port)
        except OSError as error:
            if url.problem is None:
                who = await asyncio.to_thread(holder_of, url.port) or f"another program ({error.strerror or error})"
                url.problem = f"port {url.port} of 127.0.0.1 is in use by {who}: end it"
            return False
        if self._urls.get(url.record.identifier) is not url:  # closed meanwhile
            await listener.close()
            return True
        url.listener, url.problem = listener, None
        return True

    async def _wait_for_port(self, url: _Url) -> None:
        # Shielded: cancelled between the port and the listener, a server would be left that nobody closes.
        while not await asyncio.shield(self._listen(url)):
            await asyncio.sleep(RETRY_S)
        url.retry = None

    def _application(self, url: _Url) -> Application:
        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                request = request_of(scope, receive, send)
                request.is_gateway = False
                await self._serve(url, request)

        return application

    async def _serve(self, url: _Url, request: GatewayRequest) -> None:
        settings = url.record.properties.get("Cors")
        cors = Cors(settings) if settings else None
        if cors is not None and cors.is_preflight(request):
            await respond(request, 200, cors.preflight_headers(request), b"")
            return
        try:
            status, headers, content = await self._result(url, request)
        except RefusedError as refusal:
            self._explain(url, f"{request.method} {request.path!r}: {refusal}")
            status, headers = refusal.status, [(b"content-type", b"application/json")]
            content = orjson.dumps({"Message": refusal.message})
        except Exception as error:
            # A fault of ours: the caller gets what Lambda says for one of its own.
            _log.exception("%s %r failed", request.method, request.path)
            self._explain(url, f"the local cloud failed: {type(error).__name__}: {error}")
            status, headers, content = 500, [], b"Internal Server Error"
        await respond(request, status, cors.apply(request, headers) if cors is not None else headers, content)

    async def _result(self, url: _Url, request: GatewayRequest) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        function = name_of(str(url.record.properties["TargetFunctionArn"]))
        missing = self._missing(url, function)
        if missing is not None:
            raise RefusedError(403, _FORBIDDEN, f"no AWS::Lambda::Permission lets everybody {missing} on {function}")
        body = await body_of(request, PAYLOAD_LIMIT)
        if body is None:
            raise RefusedError(413, "Request must be smaller than 6291456 bytes", "the body is over 6 MB")
        request.route_key = "$default"
        host = request.header(b"host") or f"127.0.0.1:{url.port}"
        event = proxy_event.event(request, body, {}, {}, host.partition(".")[0], "anonymous", host)
        try:
            invocation = await self._cloud.functions.invoke(function, event)
        except ApiError as error:
            status = error.status if error.status in (413, 429) else 502
            raise RefusedError(status, error.message, f"{function}: {error.message}") from error
        if invocation.error is not None:
            failed = invocation.payload.decode("utf-8", "replace")
            raise RefusedError(502, "Internal Server Error", f"{function} failed: {failed}")
        try:
            return proxy_event.response(invocation.payload)
        except proxy_event.MalformedResponseError as error:
            cause = f"malformed answer of {function}: {error}"
            raise RefusedError(502, "Internal Server Error", cause) from error

    def _missing(self, url: _Url, function: str) -> str | None:
        """The first action that everybody needs and is not allowed."""
        allowed = {
            str(record.properties.get("Action")): record.properties
            for record in self._cloud.world.list(PERMISSION)
            if name_of(str(record.properties.get("FunctionName", ""))) == function
            and record.properties.get("Principal") == "*"
        }
        for action, told in _NEEDED.items():
            value = str((allowed.get(action) or {}).get(told, "")).lower()
            if value not in ("true", str(url.record.properties["AuthType"]).lower()):
                return action
        return None

    def _explain(self, url: _Url, line: str) -> None:
        self._cloud.logs.write(_log_group(url), "errors", line)


def _status(url: _Url) -> UnitStatus:
    running = url.listener is not None
    return UnitStatus(
        name=f"{url.name} url",
        kind="api",
        state="running" if running else "failed",
        address=f"http://127.0.0.1:{url.port}" if running else None,
        log_group=_log_group(url),
        detail=url.problem,
        application=application_of(url.record),
    )


def _log_group(url: _Url) -> str:
    return f"/aws/lambda-url/{url.name}"
