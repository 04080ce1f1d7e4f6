"""The gateway: every live HTTP API of the local cloud on a loopback port of its own.

Input: the records of API Gateway v2 in the `World`; changes count from the next request on. Output: answers as an
HTTP API gives them: functions by payload format 2.0, containers and public URLs by HTTP proxying, CORS, access logs.
Refuses, as `HandlerError` naming the port, an API whose port somebody else has; one that is brought back waits for its
port instead, shown as failed until it has it.

Why a request failed inside is written to the log group `/aws/apigateway/<API's name>`, stream `errors`: AWS says it
only in an access log that asks for `$context.integrationErrorMessage`; a developer at this machine should not have to.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import orjson

from klotho.localcloud.handler import HandlerError, Record, application_of
from klotho.localcloud.planes.functions.model import construct_of
from klotho.localcloud.planes.gateway import proxy_event
from klotho.localcloud.planes.gateway.api import (
    API,
    AUTHORIZER,
    INTEGRATION,
    PERMISSION,
    ROUTE,
    STAGE,
    FunctionTarget,
    HttpApi,
    Stage,
    Target,
    compile_api,
)
from klotho.localcloud.planes.gateway.authorizers import Doorkeeper, Guard, Refusal
from klotho.localcloud.planes.gateway.proxy import PAYLOAD_LIMIT, IntegrationError, Proxy
from klotho.localcloud.planes.gateway.request import (
    GatewayRequest,
    Headers,
    Receive,
    Scope,
    Send,
    body_of,
    request_of,
    respond,
)
from klotho.localcloud.planes.gateway.routes import Match
from klotho.localcloud.planes.gateway.server import Application, Listener
from klotho.localcloud.planes.gateway.tokens import Keys, KeySets
from klotho.localcloud.planes.sockets import holder_of
from klotho.localcloud.service import ApiError
from klotho.localcloud.status import UnitStatus

if TYPE_CHECKING:
    from klotho.localcloud.cloud import Cloud

RETRY_S = 1.0
"""Between two tries to take a port that somebody else has."""
_log = logging.getLogger(__name__)
HEADER_LIMIT = 10240
"""Bytes. AWS: "Total combined size of request line and header values: 10240 bytes"."""


@dataclass(slots=True)
class _Api:
    name: str
    port: int
    listener: Listener | None
    compiled: HttpApi | None = None
    problem: str | None = None
    application: str | None = None
    retry: asyncio.Task[None] | None = None
    """Waits for the port, while somebody else has it."""


class Gateway:
    """All listeners. Used from the supervisor's event loop only."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._apis: dict[str, _Api] = {}
        self._proxy = Proxy()
        self._keys = KeySets(self._local_keys)
        self._doorkeeper = Doorkeeper(cloud, self._keys)
        for type_name in (API, AUTHORIZER, INTEGRATION, ROUTE, STAGE, PERMISSION):
            cloud.world.subscribe(type_name, self._changed)

    async def start(self) -> None:
        """Nothing to start: APIs come by `open`."""

    async def stop(self) -> None:
        """Close all listeners."""
        apis, self._apis = list(self._apis.values()), {}
        for api in apis:
            _stop_waiting(api)
        await asyncio.gather(*(api.listener.close() for api in apis if api.listener is not None))
        await self._proxy.close()
        await self._keys.close()

    async def open(self, record: Record) -> str:
        """Listen for this API on its stable port; returns its URL. Doing it twice is fine.

        HandlerError when somebody else has the port.
        """
        known = self._apis.get(record.identifier)
        if known is not None and known.listener is not None:
            known.name, known.application = _name(record), application_of(record)
            known.compiled = None
            return f"http://127.0.0.1:{known.port}"
        if known is not None:
            _stop_waiting(known)
        name = _name(record)
        port = self._port(record, name)
        api = self._apis[record.identifier] = _Api(name, port, None, application=application_of(record))
        if not await self._listen(record.identifier, api):
            raise HandlerError(str(api.problem), "ServiceUnavailable")
        return f"http://127.0.0.1:{port}"

    async def bring_back(self, record: Record) -> None:
        """Listen for a live API again. While somebody else has its port it is failed and tries again every second."""
        try:
            await self.open(record)
        except HandlerError:
            api = self._apis[record.identifier]
            api.problem = str(api.problem).removesuffix("then try again") + "then it comes back by itself"
            api.retry = asyncio.get_running_loop().create_task(self._wait_for_port(record.identifier, api))

    async def _wait_for_port(self, api_id: str, api: _Api) -> None:
        # Shielded: cancelled between the port and the listener, a server would be left that nobody closes.
        while not await asyncio.shield(self._listen(api_id, api)):
            await asyncio.sleep(RETRY_S)

    async def _listen(self, api_id: str, api: _Api) -> bool:
        """Take the port; False, with the reason in `problem`, when somebody else has it."""
        try:
            listener = await Listener.open(self._application(api_id), api.port)
        except OSError as error:
            # Finding the holder looks through all processes: once is enough.
            if api.problem is None:
                who = await asyncio.to_thread(holder_of, api.port) or f"another program ({error.strerror or error})"
                api.problem = (
                    f"port {api.port} of 127.0.0.1, which belongs to the API {api.name}, is in use by {who}: end that "
                    "program, then try again"
                )
            return False
        if self._apis.get(api_id) is not api:  # closed meanwhile
            await listener.close()
            return True
        api.listener, api.problem = listener, None
        return True

    async def close(self, api_id: str) -> None:
        """Stop listening for an API; one that is not there is fine. Its port stays reserved for its name."""
        api = self._apis.pop(api_id, None)
        if api is None:
            return
        _stop_waiting(api)
        if api.listener is not None:
            await api.listener.close()

    def status(self) -> list[UnitStatus]:
        return [_status(api) for _, api in sorted(self._apis.items(), key=lambda item: item[1].name)]

    def _port(self, record: Record, name: str) -> int:
        """The port everybody was told; for a new API the one of its name, so that it survives `down` and `up`.

        While two live APIs share a name, which AWS allows, the later one gets a port of its own.
        """
        told = str(record.attributes.get("ApiEndpoint", ""))
        if told:
            return int(told.rpartition(":")[2])
        port = self._cloud.ports.of(f"api/{name}")
        urls = {
            str(other.attributes.get("ApiEndpoint"))
            for other in self._cloud.world.list(API)
            if other.identifier != record.identifier
        }
        opening = {api.port for other, api in self._apis.items() if other != record.identifier}
        taken = port in opening or f"http://127.0.0.1:{port}" in urls
        return self._cloud.ports.of(f"api/{name}/{record.identifier}") if taken else port

    def _changed(self, type_name: str) -> None:
        for api in self._apis.values():
            api.compiled = None

    def _application(self, api_id: str) -> Application:
        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                await self._serve(api_id, request_of(scope, receive, send))

        return application

    def _compiled(self, api_id: str) -> HttpApi | None:
        api = self._apis.get(api_id)
        record = self._cloud.world.get(API, api_id)
        if api is None or record is None:
            return None
        if api.compiled is None:
            cloud = self._cloud
            api.compiled = compile_api(cloud.world, record, self._address_of, cloud.region, cloud.account)
        return api.compiled

    def _local_keys(self, issuer: str) -> Keys | None:
        """Of a user pool of this cloud, without any network call."""
        return self._cloud.user_pools.keys_of(issuer) if hasattr(self._cloud, "user_pools") else None

    async def _address_of(self, arn: str, headers: Mapping[str, str]) -> tuple[str, int] | None:
        """Of a service of Cloud Map, or behind a load balancer's listener."""
        if ":listener/" in arn:
            return self._cloud.balancers.target_of(arn, headers)
        # Looked up at each request: tasks come and go, and the plane is put onto the cloud after this one is made.
        return self._cloud.containers.address_of(arn)

    async def serve(self, api_id: str, request: GatewayRequest, *, stage: str | None = None, below: str = "") -> None:
        """Answer a request for this API; `stage`: the one a custom domain leads to, else the path tells. `below`: the
        part of the domain's paths that leads here, which routes do not name and a function's event does."""
        await self._serve(api_id, request, stage, below)

    async def refuse(self, request: GatewayRequest, status: int, message: str) -> None:
        """AWS's own answer to what reaches no API."""
        await _fail(request, None, status, message)

    async def _serve(self, api_id: str, request: GatewayRequest, mapped: str | None = None, below: str = "") -> None:
        api = self._compiled(api_id)
        stage: Stage | None = None
        try:
            if api is None:
                # Its listener is open, but its record is not stored yet (it is being created).
                await _fail(request, None, 404, "Not Found")
                return
            if _header_size(request) > HEADER_LIMIT:
                await _fail(request, api, 431, "Request Header Fields Too Large")
                return
            if mapped is None:
                stage, path = api.stage_of(request)
            else:
                stage, path = api.stages.get(mapped), request.raw_path.removeprefix(f"/{below}" if below else "") or "/"
            if stage is not None:
                request.stage = stage.name
            match = None if stage is None else api.match(request.method, path)
            guard = None if match is None else api.guards.get(match.key.text)
            # A route that takes OPTIONS and is guarded turns preflights away: they come without a token.
            if api.cors is not None and guard is None and api.cors.is_preflight(request):
                await respond(request, 204, api.cors.preflight_headers(request), b"")
                return
            if stage is None or match is None:
                await _fail(request, api, 404, "Not Found")
                return
            request.route_key = match.key.text
            await self._answer(request, api, stage, match, path, guard)
        finally:
            if stage is not None and stage.access_log is not None:
                log = stage.access_log
                self._cloud.logs.write(log.group, f"{api_id}-{stage.name}", log.line(request))

    async def _answer(
        self,
        request: GatewayRequest,
        api: HttpApi,
        stage: Stage,
        match: Match[Target],
        path: str,
        guard: Guard | None,
    ) -> None:
        domain = request.header(b"host") or f"127.0.0.1:{self._apis[api.api_id].port}"
        try:
            if guard is not None:
                await self._admit(request, api, stage, match, path, guard, domain)
            if isinstance(match.target, FunctionTarget):
                await self._invoke(request, api, stage, match, match.target, domain)
            else:
                await self._proxy.forward(request, match.target, path, match.parameters, domain, api.cors)
        except Refusal as refusal:
            request.authorizer_error = refusal.cause
            self._explain(request, api, refusal.cause)
            await _fail(request, api, refusal.status, refusal.message, refusal.headers)
        except IntegrationError as error:
            request.integration_error = error.cause
            self._explain(request, api, error.cause)
            await _fail(request, api, error.status, error.message)
        except Exception as error:
            # A fault of ours: the caller gets what AWS says for one of its own, never a server's page.
            _log.exception("%s %r failed", request.method, request.path)
            request.integration_error = f"the local cloud failed: {type(error).__name__}: {error}"
            self._explain(request, api, request.integration_error)
            if request.status:  # part of an answer is on its way: it can only be cut off
                raise
            await _fail(request, api, 500, "Internal Server Error")

    async def _admit(
        self,
        request: GatewayRequest,
        api: HttpApi,
        stage: Stage,
        match: Match[Target],
        path: str,
        guard: Guard,
        domain: str,
    ) -> None:
        """Ask the route's authorizer; `Refusal` when the request goes no further."""
        account = self._cloud.account
        place = f"arn:aws:execute-api:{self._cloud.region}:{account}:{api.api_id}"
        arn = f"{place}/{stage.name}/{request.method}{unquote(path)}"

        def event(identity: Sequence[str]) -> dict[str, Any]:
            return proxy_event.authorizer_event(
                request, identity, arn, match.parameters, stage.variables, api.api_id, account, domain
            )

        request.authorizer = await self._doorkeeper.admit(guard, request, stage.variables, arn, event)

    async def _invoke(
        self,
        request: GatewayRequest,
        api: HttpApi,
        stage: Stage,
        match: Match[Target],
        target: FunctionTarget,
        domain: str,
    ) -> None:
        if stage.name not in target.permitted:
            cause = (
                f"The IAM role configured on the integration or API Gateway doesn't have permissions to call the "
                f"integration: no AWS::Lambda::Permission lets apigateway.amazonaws.com invoke {target.function} for "
                f"the route {match.key.text} of the API {api.api_id}"
            )
            raise IntegrationError(500, "Internal Server Error", cause)
        body = await body_of(request, PAYLOAD_LIMIT)
        if body is None:
            raise IntegrationError(413, "Request Entity Too Large", "the body is over 10 MB")
        event = proxy_event.event(
            request, body, match.parameters, stage.variables, api.api_id, self._cloud.account, domain
        )
        begun = time.perf_counter()
        payload = await self._result(target, event)
        request.integration_latency_ms = int((time.perf_counter() - begun) * 1000)
        try:
            status, headers, content = proxy_event.response(payload)
        except proxy_event.MalformedResponseError as error:
            cause = f"malformed Lambda proxy response of {target.function}: {error}"
            raise IntegrationError(500, "Internal Server Error", cause) from error
        request.integration_status = status
        if api.cors is not None:
            headers = api.cors.apply(request, headers)
        await respond(request, status, headers, content)

    async def _result(self, target: FunctionTarget, event: bytes) -> bytes:
        try:
            async with asyncio.timeout(target.timeout_s):
                invocation = await self._cloud.functions.invoke(target.function, event)
        except TimeoutError as error:
            # 503, not 504: what HTTP APIs answer for a Lambda integration (reported by many; the docs are silent).
            cause = f"{target.function} did not answer in {target.timeout_s:g} s"
            raise IntegrationError(503, "Service Unavailable", cause) from error
        except ApiError as error:
            cause = f"{target.function}: {error.message}"
            if error.status == 413:
                raise IntegrationError(413, "Request Entity Too Large", cause) from error
            if error.status == 429:
                raise IntegrationError(503, "Service Unavailable", cause) from error
            raise IntegrationError(500, "Internal Server Error", cause) from error
        if invocation.error is not None:
            text = invocation.payload.decode("utf-8", "replace")
            raise IntegrationError(500, "Internal Server Error", f"{target.function} failed: {text}")
        return invocation.payload

    def _explain(self, request: GatewayRequest, api: HttpApi, cause: str) -> None:
        name = self._apis[api.api_id].name if api.api_id in self._apis else api.api_id
        line = f"{request.id} {request.method} {request.path!r}: {cause}"
        self._cloud.logs.write(_log_group(name), "errors", line)


