"""The Cloud Control API: what a live resource is like, whichever type it has.

Input: JSON 1.0 requests (`CloudApiService.*`). Output: the resource's properties and what `Fn::GetAtt` gives, in the
shape of its schema, as AWS answers. Carried: GetResource. Refuses every other operation by name, a type no schema is
vendored of, and, to a caller with a role, what it may not read. Source: Cloud Control API Reference, GetResource.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson

from klotho.catalogue.facts import is_known, schema
from klotho.localcloud import wire
from klotho.localcloud.cloudformation.capabilities import ShowsLive
from klotho.localcloud.handler import Handler, HandlerError, Record, Request
from klotho.localcloud.permissions.deployers import DeployerRights
from klotho.localcloud.service import ApiCall, ApiError, ApiResponse, session_arn

if TYPE_CHECKING:
    from klotho.localcloud.cloud import Cloud

_CARRIED = frozenset({"Identifier", "TypeName"})


class CloudControlService:
    """GetResource."""

    name = "cloudcontrolapi"

    def __init__(self, cloud: Cloud, handlers: Mapping[str, Handler], rights: DeployerRights) -> None:
        self._cloud = cloud
        self._handlers = handlers
        self._rights = rights

    async def call(self, call: ApiCall) -> ApiResponse:
        operation = call.action.rpartition(".")[2]
        if operation != "GetResource":
            raise wire.not_carried(self.name, operation or f"{call.method} {call.path}")
        asked = wire.parameters(call.body)
        unknown = sorted(set(asked) - _CARRIED)
        if unknown:
            raise wire.not_carried(self.name, f"GetResource with {unknown[0]}")
        type_name, identifier = str(asked.get("TypeName", "")), str(asked.get("Identifier", ""))
        if not is_known(type_name):
            raise ApiError("TypeNotFoundException", f"The type '{type_name}' cannot be found")
        record = self._record(type_name, identifier)
        if record is None:
            message = f"Resource of type '{type_name}' with identifier '{identifier}' was not found."
            raise ApiError("ResourceNotFoundException", message)
        self._check(call, record)
        properties = orjson.dumps(self._described(record)).decode()
        described = {"Identifier": identifier, "Properties": properties}
        return wire.json_response({"TypeName": type_name, "ResourceDescription": described}, "1.0")

    def _record(self, type_name: str, identifier: str) -> Record | None:
        """By its primary identifier, which may have several parts: the first one is what it is known by here."""
        return self._cloud.world.get(type_name, identifier.partition("|")[0])

    def _check(self, call: ApiCall, record: Record) -> None:
        """The caller may do what the type's read handler does."""
        if call.caller.role_arn is None:
            return
        user = session_arn(call.caller, self._cloud.account)
        try:
            self._rights.check(call.caller.role_arn, user, "read", _request(record))
        except HandlerError as error:
            raise ApiError("AccessDeniedException", str(error)) from None

    def _described(self, record: Record) -> dict[str, Any]:
        handler: object = self._handlers.get(record.type_name)
        live = handler.live(record) if isinstance(handler, ShowsLive) else record.properties
        told: dict[str, Any] = {}
        for name, value in record.attributes.items():
            _put(told, name.split("."), value)
        written = schema(record.type_name).document.get("writeOnlyProperties", ())
        secret = {path.split("/")[2] for path in written if path.count("/") == 2}
        return {**{name: value for name, value in (live or {}).items() if name not in secret}, **told}


def _request(record: Record) -> Request:
    return Request(
        type_name=record.type_name,
        stack_name=record.stack_name or "",
        stack_id=record.stack_id or "",
        logical_id=record.logical_id or "",
        token=record.token,
        properties=record.properties,
        identifier=record.identifier,
        attributes=record.attributes,
    )


def _put(place: dict[str, Any], path: list[str], value: Any) -> None:
    for name in path[:-1]:
        place = place.setdefault(name, {})
    place[path[-1]] = value
