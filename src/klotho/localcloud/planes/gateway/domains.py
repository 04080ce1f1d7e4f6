"""Custom domain names: one TLS port for all of them, told apart by the name a client asks for.

Input: records of AWS::ApiGatewayV2::DomainName and ApiMapping, of distributions with names of their own, and of load
balancers' listeners, in the `World`; certificates of the local ACM. Output: the mapped API's, the distribution's or the
listener's answers over TLS 1.2 or newer. A handshake names its host (SNI) and gets that host's certificate; one that
names none, or one that is not deployed, is refused, as is a request whose Host is another one's, and plain HTTP. A
certificate that is imported again counts from the next handshake on. A port somebody else has is waited for.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from klotho.localcloud.handler import HandlerError, Record, application_of
from klotho.localcloud.planes.gateway.request import GatewayRequest, Receive, Scope, Send, request_of
from klotho.localcloud.planes.gateway.server import Listener
from klotho.localcloud.planes.sockets import holder_of
from klotho.localcloud.service import ApiError
from klotho.localcloud.services.acm.store import Certificate
from klotho.localcloud.status import UnitStatus

if TYPE_CHECKING:
    from klotho.localcloud.cloud import Cloud
    from klotho.localcloud.planes.gateway.server import Application

DOMAIN, MAPPING = "AWS::ApiGatewayV2::DomainName", "AWS::ApiGatewayV2::ApiMapping"
DISTRIBUTION = "AWS::CloudFront::Distribution"
LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
PORT_NAME = "domains"
RETRY_S = 1.0
"""Between two tries to take the port while somebody else has it."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Served:
    """A TLS context, and the version of the certificate it was made from."""

    version: tuple[str, str]
    context: ssl.SSLContext