def _status(api: _Api) -> UnitStatus:
    running = api.listener is not None
    return UnitStatus(
        name=api.name,
        kind="api",
        state="running" if running else "failed",
        # While it is not ours, whoever answers there is a stranger.
        address=f"http://127.0.0.1:{api.port}" if running else None,
        log_group=_log_group(api.name),
        detail=api.problem,
        application=api.application,
    )


def _stop_waiting(api: _Api) -> None:
    if api.retry is not None:
        api.retry.cancel()
        api.retry = None


def _name(record: Record) -> str:
    construct = construct_of(record)
    return str(record.properties.get("Name", record.identifier)) if construct == record.identifier else construct


def _log_group(name: str) -> str:
    return f"/aws/apigateway/{name}"


def _header_size(request: GatewayRequest) -> int:
    size = len(request.raw_path) + len(request.query)
    for name, value in request.headers:
        size += len(name) + len(value)
    return size


async def _fail(
    request: GatewayRequest, api: HttpApi | None, status: int, message: str, more: Headers | None = None
) -> None:
    """AWS's own answer: `{"message": …}`."""
    request.error = message
    headers = [(b"content-type", b"application/json"), *(more or [])]
    if api is not None and api.cors is not None:
        headers = api.cors.apply(request, headers)
    await respond(request, status, headers, orjson.dumps({"message": message}))
