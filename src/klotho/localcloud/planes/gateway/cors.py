"""Cross-origin requests, as an HTTP API with a CORS configuration answers them.

Input: the API's `CorsConfiguration` and a request's Origin. Output: response headers, and whether a request is a
preflight that the gateway answers itself. Refuses nothing.

AWS: "If you configure CORS for an API, API Gateway automatically sends a response to preflight OPTIONS requests, even
if there isn't an OPTIONS route configured for your API" and "API Gateway ignores CORS headers returned from your
backend integration" (API Gateway docs, "Configure CORS for HTTP APIs").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from klotho.localcloud.planes.gateway.request import GatewayRequest, Headers

_PREFIX = b"access-control-"


class Cors:
    """One API's configuration."""

    def __init__(self, configuration: Mapping[str, Any]) -> None:
        self._origins = [str(origin) for origin in configuration.get("AllowOrigins", ())]
        self._methods = _joined(configuration.get("AllowMethods", ()))
        self._headers = _joined(configuration.get("AllowHeaders", ()))
        self._expose = _joined(configuration.get("ExposeHeaders", ()))
        self._credentials = str(configuration.get("AllowCredentials", False)).lower() == "true"
        self._max_age = configuration.get("MaxAge")

    def is_preflight(self, request: GatewayRequest) -> bool:
        return (
            request.method == "OPTIONS"
            and request.header(b"origin") is not None
            and request.header(b"access-control-request-method") is not None
        )

    def preflight_headers(self, request: GatewayRequest) -> Headers:
        """What a preflight answer (204) carries; nothing for an origin that is not allowed."""
        headers = self.response_headers(request)
        if headers and self._methods:
            headers.append((b"access-control-allow-methods", self._methods))
        if headers and self._headers:
            headers.append((b"access-control-allow-headers", self._headers))
        if headers and self._max_age is not None:
            headers.append((b"access-control-max-age", str(int(self._max_age)).encode()))
        return headers

    def response_headers(self, request: GatewayRequest) -> Headers:
        """What any answer carries; nothing without an Origin or for one that is not allowed."""
        origin = request.header(b"origin")
        allowed = None if origin is None else self._allowed(origin)
        if allowed is None:
            return []
        headers = [(b"access-control-allow-origin", allowed.encode("latin-1", "replace"))]
        if self._credentials:
            headers.append((b"access-control-allow-credentials", b"true"))
        if self._expose:
            headers.append((b"access-control-expose-headers", self._expose))
        return headers

    def apply(self, request: GatewayRequest, headers: Headers) -> Headers:
        """A response's headers with the integration's own CORS headers replaced by the configured ones."""
        kept = [(name, value) for name, value in headers if not name.lower().startswith(_PREFIX)]
        return kept + self.response_headers(request)

    def _allowed(self, origin: str) -> str | None:
        if "*" in self._origins:
            return "*"
        for allowed in self._origins:
            if allowed == origin or (allowed.endswith("://*") and origin.startswith(allowed[:-1])):
                return origin
        return None


def _joined(values: object) -> bytes:
    return ",".join(str(value) for value in values).encode() if isinstance(values, list | tuple) else b""