class Domains:
    """All custom domains of one local cloud. Used from the supervisor's event loop only."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._open: dict[str, Record] = {}
        self._contexts: dict[str, _Served] = {}
        self._listener: Listener | None = None
        self._problem: str | None = None
        self._retry: asyncio.Task[None] | None = None
        self._opening = asyncio.Lock()

    async def start(self) -> None:
        """Nothing to start: domains come by `open`."""

    async def stop(self) -> None:
        self._open.clear()
        await self._close_listener()

    async def open(self, record: Record, name: str | None = None) -> None:
        """Serve this domain; `name` where the record's identifier is none. Doing it twice is fine. HandlerError when
        somebody else has the port."""
        name = name or record.identifier
        known = self._open.get(name)
        self._open[name] = record
        if self._listener is None and not await self._listen():
            if known is None:
                del self._open[name]
            raise HandlerError(str(self._problem), "ServiceUnavailable")

    async def bring_back(self, record: Record, name: str | None = None) -> None:
        """Serve a live domain again; while somebody else has the port it is failed and tries again every second."""
        self._open[name or record.identifier] = record
        if self._listener is None and self._retry is None and not await self._listen():
            self._retry = asyncio.get_running_loop().create_task(self._wait_for_port())

    async def close(self, name: str, of: str | None = None) -> None:
        """Serve it no more; one that is not there is fine. The port stays reserved for this environment.

        `of`: the resource that has had it; while another one has the name now, that one keeps it.
        """
        opened = self._open.get(name)
        if of is not None and opened is not None and opened.identifier != of:
            return
        self._open.pop(name, None)
        self._contexts.pop(name, None)
        if not self._open:
            await self._close_listener()

    def names_of(self, identifier: str) -> list[str]:
        """The names under which one resource is served."""
        return sorted(name for name, record in self._open.items() if record.identifier == identifier)

    def status(self) -> list[UnitStatus]:
        running = self._listener is not None
        return [
            UnitStatus(
                name=name,
                kind="domain",
                state="running" if running else "failed",
                address=f"https://{name}:{self.port()}" if running else None,
                detail=self._problem,
                application=application_of(record),
            )
            for name, record in sorted(self._open.items())
        ]

    async def _listen(self) -> bool:
        """Take the port, once for all domains; False, with the reason in `_problem`, when somebody else has it."""
        async with self._opening:
            if self._listener is not None or not self._open:
                return True
            port = self.port()
            try:
                listener = await Listener.open(self._serve, port, self._front())
            except OSError as error:
                if self._problem is None:
                    who = await asyncio.to_thread(holder_of, port) or f"another program ({error.strerror or error})"
                    self._problem = (
                        f"port {port} of 127.0.0.1, which belongs to the domains, is in use by {who}: end it"
                    )
                return False
            self._listener, self._problem = listener, None
            if not self._open:  # all were closed meanwhile
                await self._close_listener()
            return True

    async def _wait_for_port(self) -> None:
        # Shielded: cancelled between the port and the listener, a server would be left that nobody closes.
        while not await asyncio.shield(self._listen()):
            await asyncio.sleep(RETRY_S)
        self._retry = None

    async def _close_listener(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        listener, self._listener, self._problem = self._listener, None, None
        if listener is not None:
            await listener.close()

    def _opened(self, name: str) -> Record | None:
        """What has this name, else what has all names beside it: a listener has those of its certificate."""
        return self._open.get(name) or self._open.get(f"*.{name.partition('.')[2]}")

    def port(self) -> int:
        """The same for all domains of this environment."""
        return self._cloud.ports.of(PORT_NAME)

    def _front(self) -> ssl.SSLContext:
        """What every handshake begins with: it has no certificate, the name asked for brings one."""
        context = _context()
        context.sni_callback = self._choose
        return context

    def _choose(self, connection: ssl.SSLObject, name: str | None, front: ssl.SSLContext) -> int | None:
        try:
            served = self._context_of((name or "").lower())
        except (ApiError, OSError):  # the certificate is gone, or its files can't be read
            _log.exception("the certificate of %s can't be served", name)
            return ssl.ALERT_DESCRIPTION_INTERNAL_ERROR
        if served is None:
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        connection.context = served
        return None

    def _context_of(self, name: str) -> ssl.SSLContext | None:
        if self._opened(name) is None:
            return None
        certificate = self._certificate(name)
        version = (certificate.arn, certificate.version)
        held = self._contexts.get(name)
        if held is None or held.version != version:
            held = self._contexts[name] = _Served(version, self._loaded(certificate))
        return held.context

    def _certificate(self, name: str) -> Certificate:
        # What the World holds counts; while a resource is being made, what it was opened with.
        opened = self._opened(name)
        assert opened is not None
        record = self._cloud.world.get(opened.type_name, opened.identifier) or opened
        return self._cloud.certificates.get(certificate_of(record.properties))

    def _loaded(self, certificate: Certificate) -> ssl.SSLContext:
        context = _context()
        context.load_cert_chain(*self._cloud.certificates.served(certificate))
        return context

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = request_of(scope, receive, send)
        site = self._site(request)
        if site is not None:
            await site(scope, receive, send)
        else:
            await self._answer(request)

    def _site(self, request: GatewayRequest) -> Application | None:
        """The distribution that has this name, None for the names of APIs."""
        name = _host(request)
        record = self._opened(name)
        return self._cloud.cdn.application_for(name) if record and record.type_name == DISTRIBUTION else None

    async def _answer(self, request: GatewayRequest) -> None:
        name = _host(request)
        opened = self._opened(name)
        if opened is not None and opened.type_name == LISTENER:
            await self._cloud.balancers.serve(opened, request)
            return
        mapping = self._mapping(name, request.raw_path) if name in self._open else None
        if mapping is None:
            # What API Gateway answers for a name it does not know, or one that leads nowhere.
            await self._cloud.gateway.refuse(request, 403, "Forbidden")
            return
        properties = mapping.properties
        below = str(properties.get("ApiMappingKey", ""))
        await self._cloud.gateway.serve(str(properties["ApiId"]), request, stage=str(properties["Stage"]), below=below)

    def _mapping(self, name: str, path: str) -> Record | None:
        """The one with the longest key that the path begins with; one without a key takes all others."""
        keys = {
            str(item.properties.get("ApiMappingKey", "")): item
            for item in self._cloud.world.list(MAPPING)
            if item.properties["DomainName"] == name
        }
        fitting = [key for key in keys if not key or path == f"/{key}" or path.startswith(f"/{key}/")]
        return keys[max(fitting, key=len)] if fitting else None


def _host(request: GatewayRequest) -> str:
    """The name asked for, without a port, in lower case."""
    told = request.header(b"host") or ""
    return (told.rpartition(":")[0] or told).lower()


def certificate_of(properties: Mapping[str, Any]) -> str:
    """The ARN a domain name's (one) configuration, a distribution, or a listener names; empty without one."""
    if "DistributionConfig" in properties:
        viewer = properties["DistributionConfig"].get("ViewerCertificate") or {}
        return str(viewer.get("AcmCertificateArn", ""))
    if "Certificates" in properties:
        return str(properties["Certificates"][0].get("CertificateArn", ""))
    configurations = properties.get("DomainNameConfigurations") or [{}]
    return str(configurations[0].get("CertificateArn", ""))


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # SecurityPolicy TLS_1_2, the only one that is carried
    return context
