"""Access log lines in the format a stage asks for.

Input: the stage's `AccessLogSettings.Format` and a finished request. Output: one line. Refuses nothing: a variable that
is not known here, or has no value for this request, is `-`, as on AWS.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping

from klotho.localcloud.planes.gateway.proxy_event import clf_time
from klotho.localcloud.planes.gateway.request import GatewayRequest

_VARIABLE = re.compile(r"\$context\.([A-Za-z]+(?:\.[A-Za-z]+)*)")
Value = Callable[[GatewayRequest], object]

_VALUES: Mapping[str, Value] = {
    "requestId": lambda request: request.id,
    "extendedRequestId": lambda request: request.id,
    "httpMethod": lambda request: request.method,
    "path": lambda request: request.path,
    "protocol": lambda request: request.protocol,
    "routeKey": lambda request: request.route_key or None,
    "stage": lambda request: request.stage,
    "status": lambda request: request.status,
    "responseLength": lambda request: request.response_length,
    "responseLatency": lambda request: int((time.time() - request.started) * 1000),
    "requestTime": lambda request: clf_time(request.started),
    "requestTimeEpoch": lambda request: int(request.started * 1000),
    "identity.sourceIp": lambda request: request.source_ip,
    "identity.userAgent": lambda request: request.header(b"user-agent"),
    "domainName": lambda request: request.header(b"host"),
    "authorizer.error": lambda request: request.authorizer_error,
    "error.message": lambda request: request.error,
    "integrationErrorMessage": lambda request: request.integration_error,
    "integration.error": lambda request: request.integration_error,
    "integrationStatus": lambda request: request.integration_status,
    "integration.status": lambda request: request.integration_status,
    "integration.integrationStatus": lambda request: request.integration_status,
    "integrationLatency": lambda request: request.integration_latency_ms,
    "integration.latency": lambda request: request.integration_latency_ms,
}


class AccessLog:
    """A format, taken apart once."""

    def __init__(self, group: str, template: str, constants: Mapping[str, str]) -> None:
        """`constants`: variables with one value for all requests, such as apiId."""
        self.group = group
        self._parts: list[str | Value] = []
        at = 0
        # AWS: error.messageString is "the quoted value of $context.error.message".
        template = template.replace("$context.error.messageString", '"$context.error.message"')
        for found in _VARIABLE.finditer(template):
            self._parts.append(template[at : found.start()])
            self._parts.append(constants.get(found[1]) or _VALUES.get(found[1], _nothing))
            at = found.end()
        self._parts.append(template[at:])

    def line(self, request: GatewayRequest) -> str:
        return "".join(part if isinstance(part, str) else _shown(part(request)) for part in self._parts)


def _nothing(request: GatewayRequest) -> object:
    return None


def _shown(value: object) -> str:
    """A request must not be able to write a second line into the log."""
    return "-" if value is None else str(value).replace("\r", "\\r").replace("\n", "\\n").replace('"', '\\"')
