"""HTTP_PROXY integrations: a request passed on to a container or a public URL, both bodies streamed.

Input: a request and an `HttpTarget`. Output: the target's response, sent on. Refuses bodies over 10 MB (413); a target
that can't be reached is 503, one that does not answer in time 504, one that answers nonsense 500.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from klotho.localcloud.planes.gateway.cors import Cors
from klotho.localcloud.planes.gateway.request import GatewayRequest, Headers

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

PAYLOAD_LIMIT = 10 * 1024 * 1024
"""Bytes. AWS: "HTTP API quotas: payload size 10 MB"."""
_HOP_BY_HOP = frozenset(
    (
        b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"te", b"trailer",
        b"transfer-encoding", b"upgrade", b"proxy-connection", b"expect",
    )
)  # fmt: skip
OVERWRITE_HEADER = "overwrite:header."
_TOKEN = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")
_RESERVED = frozenset(
    (
        "authorization", "connection", "content-encoding", "content-length", "content-location", "forwarded",
        "keep-alive", "origin", "proxy-authenticate", "proxy-authorization", "te", "trailers", "transfer-encoding",
        "upgrade", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "via", "host",
    )
)  # fmt: skip
"""Headers that can't be mapped. Source: API Gateway Developer Guide, "Transform API requests", reserved headers."""
_RESERVED_STARTS = ("access-control-", "apigw-", "x-amz-", "x-amzn-")
_MAPPING = re.compile(r"\$\{?request\.path(?:\.([A-Za-z0-9._-]+))?\}?")
_ANY_VARIABLE = re.compile(r"\$")
Address = Callable[[], Awaitable[tuple[str, int] | None]]


class IntegrationError(Exception):
    """The integration gave no response; status and message are what the client gets, the text is for the log."""

    def __init__(self, status: int, message: str, cause: str) -> None:
        super().__init__(cause)
        self.status = status
        self.message = message
        self.cause = cause


class _TooLarge(Exception):
    """The request's body passed the limit while it was streamed."""


