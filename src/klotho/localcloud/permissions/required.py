"""From a request to the permissions it needs.

Input: an authenticated `ApiCall`. Output: its `Need`s, all of which must be granted; none for a call anyone may make.
Refuses by name (`ApiError`) an operation that `operations.toml` does not know, because nobody could say what it
needs, and a body that can't be read.
"""

from __future__ import annotations

import re
import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from klotho.localcloud import wire
from klotho.localcloud.permissions.evaluate import Need
from klotho.localcloud.permissions.resources import RESOLVERS, Request, Surroundings
from klotho.localcloud.service import ApiCall, ApiError
from klotho.localcloud.services.s3.routing import operation_of as s3_operation

_API_VERSION = re.compile(r"^/\d{4}-\d{2}-\d{2}(?=/)")
_ANY = "*"


@dataclass(frozen=True, slots=True)
class Operation:
    name: str
    action: str
    """`service:Action`, as policies name it."""
    resource: str
    """As `operations.toml` says it."""


@dataclass(frozen=True, slots=True)
class Api:
    """One service's part of the table."""

    operations: Mapping[str, Operation]
    routes: Mapping[str, str]
    denial: tuple[str, int]


@cache
def apis() -> Mapping[str, Api]:
    """The table, by signing name."""
    table = tomllib.loads((Path(__file__).parent / "operations.toml").read_text(encoding="utf-8"))
    return {service: _api(service, entry) for service, entry in table.items()}


def _api(service: str, entry: Mapping[str, Any]) -> Api:
    actions = entry.get("actions", {})
    operations = {
        name: Operation(name, actions.get(name, f"{service}:{name}"), resource)
        for name, resource in entry["operations"].items()
    }
    code, status = entry["denial"]
    return Api(operations, entry.get("routes", {}), (str(code), int(status)))


def denial_of(service: str) -> tuple[str, int]:
    """Code and HTTP status of a service's "access denied"."""
    api = apis().get(service)
    return api.denial if api is not None else ("AccessDeniedException", 403)


def required(call: ApiCall, surroundings: Surroundings) -> list[Need]:
    """What the call needs. ApiError 501 for an operation whose needs are not known, 400 for a body that is none."""
    operation = _operation(call)
    if operation.resource == "-":
        return []
    request = Request(call, operation.name, operation.action, _parameters(call), surroundings)
    if operation.resource.startswith("@"):
        return RESOLVERS[operation.resource[1:]](request)
    return [request.need(_resource(operation.resource, request))]


def _operation(call: ApiCall) -> Operation:
    api = apis().get(call.service)
    # A header must not make a REST request look like another operation.
    if call.service == "s3":
        name: str | None = s3_operation(call)
    else:
        name = _routed(api, call) if api is not None and api.routes else call.action
    operation = api.operations.get(name) if api is not None and name else None
    if operation is None:
        what = name or f"{call.method} {call.path}"
        raise ApiError(
            "NotImplemented",
            f"klotho's local cloud does not carry {call.service}:{what} for a service or function: it does not know "
            "which permission that needs",
            501,
        )
    return operation


def _routed(api: Api, call: ApiCall) -> str | None:
    """The operation of a REST request: by its path's shape, and a query parameter that makes it another operation."""
    path = _API_VERSION.sub("", call.path).rstrip("/")
    for route, operation in api.routes.items():
        method, _, shape = route.partition(" ")
        shape, _, parameter = shape.partition("?")
        if method == call.method and _shape(shape).fullmatch(path) and (parameter in call.query if parameter else True):
            return operation
    return None


@cache
def _shape(text: str) -> re.Pattern[str]:
    """Every name in braces stands for one part of the path."""
    parts = [
        "" if literal is None else re.escape(literal) + ("" if name is None else "[^/]+")
        for literal, name, _, _ in string.Formatter().parse(text)
    ]
    return re.compile("".join(parts), re.DOTALL)


def _parameters(call: ApiCall) -> Mapping[str, Any]:
    protocol = wire.protocol_of(call.service, call.headers)
    if protocol == "json":
        return wire.parameters(call.body)
    if protocol == "query":
        return dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))
    return {}


def _resource(form: str, request: Request) -> str:
    if form == _ANY:
        return _ANY
    if form.startswith("="):
        return request.text(form[1:]) or _ANY
    names = {name for _, name, _, _ in string.Formatter().parse(form) if name} - {"region", "account"}
    values = {name: request.text(name) for name in names}
    if not all(values.values()):  # the service will refuse it; nothing but a policy on everything lets it through
        return _ANY
    around = request.surroundings
    return form.format(region=around.region, account=around.account, **values)
