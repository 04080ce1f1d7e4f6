"""The Resource Groups Tagging API: which resources carry which tags.

Input: authenticated `ApiCall`s in the JSON protocol. Output: ARNs with their tags, of every live resource that a stack
made, also of those a deleted stack left behind, as long as they are there. A resource whose ARN is not known here (its
type gives none) is left out. Refuses every operation but GetResources by name.

Source: Resource Groups Tagging API Reference, GetResources.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from klotho.catalogue.facts import is_known, schema
from klotho.localcloud import wire
from klotho.localcloud.cloudformation.capabilities import ShowsLive
from klotho.localcloud.handler import Handler, Properties, Record
from klotho.localcloud.identity import arn
from klotho.localcloud.service import ApiCall, ApiError, ApiResponse
from klotho.localcloud.world import World

_PAGE = 100
_CARRIED = frozenset({"TagFilters", "ResourceTypeFilters", "ResourcesPerPage", "PaginationToken"})
_EC2 = {
    "AWS::EC2::InternetGateway": "internet-gateway",
    "AWS::EC2::NatGateway": "natgateway",
    "AWS::EC2::RouteTable": "route-table",
    "AWS::EC2::SecurityGroup": "security-group",
    "AWS::EC2::Subnet": "subnet",
    "AWS::EC2::VPC": "vpc",
    "AWS::EC2::VPCEndpoint": "vpc-endpoint",
}


class TaggingService:
    """GetResources."""

    name = "tagging"

    def __init__(self, world: World, handlers: Mapping[str, Handler], region: str, account: str) -> None:
        self._world = world
        self._handlers = handlers
        self._region = region
        self._account = account

    async def call(self, call: ApiCall) -> ApiResponse:
        operation = call.action.rpartition(".")[2]
        if operation != "GetResources":
            raise wire.not_carried("tagging", operation or f"{call.method} {call.path}")
        request = wire.parameters(call.body)
        unknown = sorted(set(request) - _CARRIED)
        if unknown:
            raise wire.not_carried("tagging", f"GetResources with {unknown[0]}")
        found = [item for item in self._tagged() if _fits(item[1], request.get("TagFilters") or ())]
        kinds = [str(kind) for kind in request.get("ResourceTypeFilters") or ()]
        found = [item for item in found if not kinds or any(_is_of(item[0], kind) for kind in kinds)]
        return wire.json_response(_page(found, request))

    def _tagged(self) -> Iterable[tuple[str, dict[str, str]]]:
        for record in self._world.all():
            known, live = self._arn(record), self._live(record)
            if known is not None and live is not None:
                yield known, live

    def _live(self, record: Record) -> dict[str, str] | None:
        """The tags it has now; None when it is gone, or of a type that takes none."""
        tag_property = schema(record.type_name).tag_property if is_known(record.type_name) else None
        if tag_property is None:
            return None
        handler: object = self._handlers.get(record.type_name)
        properties: Properties | None = record.properties
        if isinstance(handler, ShowsLive):
            properties = handler.live(record)
        if properties is None:
            return None
        given = properties.get(tag_property) or ()
        own = given if isinstance(given, Mapping) else {str(tag["Key"]): str(tag["Value"]) for tag in given}
        return {**record.tags, **own}

    def _arn(self, record: Record) -> str | None:
        if record.identifier.startswith("arn:"):
            return record.identifier
        if record.type_name == "AWS::S3::Bucket":
            return f"arn:aws:s3:::{record.identifier}"
        if record.type_name in _EC2:
            return arn("ec2", f"{_EC2[record.type_name]}/{record.identifier}", self._region, self._account)
        if record.type_name == "AWS::ElastiCache::ReplicationGroup":
            return arn("elasticache", f"replicationgroup:{record.identifier}", self._region, self._account)
        short = record.type_name.rpartition("::")[2]
        return next(
            (str(record.attributes[name]) for name in ("Arn", f"{short}Arn") if name in record.attributes), None
        )


def _fits(tags: Mapping[str, str], filters: Iterable[Mapping[str, Any]]) -> bool:
    """Every filter: the key is there, with one of the values where some are given."""
    return all(
        tags.get(str(item["Key"])) is not None and (not item.get("Values") or tags[str(item["Key"])] in item["Values"])
        for item in filters
    )


def _is_of(known: str, kind: str) -> bool:
    """`dynamodb`, or `dynamodb:table`."""
    service, _, resource = kind.partition(":")
    parts = known.split(":", 5)
    return parts[2] == service and (not resource or parts[5].startswith(resource))


def _page(found: list[tuple[str, dict[str, str]]], request: Mapping[str, Any]) -> dict[str, Any]:
    token = str(request.get("PaginationToken") or "0")
    size = int(request.get("ResourcesPerPage") or _PAGE)
    if not token.isdecimal():
        raise ApiError("PaginationTokenExpiredException", "A PaginationToken is valid for a maximum of 15 minutes.")
    if not 1 <= size <= _PAGE:
        raise ApiError("InvalidParameterException", "ResourcesPerPage must be between 1 and 100")
    start = int(token)
    shown = [
        {"ResourceARN": known, "Tags": [{"Key": key, "Value": value} for key, value in sorted(tags.items())]}
        for known, tags in found[start : start + size]
    ]
    more = str(start + size) if start + size < len(found) else ""
    return {"ResourceTagMappingList": shown, "PaginationToken": more}
