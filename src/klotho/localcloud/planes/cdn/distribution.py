"""A distribution read from its records.

Input: the record of an `AWS::CloudFront::Distribution` and of the policies it names. Output: `Distribution`, all that
answering a request needs. Refuses, as ValueError with the reason, what the local CDN does not do; the handler asks
before a distribution is made, so that a live one can always be read.

Source: CloudFormation template reference, AWS::CloudFront::Distribution; Amazon CloudFront API Reference.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from klotho.localcloud.handler import Record
from klotho.localcloud.planes.cdn.headers import ResponseHeaders, response_headers
from klotho.localcloud.world import World

DISTRIBUTION = "AWS::CloudFront::Distribution"
ACCESS = "AWS::CloudFront::OriginAccessControl"
FUNCTION = "AWS::CloudFront::Function"
HEADERS = "AWS::CloudFront::ResponseHeadersPolicy"
CACHE_POLICY = "AWS::CloudFront::CachePolicy"

ERROR_TTL_S = 10
"""AWS: "ErrorCachingMinTTL … the default is 10 seconds"."""
_S3_DOMAIN = re.compile(r"(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\.s3[.-](?:[a-z0-9-]+\.)?amazonaws\.com")
_BEHAVIOR = frozenset({"AllowedMethods", "CachePolicyId", "CachedMethods", "Compress", "FunctionAssociations",
                       "ResponseHeadersPolicyId", "TargetOriginId", "ViewerProtocolPolicy"})  # fmt: skip
_ORIGIN = frozenset({"DomainName", "Id", "OriginAccessControlId", "OriginPath", "S3OriginConfig"})
_METHODS = (
    frozenset({"GET", "HEAD"}),
    frozenset({"GET", "HEAD", "OPTIONS"}),
    frozenset({"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"}),
)


@dataclass(frozen=True, slots=True)
class CachePolicy:
    """How long copies are kept; query strings, headers and cookies are never part of the key here."""

    minimum: float
    """Seconds, as the two below."""
    default: float
    maximum: float
    gzip: bool
    """Whether answers may be compressed."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the files come from."""

    bucket: str
    path: str
    """Put before the request's path; empty or `/…`."""


@dataclass(frozen=True, slots=True)
class ErrorPage:
    path: str | None
    status: int | None
    ttl_s: float


@dataclass(frozen=True, slots=True)
class Distribution:
    """Ready to answer."""

    id: str
    domain: str
    """`127.0.0.1:<port>`."""
    aliases: tuple[str, ...]
    enabled: bool
    origin: Origin
    root: str
    """The object of `/`; empty for none."""
    methods: frozenset[str]
    compress: bool
    cache: CachePolicy
    headers: ResponseHeaders | None
    errors: Mapping[int, ErrorPage]
    functions: Mapping[str, str]
    """ARN of a CloudFront function by `viewer-request`, `viewer-response`."""


def read_distribution(record: Record, world: World) -> Distribution:
    """The distribution of a record; ValueError for what the local CDN does not carry."""
    config = record.properties["DistributionConfig"]
    behavior = config["DefaultCacheBehavior"]
    _known("DefaultCacheBehavior", behavior, _BEHAVIOR)
    policy = behavior.get("ResponseHeadersPolicyId")
    return Distribution(
        id=record.identifier,
        domain=str(record.attributes.get("DomainName", "")),
        aliases=tuple(str(name).lower() for name in config.get("Aliases") or ()),
        enabled=truth(config["Enabled"]),
        origin=_origin(config.get("Origins") or (), str(behavior["TargetOriginId"]), world),
        root=str(config.get("DefaultRootObject") or "").lstrip("/"),
        methods=_methods(behavior.get("AllowedMethods") or ("GET", "HEAD")),
        compress=truth(behavior.get("Compress", False)),
        cache=_cache_policy(behavior.get("CachePolicyId"), world),
        headers=None if policy is None else _headers(str(policy), world),
        errors=_errors(config.get("CustomErrorResponses") or ()),
        functions=_functions(behavior.get("FunctionAssociations") or ()),
    )


def truth(value: object) -> bool:
    return str(value).lower() == "true"


def _known(where: str, found: Mapping[str, Any], names: frozenset[str]) -> None:
    for name in sorted(found):
        if name not in names:
            raise ValueError(f"{name} of {where} is not supported by the local cloud yet")


