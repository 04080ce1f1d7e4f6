"""Load balancers, each on a loopback port of its own: internal ones that only their callers may connect to, and those
that face the internet. Listeners by TLS are reached by the names of their certificates (`gateway/domains.py`).

Input: records of AWS::ElasticLoadBalancingV2 (LoadBalancer, Listener, ListenerRule, TargetGroup) in the `World`; a
change counts from the next request on. Output: answers of containers and functions. A connection of a process that no
deployed security-group rule lets in is closed before a byte is read (see `membership`). Why a request failed is
written to the log group `/aws/elb/<API's name>`.

Not as on AWS: a refused connection is closed at once instead of never answered; `DNSName` has the port in it, because
there is no name server, and a redirect to a port of TLS leads to the one that domains have here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from klotho.localcloud.handler import HandlerError, Record, application_of
from klotho.localcloud.planes.balancers.lambda_event import BODY_LIMIT, event, response
from klotho.localcloud.planes.balancers.membership import is_member, is_open
from klotho.localcloud.planes.balancers.rules import RULE, Listening, compile_listener, location
from klotho.localcloud.planes.functions.model import construct_of, name_of
from klotho.localcloud.planes.gateway.proxy import HttpTarget, IntegrationError, Proxy
from klotho.localcloud.planes.gateway.proxy_event import MalformedResponseError
from klotho.localcloud.planes.gateway.request import (
    GatewayRequest,
    Receive,
    Scope,
    Send,
    body_of,
    request_of,
    respond,
)
from klotho.localcloud.planes.gateway.server import Listener
from klotho.localcloud.planes.sockets import holder_of
from klotho.localcloud.service import ApiError
from klotho.localcloud.status import UnitStatus

if TYPE_CHECKING:
    from klotho.localcloud.cloud import Cloud

BALANCER, LISTENER = "AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::ElasticLoadBalancingV2::Listener"
TARGETS = "AWS::ElasticLoadBalancingV2::TargetGroup"
IDLE_S = 60.0
"""AWS: idle timeout of a load balancer, 60 seconds by default; then 504."""
IDLE = "idle_timeout.timeout_seconds"
RETRY_S = 1.0
_REASONS = {404: "Not Found", 413: "Request Entity Too Large", 500: "Internal Server Error", 502: "Bad Gateway"}
_REASONS |= {503: "Service Temporarily Unavailable", 504: "Gateway Time-out"}
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Balancer:
    record: Record
    port: int
    listener: Listener | None = None
    compiled: dict[str, Listening] = field(default_factory=dict)
    """By listener."""
    problem: str | None = None
    refused: int = 0
    """Connections of processes that nothing lets in."""
    retry: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        return construct_of(self.record)


class Balancers:
    """All load balancers of one local cloud. Used from the supervisor's event loop only."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._balancers: dict[str, _Balancer] = {}
        self._proxy = Proxy()
        for type_name in (LISTENER, RULE):
            cloud.world.subscribe(type_name, self._changed)

    async def start(self) -> None:
        """Nothing to start: load balancers come by `open`."""

    async def stop(self) -> None:
        for arn in list(self._balancers):
            await self.close(arn)
        await self._proxy.close()

    async def open(self, record: Record) -> None:
        """Listen for this one. Doing it twice is fine. HandlerError when somebody else has the port."""
        known = self._balancers.get(record.identifier)
        if known is not None:
            known.record = record
        else:
            known = self._balancers[record.identifier] = _Balancer(record, self.port_of(record))
        if known.listener is None and not await self._listen(known):
            if known.retry is None:
                del self._balancers[record.identifier]
            raise HandlerError(str(known.problem), "ServiceUnavailable")

    async def bring_back(self, record: Record) -> None:
        """Listen again; while somebody else has the port it is failed and tries again every second."""
        known = self._balancers.setdefault(record.identifier, _Balancer(record, self.port_of(record)))
        if known.listener is None and known.retry is None and not await self._listen(known):
            known.retry = asyncio.get_running_loop().create_task(self._wait_for_port(known))

    async def close(self, arn: str) -> None:
        """Listen no more; one that is not there is fine. Its port stays reserved for its name."""
        known = self._balancers.pop(arn, None)
        if known is None:
            return
        if known.retry is not None:
            known.retry.cancel()
        if known.listener is not None:
            await known.listener.close()

    def port_of(self, record: Record) -> int:
        """The port everybody was told; for a new one that of its name."""
        told = str(record.attributes.get("DNSName", ""))
        return int(told.rpartition(":")[2]) if told else self.port_for(record)

    def port_for(self, record: Record) -> int:
        """The port of its name, or one of its own while another live one has that name."""
        name = f"balancer/{construct_of(record)}"
        port = self._cloud.ports.of(name)
        others = [item.port for arn, item in self._balancers.items() if arn != record.identifier]
        return self._cloud.ports.of(f"{name}/{record.identifier}") if port in others else port

    def status(self) -> list[UnitStatus]:
        return [_status(item) for item in sorted(self._balancers.values(), key=lambda item: item.name)]

    async def _listen(self, balancer: _Balancer) -> bool:
        try:
            listener = await Listener.open(
                self._application(balancer), balancer.port, admit=lambda port: self._admits(balancer, port)
            )
        except OSError as error:
            if balancer.problem is None:
                who = await asyncio.to_thread(holder_of, balancer.port) or f"another program ({error.strerror})"
                balancer.problem = f"port {balancer.port} of 127.0.0.1 is in use by {who}: end it"
            return False
        if self._balancers.get(balancer.record.identifier) is not balancer:  # closed meanwhile
            await listener.close()
            return True
        balancer.listener, balancer.problem = listener, None
        return True

    async def _wait_for_port(self, balancer: _Balancer) -> None:
        while not await asyncio.shield(self._listen(balancer)):
            await asyncio.sleep(RETRY_S)
        balancer.retry = None

    async def serve(self, record: Record, request: GatewayRequest) -> None:
        """Answer a request that came to this listener by TLS."""
        balancer = self._balancers.get(str(record.properties["LoadBalancerArn"]))
        request.is_gateway = False
        if balancer is not None:
            await self._serve(balancer, request, record)

    def _admits(self, balancer: _Balancer, client_port: int) -> bool:
        listener = self._listener_of(balancer)
        port = 80 if listener is None else int(listener.properties.get("Port", 80))
        groups = balancer.record.properties.get("SecurityGroups", ())
        if _faces_internet(balancer.record) and is_open(self._cloud, groups, port):
            return True
        if is_member(self._cloud, groups, balancer.port, client_port, port):
            return True
        balancer.refused += 1
        self._explain(balancer, "a connection was closed: its process is in no security group that may call this API")
        return False

    def _listener_of(self, balancer: _Balancer) -> Record | None:
        """The one by plain HTTP, which is what the port is for."""
        arn = balancer.record.identifier
        listeners = (item for item in self._cloud.world.list(LISTENER) if item.properties["LoadBalancerArn"] == arn)
        return next((item for item in listeners if item.properties.get("Protocol", "HTTP") == "HTTP"), None)

    def _changed(self, type_name: str) -> None:
        for balancer in self._balancers.values():
            balancer.compiled.clear()

    def _application(self, balancer: _Balancer) -> Any:
        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                request = request_of(scope, receive, send)
                request.is_gateway = False
                await self._serve(balancer, request, self._listener_of(balancer))

        return application

    async def _serve(self, balancer: _Balancer, request: GatewayRequest, listener: Record | None) -> None:
        try:
            await self._answer(balancer, request, listener)
        except IntegrationError as error:
            self._explain(balancer, f"{request.method} {request.path!r}: {error.cause}")
            await _fail(request, error.status)
        except Exception as error:
            # A fault of ours: the caller gets what AWS says for one of its own.
            _log.exception("%s %r failed", request.method, request.path)
            self._explain(balancer, f"the local cloud failed: {type(error).__name__}: {error}")
            if request.status:
                raise
            await _fail(request, 500)

    async def _answer(self, balancer: _Balancer, request: GatewayRequest, listener: Record | None) -> None:
        if listener is None:
            raise IntegrationError(503, "", "there is no listener")
        compiled = balancer.compiled.get(listener.identifier)
        if compiled is None:
            default = listener.properties["DefaultActions"][0]
            compiled = compile_listener(self._cloud.world, listener.identifier, default)
            balancer.compiled[listener.identifier] = compiled
        sent = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers}
        action = compiled.action(request.method, request.raw_path, sent)
        if action["Type"] == "redirect":
            redirect = action["RedirectConfig"]
            there = location(redirect, request, self._cloud.domains.port())
            await respond(request, int(redirect["StatusCode"][-3:]), [(b"location", there.encode())], b"")
            return
        if action["Type"] == "fixed-response":
            fixed = action["FixedResponseConfig"]
            headers = [(b"content-type", str(fixed.get("ContentType", "text/plain")).encode())]
            await respond(request, int(fixed["StatusCode"]), headers, str(fixed.get("MessageBody", "")).encode())
            return
        group = self._cloud.world.get(TARGETS, str(action["TargetGroupArn"]))
        if group is None:
            raise IntegrationError(503, "", "the target group is gone")
        if group.properties.get("TargetType") == "lambda":
            await self._invoke(request, group)
        else:
            await self._forward(balancer, request, group)

    def target_of(self, listener: str, headers: Mapping[str, str]) -> tuple[str, int] | None:
        """Where a VPC link is led that comes to this listener with these headers; None where nobody answers."""
        record = self._cloud.world.get(LISTENER, listener)
        if record is None:
            return None
        compiled = compile_listener(self._cloud.world, listener, record.properties["DefaultActions"][0])
        # Rules by method and path are a private API's own, and no VPC link leads to one.
        group = str(compiled.action("", "", headers).get("TargetGroupArn", ""))
        return self._cloud.containers.address_of(group)

    async def _forward(self, balancer: _Balancer, request: GatewayRequest, group: Record) -> None:
        async def address() -> tuple[str, int] | None:
            return self._cloud.containers.address_of(group.identifier)

        headers = dict(_forwarded(request))
        target = HttpTarget("ANY", _idle(balancer.record), None, address, limit=None, idle=True, headers=headers)
        try:
            await self._proxy.forward(request, target, request.raw_path, {}, request.header(b"host") or "", None)
        except IntegrationError as error:
            # No healthy target is 503; one that does not take or keep the connection is 502.
            gone = error.status == 503 and "no task" not in error.cause
            raise IntegrationError(502 if gone or error.status == 500 else error.status, "", error.cause) from error

    async def _invoke(self, request: GatewayRequest, group: Record) -> None:
        function = name_of(str(group.properties["Targets"][0]["Id"]))
        body = await body_of(request, BODY_LIMIT)
        if body is None:
            raise IntegrationError(413, "", "the body is over 1 MB")
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers}
        headers |= dict(_forwarded(request))
        try:
            invocation = await self._cloud.functions.invoke(function, event(request, body, group.identifier, headers))
        except ApiError as error:
            status = 503 if error.status == 429 else 502
            raise IntegrationError(status, "", f"{function}: {error.message}") from error
        if invocation.error is not None:
            raise IntegrationError(502, "", f"{function} failed: {invocation.payload.decode('utf-8', 'replace')}")
        try:
            answer = response(invocation.payload)
        except MalformedResponseError as error:
            raise IntegrationError(502, "", f"malformed answer of {function}: {error}") from error
        await respond(request, *answer)

    def _explain(self, balancer: _Balancer, line: str) -> None:
        self._cloud.logs.write(_log_group(balancer.name), "errors", line)


