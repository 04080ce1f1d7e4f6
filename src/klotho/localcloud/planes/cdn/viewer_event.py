"""The event of a CloudFront function, and what it may answer.

Input: a request. Output: the event in version 1.0 of its structure; from the function's answer the path to go on with,
or a response made by it. Refuses, as `FunctionError`, an answer that is neither.

Source: Amazon CloudFront Developer Guide, "CloudFront Functions event structure".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qsl

from klotho.localcloud.planes.cdn.distribution import Distribution
from klotho.localcloud.planes.cdn.functions import FunctionError
from klotho.localcloud.planes.gateway.request import GatewayRequest


@dataclass(frozen=True, slots=True)
class MadeResponse:
    """A response the function made itself."""

    status: int
    headers: dict[str, str]
    body: bytes


def viewer_request(request: GatewayRequest, distribution: Distribution) -> dict[str, Any]:
    """The event for a viewer request."""
    headers = {
        name.decode("latin-1"): {"value": value.decode("latin-1")}
        for name, value in request.headers
        if name not in (b"cookie", b"connection")
    }
    cookies = SimpleCookie(request.header(b"cookie") or "")
    return {
        "version": "1.0",
        "context": {
            "distributionDomainName": distribution.domain,
            "distributionId": distribution.id,
            "eventType": "viewer-request",
            "requestId": request.id,
        },
        "viewer": {"ip": request.source_ip},
        "request": {
            "method": request.method,
            "uri": request.raw_path,
            "querystring": _multi(parse_qsl(request.query, keep_blank_values=True)),
            "headers": headers,
            "cookies": {name: {"value": morsel.value} for name, morsel in cookies.items()},
        },
    }


def answered(result: Mapping[str, Any]) -> str | MadeResponse:
    """The path to go on with, or the response."""
    if "statusCode" in result:
        return _response(result)
    uri = result.get("uri")
    if not isinstance(uri, str) or not uri.startswith("/"):
        raise FunctionError("the handler returned a request whose uri does not begin with /")
    return uri


def _response(result: Mapping[str, Any]) -> MadeResponse:
    status = result["statusCode"]
    if not isinstance(status, int) or not 200 <= status <= 599:
        raise FunctionError(f"the handler returned the status {status!r}")
    headers = {
        str(name).lower(): str(item.get("value", "")) if isinstance(item, Mapping) else str(item)
        for name, item in (result.get("headers") or {}).items()
    }
    body = result.get("body") or ""
    text = body.get("data", "") if isinstance(body, Mapping) else body
    return MadeResponse(status, headers, str(text).encode())


def _multi(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name not in found:
            found[name] = {"value": value}
        else:
            found[name].setdefault("multiValue", [{"value": found[name]["value"]}]).append({"value": value})
            found[name]["value"] = value
    return found