@dataclass(frozen=True, slots=True)
class HttpTarget:
    """Where and how to pass a request on."""

    method: str
    """`ANY` for the request's own."""
    timeout_s: float
    uri: str | None = None
    """A public URL, with `{name}` for path parameters; None for a target in the network."""
    address: Address | None = None
    """Host and port of a target in the network now; None while none runs."""
    overwrite_path: str | None = None
    """`RequestParameters["overwrite:path"]`."""
    limit: int | None = PAYLOAD_LIMIT
    """The most bytes of a request's body; None for any."""
    idle: bool = False
    """Whether `timeout_s` is how long nothing may be heard of the target, else how long its whole answer may take."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """`RequestParameters["overwrite:header.<name>"]`, names in lower case: whatever the client sent is gone."""


class _Flow(NamedTuple):
    """One exchange under way."""

    begun: float
    limit: int | None
    heard: Callable[[], None]
    """Called for each piece that goes either way."""


def _wait_again(patience: asyncio.Timeout, seconds: float) -> None:
    patience.reschedule(asyncio.get_running_loop().time() + seconds)


def _nothing() -> None:
    """The time of the whole exchange is what counts."""


def check_header_mapping(name: str, value: str) -> str | None:
    """Why `overwrite:header.<name>` is not carried; None when it is."""
    header = name.removeprefix(OVERWRITE_HEADER).lower()
    if not _TOKEN.fullmatch(header):
        return f"{name} names no header"
    if header in _RESERVED or header.startswith(_RESERVED_STARTS):
        return f"Operations on header {header} are restricted"
    if "$" in value or not value.isprintable() or not value.isascii():
        return f"the mapping {value!r} is not supported by the local cloud yet; headers take plain text"
    return None


def check_path_mapping(text: str) -> str | None:
    """Why a value of `overwrite:path` is not carried; None when it is."""
    if _ANY_VARIABLE.search(_MAPPING.sub("", text)):
        carried = "$request.path, $request.path.<name> and plain text"
        return f"the mapping {text!r} is not supported by the local cloud yet; it carries {carried}"
    return None


def map_path(text: str, path: str, parameters: Mapping[str, str]) -> str:
    """The path a mapping gives; `path` is encoded and without the stage."""

    def value(found: re.Match[str]) -> str:
        return path if found[1] is None else quote(parameters.get(found[1], ""), safe="/")

    mapped = _MAPPING.sub(value, text)
    return mapped if mapped.startswith("/") else f"/{mapped}"


class Proxy:
    """The HTTP client of all integrations."""

    def __init__(self) -> None:
        self._session: ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def forward(
        self,
        request: GatewayRequest,
        target: HttpTarget,
        route_path: str,
        parameters: Mapping[str, str],
        domain: str,
        cors: Cors | None,
    ) -> None:
        """Send the request on and the response back; `IntegrationError` while nothing has been sent back yet.

        `route_path`: the request's path, encoded, without the stage.
        """
        declared = request.header(b"content-length")
        if declared is not None and declared.isdigit() and int(declared) > (target.limit or sys.maxsize):
            raise IntegrationError(413, "Request Entity Too Large", f"the body has {declared} bytes")
        url, own_host = await self._url(request, target, route_path, parameters)
        headers = _request_headers(request, domain, None if own_host else request.header(b"host"))
        headers = [item for item in headers if item[0] not in target.headers] + list(target.headers.items())
        method = request.method if target.method == "ANY" else target.method
        begun = time.perf_counter()
        try:
            async with asyncio.timeout(target.timeout_s) as patience:
                heard = partial(_wait_again, patience, target.timeout_s) if target.idle else _nothing
                await self._exchange(request, method, url, headers, cors, _Flow(begun, target.limit, heard))
        except TimeoutError as error:
            if request.status:
                raise  # too late for another answer: the connection is cut
            raise IntegrationError(504, "Gateway Timeout", f"{url} did not answer in {target.timeout_s:g} s") from error

    async def _exchange(
        self,
        request: GatewayRequest,
        method: str,
        url: str,
        headers: list[tuple[str, str]],
        cors: Cors | None,
        flow: _Flow,
    ) -> None:
        import aiohttp
        from yarl import URL

        has_body = (
            request.header(b"content-length") not in (None, "0") or request.header(b"transfer-encoding") is not None
        )
        try:
            async with self._client().request(
                method,
                URL(url, encoded=True),
                headers=headers,
                data=_body(request, flow) if has_body else None,
                allow_redirects=False,
            ) as response:
                request.integration_status = response.status
                request.integration_latency_ms = int((time.perf_counter() - flow.begun) * 1000)
                await _send_back(request, response, cors, flow)
        except _TooLarge as error:
            raise IntegrationError(413, "Request Entity Too Large", "the body is over 10 MB") from error
        except aiohttp.ClientError as error:
            if request.status:
                raise
            if isinstance(error.__cause__, _TooLarge):
                raise IntegrationError(413, "Request Entity Too Large", "the body is over 10 MB") from error
            connection = isinstance(error, aiohttp.ClientConnectionError)
            status, message = (503, "Service Unavailable") if connection else (500, "Internal Server Error")
            raise IntegrationError(status, message, f"{url}: {type(error).__name__}: {error}") from error

    def _client(self) -> ClientSession:
        if self._session is None:
            import aiohttp

            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=30),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                timeout=aiohttp.ClientTimeout(total=None),
                skip_auto_headers=("user-agent", "accept", "accept-encoding", "content-type"),
            )
        return self._session

    async def _url(
        self, request: GatewayRequest, target: HttpTarget, route_path: str, parameters: Mapping[str, str]
    ) -> tuple[str, bool]:
        """The URL, and whether it names the host that the target wants to see."""
        query = f"?{request.query}" if request.query else ""
        if target.uri is not None:
            url = target.uri
            for name, value in parameters.items():
                url = url.replace(f"{{{name}}}", quote(value, safe="/"))
            if target.overwrite_path is not None:
                url = _origin(url) + map_path(target.overwrite_path, route_path, parameters)
            return url + (query.replace("?", "&", 1) if "?" in url else query), True
        assert target.address is not None
        address = await target.address()
        if address is None:
            raise IntegrationError(503, "Service Unavailable", "no task of the service is running")
        path = request.raw_path
        if target.overwrite_path is not None:
            path = map_path(target.overwrite_path, route_path, parameters)
        return f"http://{address[0]}:{address[1]}{path}{query}", False


def _origin(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0].partition('?')[0]}"


def _request_headers(request: GatewayRequest, domain: str, host: str | None) -> list[tuple[str, str]]:
    named = _connection_tokens(request.headers)
    headers = [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in request.headers
        if name not in _HOP_BY_HOP and name not in named and name not in (b"host", b"forwarded")
    ]
    if host is not None:
        headers.append(("host", host))
    if not request.is_gateway:
        return headers
    earlier = request.header(b"forwarded")
    mine = f"by=127.0.0.1;for={request.source_ip};host={domain};proto={request.scheme}"
    headers.append(("forwarded", f"{earlier}, {mine}" if earlier else mine))
    headers.append(("via", f"{request.protocol} AmazonAPIGateway"))
    return headers


def _connection_tokens(headers: Headers) -> set[bytes]:
    """Headers that `Connection` names are for the next hop only (RFC 9110, 7.6.1)."""
    tokens = b",".join(value for name, value in headers if name == b"connection")
    return {token.strip().lower() for token in tokens.split(b",")}


async def _body(request: GatewayRequest, flow: _Flow) -> AsyncIterator[bytes]:
    size = 0
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError("the client went away")
        chunk = message.get("body", b"")
        size += len(chunk)
        if flow.limit is not None and size > flow.limit:
            raise _TooLarge
        flow.heard()
        if chunk:
            yield chunk
        if not message.get("more_body", False):
            return


async def _send_back(request: GatewayRequest, response: ClientResponse, cors: Cors | None, flow: _Flow) -> None:
    headers: Headers = [
        (name.lower(), value) for name, value in response.raw_headers if name.lower() not in _HOP_BY_HOP
    ]
    if request.is_gateway:
        headers.append((b"apigw-requestid", request.id.encode()))
    if cors is not None:
        headers = cors.apply(request, headers)
    request.status = response.status
    await request.send({"type": "http.response.start", "status": response.status, "headers": headers})
    async for chunk in response.content.iter_any():
        request.response_length += len(chunk)
        flow.heard()
        await request.send({"type": "http.response.body", "body": chunk, "more_body": True})
    await request.send({"type": "http.response.body", "body": b""})
