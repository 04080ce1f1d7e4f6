"""Answers requests for one distribution as CloudFront does.

Input: a request of a visitor. Output: the answer, from the cache where a copy is fresh, else from the origin. Refuses,
as CloudFront: methods that are not allowed (403), a function that fails (503), a distribution that is not enabled
(403).

http counts as https on loopback: `redirect-to-https` does not redirect here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING
from urllib.parse import unquote

from klotho.localcloud.planes.cdn.answer import answer_of
from klotho.localcloud.planes.cdn.cache import Cache, Copy, seconds_to_keep
from klotho.localcloud.planes.cdn.distribution import ERROR_TTL_S, FUNCTION, Distribution
from klotho.localcloud.planes.cdn.functions import FunctionError, Functions
from klotho.localcloud.planes.cdn.origin import BucketOrigin, Fetched
from klotho.localcloud.planes.cdn.viewer_event import MadeResponse, answered, viewer_request
from klotho.localcloud.planes.gateway.request import GatewayRequest

if TYPE_CHECKING:
    from klotho.localcloud.cloud import Cloud

Clock = Callable[[], float]
Explain = Callable[[str], None]
"""Where the reason of a failure goes: the visitor is not told."""


@dataclass(slots=True)
class _Result:
    status: int
    headers: dict[str, str]
    body: bytes


class Edge:
    """What all distributions share: the cache, the origin, the functions."""

    def __init__(self, cloud: Cloud, clock: Clock = time.monotonic) -> None:
        self._cloud = cloud
        self._clock = clock
        self.cache = Cache()
        self.functions = Functions(cloud)
        self._origin = BucketOrigin(cloud)

    async def serve(self, request: GatewayRequest, distribution: Distribution, explain: Explain) -> None:
        """Answer one request."""
        try:
            result = await self._result(request, distribution)
        except FunctionError as error:
            explain(f"{request.method} {request.path!r}: the function failed: {error}")
            why = "The CloudFront function associated with the CloudFront distribution could not be run"
            result = _failed(503, why, "FunctionExecutionError")
        if distribution.headers is not None:
            distribution.headers.apply(result.headers)
        result.headers["via"] = f"1.1 {distribution.id.lower()}.cloudfront.net (CloudFront)"
        result.headers["x-amz-cf-id"] = request.id
        await _send(request, result)

    async def _result(self, request: GatewayRequest, distribution: Distribution) -> _Result:
        if not distribution.enabled:
            return _failed(403, "The distribution is not enabled")
        if request.method not in distribution.methods:
            return _failed(403, "This distribution is not configured to allow the HTTP request method that was used")
        path = request.raw_path or "/"
        if "viewer-request" in distribution.functions:
            made = await self._rewritten(request, distribution)
            if isinstance(made, MadeResponse):
                headers = {**made.headers, "x-cache": "FunctionGeneratedResponse from cloudfront"}
                return _Result(made.status, headers, made.body)
            path = made
        if path == "/" and distribution.root:
            path = f"/{distribution.root}"
        copy, how = self._copy(distribution, path)
        asked = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers}
        page = distribution.errors.get(copy.status)
        if page is not None and page.path is not None and page.status is not None:
            shown, _ = self._copy(distribution, page.path)
            if shown.status == 200:
                copy = Copy(page.status, shown.headers, shown.body, shown.fetched, shown.fresh_until)
        status, headers, body = answer_of(copy, asked, compress=distribution.compress and distribution.cache.gzip)
        headers["x-cache"] = f"{how if copy.status < 400 else 'Error'} from cloudfront"
        if how == "Hit":
            headers["age"] = str(int(self._clock() - copy.fetched))
        return _Result(status, headers, body)

    async def _rewritten(self, request: GatewayRequest, distribution: Distribution) -> str | MadeResponse:
        arn = distribution.functions["viewer-request"]
        record = self._cloud.world.get(FUNCTION, arn)
        if record is None:
            raise FunctionError(f"{arn} does not exist")
        name, code = str(record.properties["Name"]), str(record.properties["FunctionCode"])
        return answered(await self.functions.run(name, code, viewer_request(request, distribution)))

    def _copy(self, distribution: Distribution, path: str) -> tuple[Copy, str]:
        """The answer of the origin, and how it was come by: `Hit`, `RefreshHit` or `Miss`."""
        now = self._clock()
        known = self.cache.get(distribution.id, path)
        if known is not None and now < known.fresh_until:
            return known, "Hit"
        key = (distribution.origin.path + unquote(path)).lstrip("/")
        etag = known.headers.get("etag") if known is not None and known.status == 200 else None
        fetched = self._origin.fetch(distribution.origin.bucket, key, distribution.id, etag)
        if known is not None and fetched.status == 304:
            known.headers = fetched.headers
            known.fetched, known.fresh_until = now, now + seconds_to_keep(fetched.headers, distribution.cache)
            return known, "RefreshHit"
        copy = Copy(fetched.status, fetched.headers, fetched.body, now, now + self._keep(fetched, distribution))
        if copy.fresh_until > now:
            self.cache.put(distribution.id, path, copy)
        return copy, "Miss"

    def _keep(self, fetched: Fetched, distribution: Distribution) -> float:
        """Seconds. Errors are kept for ten, unless the distribution says otherwise."""
        if fetched.status == 200:
            return seconds_to_keep(fetched.headers, distribution.cache)
        page = distribution.errors.get(fetched.status)
        return page.ttl_s if page is not None else float(ERROR_TTL_S)


def _failed(status: int, why: str, x_cache: str = "Error") -> _Result:
    """CloudFront's own error page, without its styles."""
    title = "<title>ERROR: The request could not be satisfied</title>"
    said = f"<h1>{status} ERROR</h1><p>{why}.</p><p>Generated by cloudfront (klotho's local cloud)</p>"
    text = f"<!DOCTYPE html><html><head>{title}</head><body>{said}</body></html>"
    return _Result(status, {"content-type": "text/html", "x-cache": f"{x_cache} from cloudfront"}, text.encode())


async def _send(request: GatewayRequest, result: _Result) -> None:
    request.status, request.response_length = result.status, len(result.body)
    headers = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in result.headers.items()]
    headers += [(b"server", b"CloudFront"), (b"date", formatdate(usegmt=True).encode())]
    if result.status != 304:
        headers.append((b"content-length", str(len(result.body)).encode()))
    await request.send({"type": "http.response.start", "status": result.status, "headers": headers})
    body = b"" if request.method == "HEAD" else result.body
    await request.send({"type": "http.response.body", "body": body})