def _status(balancer: _Balancer) -> UnitStatus:
    running, public = balancer.listener is not None, _faces_internet(balancer.record)
    refused = f"{balancer.refused} connections of strangers refused" if balancer.refused else None
    return UnitStatus(
        name=balancer.name,
        kind="api" if public else "private api",
        state="running" if running else "failed",
        # Not shown of a private one: a person at this machine is no member of the network.
        address=f"http://127.0.0.1:{balancer.port}" if running and public else None,
        log_group=_log_group(balancer.name),
        detail=balancer.problem or refused,
        application=application_of(balancer.record),
    )


def _forwarded(request: GatewayRequest) -> list[tuple[str, str]]:
    earlier = request.header(b"x-forwarded-for")
    client = f"{earlier}, {request.source_ip}" if earlier else request.source_ip
    port = "443" if request.scheme == "https" else "80"
    return [("x-forwarded-for", client), ("x-forwarded-port", port), ("x-forwarded-proto", request.scheme)]


def _faces_internet(record: Record) -> bool:
    return str(record.properties.get("Scheme", "internet-facing")) == "internet-facing"


def _idle(record: Record) -> float:
    """Seconds."""
    attributes = {item["Key"]: item.get("Value") for item in record.properties.get("LoadBalancerAttributes") or ()}
    return float(attributes.get(IDLE) or IDLE_S)


def _log_group(name: str) -> str:
    return f"/aws/elb/{name}"


async def _fail(request: GatewayRequest, status: int) -> None:
    """The page of a load balancer."""
    reason = _REASONS.get(status, "Error")
    title = f"{status} {reason}"
    page = f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n</body>"
    page = f"{page}\r\n</html>\r\n"
    await respond(request, status, [(b"content-type", b"text/html")], page.encode())
