"""The few requests that need no signature and that browser pages may make: signing in to a user pool.

Input: a request's method, path and headers, and the services. Output: the service that is open to it, and the headers
that let a page of any origin read the answer, as AWS's own endpoint does. Everything else stays refused: a page must
not reach the rest of the local cloud.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol, runtime_checkable

from klotho.localcloud.service import ApiCall, ApiResponse, Caller

ANONYMOUS = Caller("anonymous", "anonymous", "arn:aws:iam::000000000000:role/anonymous")
"""With a role that grants nothing; only the deployer has none."""
_READABLE = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "x-amzn-ErrorType, x-amzn-ErrorMessage, x-amzn-RequestId, Date",
}


@runtime_checkable
class OpenService(Protocol):
    """An AWS API of which some operations need no signature."""

    name: str

    async def call(self, call: ApiCall) -> ApiResponse: ...

    def admits(self, method: str, path: str, headers: Mapping[str, str]) -> str | None:
        """The operation of a request that needs no signature; None for any other."""
        ...


def is_preflight(method: str, path: str, headers: Mapping[str, str]) -> bool:
    """Whether a page asks if it may send an unsigned AWS call. A yes opens nothing: the call itself is looked at."""
    asked = {name.strip().lower() for name in headers.get("access-control-request-headers", "").split(",")}
    return (
        (method, path) == ("OPTIONS", "/")
        and "origin" in headers
        and headers.get("access-control-request-method") == "POST"
        and "x-amz-target" in asked
        and "authorization" not in asked
    )


def preflight(headers: Mapping[str, str]) -> ApiResponse:
    allowed = {
        "access-control-allow-headers": headers["access-control-request-headers"],
        "access-control-allow-methods": "POST",
        "access-control-max-age": "600",
    }
    return ApiResponse(204, b"", {**_READABLE, **allowed})


def readable(response: ApiResponse) -> ApiResponse:
    """The same answer, which the page may read."""
    return replace(response, headers={**response.headers, **_READABLE})