def _origin(origins: Any, wanted: str, world: World) -> Origin:
    for item in origins:
        _known(f"the origin {item.get('Id')}", item, _ORIGIN)
    found = next((item for item in origins if item.get("Id") == wanted), None)
    if found is None:
        raise ValueError(f"the origin {wanted} that DefaultCacheBehavior names does not exist")
    match = _S3_DOMAIN.fullmatch(str(found["DomainName"]))
    if match is None:
        raise ValueError(f"the origin {found['DomainName']} is no S3 bucket: the local cloud carries only those yet")
    if not found.get("OriginAccessControlId"):
        raise ValueError(f"the origin {wanted} needs an OriginAccessControlId: its bucket is not public")
    if (found.get("S3OriginConfig") or {}).get("OriginAccessIdentity"):
        raise ValueError("OriginAccessIdentity is not supported by the local cloud: use an origin access control")
    return Origin(match["bucket"], str(found.get("OriginPath") or "").rstrip("/"))


def _methods(given: Any) -> frozenset[str]:
    methods = frozenset(str(method) for method in given)
    if methods not in _METHODS:
        raise ValueError("AllowedMethods must be one of GET and HEAD; these and OPTIONS; or all seven methods")
    if methods == _METHODS[2]:
        raise ValueError("AllowedMethods that write are not supported by the local cloud for an S3 origin")
    return methods


def _cache_policy(identifier: Any, world: World) -> CachePolicy:
    if identifier is None:
        raise ValueError("DefaultCacheBehavior needs a CachePolicyId: ForwardedValues is not supported")
    managed = managed_policies().get(str(identifier))
    if managed is not None:
        return managed
    record = world.get(CACHE_POLICY, str(identifier))
    if record is None:
        raise ValueError(f"the cache policy {identifier} does not exist, or is a managed one the local cloud lacks")
    return cache_policy(record.properties["CachePolicyConfig"])


def cache_policy(config: Mapping[str, Any]) -> CachePolicy:
    """A cache policy as its resource says it; ValueError for a key that holds more than the path."""
    key = config.get("ParametersInCacheKeyAndForwardedToOrigin") or {}
    for part, name in (("Cookies", "Cookie"), ("Headers", "Header"), ("QueryStrings", "QueryString")):
        behavior = (key.get(f"{part}Config") or {}).get(f"{name}Behavior", "none")
        if behavior != "none":
            raise ValueError(f"{name}Behavior {behavior} is not supported by the local cloud yet; it carries none")
    minimum, default, maximum = (float(config[name]) for name in ("MinTTL", "DefaultTTL", "MaxTTL"))
    if not minimum <= default <= maximum:
        raise ValueError("MinTTL must be at most DefaultTTL, and that at most MaxTTL")
    return CachePolicy(minimum, default, maximum, truth(key.get("EnableAcceptEncodingGzip", False)))


@cache
def managed_policies() -> dict[str, CachePolicy]:
    table = tomllib.loads(Path(__file__).with_name("managed.toml").read_text(encoding="utf-8"))
    return {name: CachePolicy(row["min"], row["default"], row["max"], row["gzip"]) for name, row in table.items()}


def _headers(identifier: str, world: World) -> ResponseHeaders:
    record = world.get(HEADERS, identifier)
    if record is None:
        raise ValueError(f"the response headers policy {identifier} does not exist (managed ones are not carried)")
    return response_headers(record.properties["ResponseHeadersPolicyConfig"])


def _errors(responses: Any) -> dict[int, ErrorPage]:
    found = {}
    for item in responses:
        path, status = item.get("ResponsePagePath"), item.get("ResponseCode")
        if (path is None) is not (status is None):
            raise ValueError("ResponsePagePath and ResponseCode of CustomErrorResponses come together")
        ttl = float(item.get("ErrorCachingMinTTL", ERROR_TTL_S))
        found[int(item["ErrorCode"])] = ErrorPage(path and str(path), status and int(status), ttl)
    return found


def _functions(associations: Any) -> dict[str, str]:
    found = {}
    for item in associations:
        kind = str(item.get("EventType"))
        if kind != "viewer-request":
            raise ValueError(f"functions at {kind} are not supported by the local cloud yet; viewer-request is")
        if kind in found:
            raise ValueError(f"only one function can be associated with {kind}")
        found[kind] = str(item["FunctionARN"])
    return found
