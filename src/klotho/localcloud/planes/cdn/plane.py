"""The CDN: every live distribution of the local cloud on a loopback port of its own.

Input: the records of CloudFront in the `World`; changes count from the next request on. Output: answers as CloudFront
gives them. Refuses, as `HandlerError` naming the port, a distribution whose port somebody else has; one that is brought
back waits for its port instead, shown as failed until it has it. Answers only to loopback names and the distribution's
own aliases, so that no other site's name can be pointed here.

`application_for(host)` serves a distribution under an alias, for whoever listens for names of one's own.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from klotho.localcloud.handler import HandlerError, Record, application_of
from klotho.localcloud.planes.cdn.distribution import (
    CACHE_POLICY,
    DISTRIBUTION,
    FUNCTION,
    HEADERS,
    Distribution,
    read_distribution,
)
from klotho.localcloud.planes.cdn.functions import log_group
from klotho.localcloud.planes.cdn.invalidations import Invalidation, Invalidations
from klotho.localcloud.planes.cdn.server import Edge
from klotho.localcloud.planes.functions.model import construct_of
from klotho.localcloud.planes.gateway.request import Receive, Scope, Send, request_of
from klotho.localcloud.planes.gateway.server import Application, Listener
from klotho.localcloud.planes.sockets import holder_of
from klotho.localcloud.status import UnitStatus

if TYPE_CHECKING:
    from klotho.localcloud.cloud import Cloud

RETRY_S = 1.0
"""Between two tries to take a port that somebody else has."""
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Served:
    name: str
    port: int
    application: str | None
    listener: Listener | None = None
    compiled: Distribution | None = None
    problem: str | None = None
    retry: asyncio.Task[None] | None = None
    """Waits for the port, while somebody else has it."""


class Cdn:
    """All listeners. Used from the supervisor's event loop only."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._served: dict[str, _Served] = {}
        self.edge = Edge(cloud)
        self.invalidations = Invalidations(cloud.database)
        for type_name in (DISTRIBUTION, FUNCTION, HEADERS, CACHE_POLICY):
            cloud.world.subscribe(type_name, self._changed)

    async def start(self) -> None:
        """Nothing to start: distributions come by `open`."""

    async def stop(self) -> None:
        """Close all listeners and end the process that runs functions."""
        for identifier in list(self._served):
            await self.close(identifier)
        await self.edge.functions.stop()

    def address_of(self, record: Record) -> str:
        """The domain name of a distribution: `127.0.0.1:<port>`, the same for its whole life."""
        known = self._served.get(record.identifier)
        return f"127.0.0.1:{known.port if known is not None else self._port(record)}"

    async def open(self, record: Record) -> str:
        """Listen for this distribution on its stable port; returns its domain name. Doing it twice is fine.

        HandlerError when somebody else has the port.
        """
        served = self._served.get(record.identifier)
        if served is None:
            port = self._port(record)
            served = self._served[record.identifier] = _Served(construct_of(record), port, application_of(record))
        _stop_waiting(served)
        served.compiled = None
        if served.listener is None and not await self._listen(record.identifier, served):
            raise HandlerError(str(served.problem), "ServiceUnavailable")
        return f"127.0.0.1:{served.port}"

    async def bring_back(self, record: Record) -> None:
        """Listen for a live distribution again. While somebody else has its port it tries again every second."""
        try:
            await self.open(record)
        except HandlerError:
            served = self._served[record.identifier]
            served.problem = str(served.problem).removesuffix("then try again") + "then it comes back by itself"
            served.retry = asyncio.get_running_loop().create_task(self._wait_for_port(record.identifier, served))

    async def close(self, identifier: str) -> None:
        """Stop listening; one that is not there is fine. Its port stays reserved for its name."""
        served = self._served.pop(identifier, None)
        self.edge.cache.drop(identifier)
        if served is None:
            return
        _stop_waiting(served)
        if served.listener is not None:
            await served.listener.close()

    async def forget(self, identifier: str) -> None:
        """The distribution is deleted."""
        await self.close(identifier)
        self.invalidations.drop(identifier)

    def invalidate(self, identifier: str, paths: list[str], reference: str) -> Invalidation:
        """Forget copies; done when this returns."""
        made = self.invalidations.make(identifier, paths, reference)
        self.edge.cache.invalidate(identifier, made.paths)
        return made

    def application_for(self, host: str) -> Application | None:
        """What answers for an alias of a live distribution; `host` without a port."""
        for identifier in self._served:
            found = self._compiled(identifier)
            if found is not None and host.lower() in found.aliases:
                return self._application(identifier, checks_host=False)
        return None

    def status(self) -> list[UnitStatus]:
        rows = sorted(self._served.items(), key=lambda item: item[1].name)
        return [_status(item, self._log_group(identifier)) for identifier, item in rows]

    def _log_group(self, identifier: str) -> str | None:
        """That of its function, where AWS writes too; None where nothing is written."""
        try:
            found = self._compiled(identifier)
        except ValueError:
            return None
        arn = found.functions.get("viewer-request") if found is not None else None
        return None if arn is None else log_group(arn.rpartition("/")[2])

    async def _wait_for_port(self, identifier: str, served: _Served) -> None:
        # Shielded: cancelled between the port and the listener, a server would be left that nobody closes.
        while not await asyncio.shield(self._listen(identifier, served)):
            await asyncio.sleep(RETRY_S)

    async def _listen(self, identifier: str, served: _Served) -> bool:
        """Take the port; False, with the reason in `problem`, when somebody else has it."""
        try:
            listener = await Listener.open(self._application(identifier), served.port)
        except OSError as error:
            if served.problem is None:
                holder = await asyncio.to_thread(holder_of, served.port)
                served.problem = (
                    f"port {served.port} of 127.0.0.1, which belongs to the site {served.name}, is in use by "
                    f"{holder or f'another program ({error.strerror or error})'}: end that program, then try again"
                )
            return False
        if self._served.get(identifier) is not served:  # closed meanwhile
            await listener.close()
            return True
        served.listener, served.problem = listener, None
        return True

    def _port(self, record: Record) -> int:
        """The port everybody was told; for a new one that of its name, so that it survives `down` and `up`."""
        told = str(record.attributes.get("DomainName", ""))
        if told:
            return int(told.rpartition(":")[2])
        name = construct_of(record)
        port = self._cloud.ports.of(f"site/{name}")
        others = {str(item.attributes.get("DomainName")) for item in self._cloud.world.list(DISTRIBUTION)
                  if item.identifier != record.identifier}  # fmt: skip
        opening = {item.port for other, item in self._served.items() if other != record.identifier}
        taken = port in opening or f"127.0.0.1:{port}" in others
        return self._cloud.ports.of(f"site/{name}/{record.identifier}") if taken else port

    def _changed(self, type_name: str) -> None:
        for served in self._served.values():
            served.compiled = None

    def _compiled(self, identifier: str) -> Distribution | None:
        served, record = self._served.get(identifier), self._cloud.world.get(DISTRIBUTION, identifier)
        if served is None or record is None:
            return None
        if served.compiled is None:
            served.compiled = read_distribution(record, self._cloud.world)
        return served.compiled

    def _application(self, identifier: str, *, checks_host: bool = True) -> Application:
        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                return
            request = request_of(scope, receive, send)
            served = self._served.get(identifier)
            try:
                found = self._compiled(identifier)
            except ValueError as error:
                _log.warning("the distribution %s can't be served: %s", identifier, error)
                found = None
            if served is None or found is None:
                await _plain(send, 404, b"there is no such distribution\n")
            elif checks_host and not _may_be_called(request.header(b"host"), served.port, found):
                await _plain(send, 403, b"this address answers to 127.0.0.1, localhost and the site's own names\n")
            else:
                await self.edge.serve(request, found, lambda line: self._explain(identifier, line))

        return application

    def _explain(self, identifier: str, line: str) -> None:
        group = self._log_group(identifier)
        if group is not None:
            self._cloud.logs.write(group, "errors", line)


def _may_be_called(host: str | None, port: int, distribution: Distribution) -> bool:
    name, _, _ = (host or "").lower().partition(":")
    return host in (f"127.0.0.1:{port}", f"localhost:{port}") or name in distribution.aliases


async def _plain(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _status(served: _Served, group: str | None) -> UnitStatus:
    running = served.listener is not None
    return UnitStatus(
        name=served.name,
        kind="site",
        state="running" if running else "failed",
        # While it is not ours, whoever answers there is a stranger.
        address=f"http://127.0.0.1:{served.port}" if running else None,
        log_group=group,
        detail=served.problem,
        application=served.application,
    )


def _stop_waiting(served: _Served) -> None:
    if served.retry is not None:
        served.retry.cancel()
        served.retry = None
