"""`AWS::CloudFront::*` in the local cloud: distributions, origin access controls, functions, policies.

Input: the resources' properties. Output: a distribution the CDN answers on a loopback port; its policies, functions and
access controls are read by the CDN from the live records, so their handlers only check. Refuses by name what is not
carried (`carries`, and `planes/cdn/distribution.py` for what stands inside a distribution).

Recorded but without effect here: Comment, HttpVersion (HTTP/1.1 is spoken), IPV6Enabled, PriceClass, ViewerCertificate
(whoever serves the aliases has the certificate), Tags.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from klotho.catalogue.kinds.certificate_check import matches
from klotho.localcloud.handler import Handler, HandlerError, Outcome, Record, Request
from klotho.localcloud.identity import arn, digest, uuid_of
from klotho.localcloud.planes.cdn.distribution import (
    ACCESS,
    CACHE_POLICY,
    DISTRIBUTION,
    FUNCTION,
    HEADERS,
    cache_policy,
    read_distribution,
    truth,
)
from klotho.localcloud.planes.cdn.functions import FunctionError
from klotho.localcloud.planes.cdn.headers import response_headers
from klotho.localcloud.planes.gateway.domains import certificate_of
from klotho.localcloud.service import ApiError

MAX_CODE_BYTES = 10 * 1024
"""CloudFront quotas: "Maximum function size 10 KB"."""
_LAST_MODIFIED = "2020-01-01T00:00:00Z"
"""No time of ours: an attribute must be the same after a crash."""


def _id(request: Request) -> str:
    """`E` and 13 capital letters and digits, from the token."""
    return "E" + digest(request.token, 13, request.type_name).upper()


class Distribution(Handler):
    """A distribution; the identifier is its id."""

    type_name: ClassVar[str] = DISTRIBUTION
    carries: ClassVar[frozenset[str]] = frozenset(
        (
            "DistributionConfig.Aliases", "DistributionConfig.Comment", "DistributionConfig.CustomErrorResponses",
            "DistributionConfig.DefaultCacheBehavior", "DistributionConfig.DefaultRootObject",
            "DistributionConfig.Enabled", "DistributionConfig.HttpVersion", "DistributionConfig.IPV6Enabled",
            "DistributionConfig.Origins", "DistributionConfig.PriceClass", "DistributionConfig.ViewerCertificate",
            "Tags",
        )
    )  # fmt: skip
    given_attributes: frozenset[str] = frozenset({"Id", "DomainName"})

    async def create(self, request: Request) -> Outcome:
        identifier = _id(request)
        record = Record.of(request, identifier, {})
        self._check(record)
        domain = await self.cloud.cdn.open(record)
        await self._serve_names(record)
        return Outcome(identifier, {"Id": identifier, "DomainName": domain})

    async def update(self, request: Request) -> Outcome:
        assert request.identifier is not None
        record = Record.of(request, request.identifier, request.attributes)
        self._check(record)
        await self.cloud.cdn.open(record)
        await self._serve_names(record)
        return Outcome(request.identifier, dict(request.attributes))

    async def delete(self, request: Request) -> None:
        if request.identifier is not None:
            await self._drop_names(request.identifier)
            await self.cloud.cdn.forget(request.identifier)

    async def resume(self, record: Record) -> None:
        await self.cloud.cdn.bring_back(record)
        for name in _names(record):
            await self.cloud.domains.bring_back(record, name)

    async def suspend(self, record: Record) -> None:
        await self._drop_names(record.identifier)
        await self.cloud.cdn.close(record.identifier)

    async def _serve_names(self, record: Record) -> None:
        """Over TLS, under the names it has a certificate for."""
        names = _names(record)
        await self._drop_names(record.identifier, kept=names)
        for name in names:
            await self.cloud.domains.open(record, name)

    async def _drop_names(self, identifier: str, kept: Sequence[str] = ()) -> None:
        if not hasattr(self.cloud, "domains"):
            return  # a cloud of the CDN alone
        for name in self.cloud.domains.names_of(identifier):
            if name not in kept:
                await self.cloud.domains.close(name)

    def _check(self, record: Record) -> None:
        try:
            found = read_distribution(record, self.cloud.world)
        except ValueError as error:
            raise HandlerError(str(error), "InvalidRequest") from error
        if certificate_of(record.properties):
            self._check_certificate(record, found.aliases)
        for other in self.cloud.world.list(DISTRIBUTION):
            mine = other.identifier == record.identifier or other.token == record.token
            taken = {str(name).lower() for name in other.properties["DistributionConfig"].get("Aliases") or ()}
            if not mine and taken & set(found.aliases):
                name = sorted(taken & set(found.aliases))[0]
                message = (
                    f"One or more of the CNAMEs you provided are already associated with a different resource: {name}"
                )
                raise HandlerError(message, "AlreadyExists")

    def _check_certificate(self, record: Record, names: Sequence[str]) -> None:
        try:
            certificate = self.cloud.certificates.usable(certificate_of(record.properties))
        except ApiError as error:
            message = f"The specified SSL certificate doesn't exist, isn't in us-east-1 region, or isn't valid: {error}"
            raise HandlerError(message, "InvalidViewerCertificate") from error
        for name in names:
            if not any(matches(name, known.lower()) for known in certificate.facts["names"]):
                message = f"The certificate that is attached to your distribution doesn't cover the name {name}"
                raise HandlerError(message, "InvalidViewerCertificate")


def _names(record: Record) -> list[str]:
    """Those it is served under over TLS: none without a certificate."""
    if not certificate_of(record.properties):
        return []
    return [str(name).lower() for name in record.properties["DistributionConfig"].get("Aliases") or ()]


class _Named(Handler):
    """A resource whose record is all there is to it, with a name that is its own in the account."""

    config: ClassVar[str]
    """The property that holds everything."""

    @abstractmethod
    def check(self, config: Mapping[str, Any]) -> None:
        """HandlerError or ValueError for what AWS would refuse or the CDN does not carry."""

    def attributes(self, identifier: str) -> dict[str, str]:
        return {"Id": identifier, "LastModifiedTime": _LAST_MODIFIED}

    def identify(self, request: Request) -> str:
        return uuid_of(request.token, request.type_name)

    async def create(self, request: Request) -> Outcome:
        identifier = self.identify(request)
        self._refuse(request, identifier)
        return Outcome(identifier, self.attributes(identifier))

    async def update(self, request: Request) -> Outcome:
        assert request.identifier is not None
        self._refuse(request, request.identifier)
        return Outcome(request.identifier, dict(request.attributes))

    async def delete(self, request: Request) -> None:
        """The engine removes the record, which is all the CDN reads; a distribution that names it holds it."""
        for record in self.cloud.world.list(DISTRIBUTION):
            behavior = record.properties["DistributionConfig"]["DefaultCacheBehavior"]
            if request.identifier in (behavior.get("ResponseHeadersPolicyId"), behavior.get("CachePolicyId")):
                used = f"the distribution {record.identifier} of stack {record.stack_name}"
                raise HandlerError(f"{request.identifier} is used by {used}", "ResourceInUse")

    def _refuse(self, request: Request, identifier: str) -> None:
        config = request.properties[self.config]
        try:
            self.check(config)
        except ValueError as error:
            raise HandlerError(f"{self.config}: {error}", "InvalidRequest") from error
        for other in self.cloud.world.list(self.type_name):
            if other.identifier != identifier and other.properties[self.config].get("Name") == config.get("Name"):
                raise HandlerError(
                    f"{self.type_name} with the name {config.get('Name')} already exists", "AlreadyExists"
                )


class OriginAccessControl(_Named):
    """Who may read a bucket; the identifier is its id."""

    type_name: ClassVar[str] = ACCESS
    carries: ClassVar[frozenset[str]] = frozenset({"OriginAccessControlConfig"})
    config: ClassVar[str] = "OriginAccessControlConfig"
    given_attributes: frozenset[str] = frozenset({"Id"})

    def identify(self, request: Request) -> str:
        return _id(request)

    def attributes(self, identifier: str) -> dict[str, str]:
        return {"Id": identifier}

    def check(self, config: Mapping[str, Any]) -> None:
        carried = (("OriginAccessControlOriginType", "s3"), ("SigningBehavior", "always"), ("SigningProtocol", "sigv4"))
        for name, value in carried:
            if config.get(name) != value:
                raise ValueError(f"{name} {config.get(name)} is not supported by the local cloud yet; {value} is")


class ResponseHeadersPolicy(_Named):
    """Headers that are added to answers; the identifier is its id."""

    type_name: ClassVar[str] = HEADERS
    carries: ClassVar[frozenset[str]] = frozenset({"ResponseHeadersPolicyConfig"})
    config: ClassVar[str] = "ResponseHeadersPolicyConfig"
    given_attributes: frozenset[str] = frozenset({"Id", "LastModifiedTime"})

    def check(self, config: Mapping[str, Any]) -> None:
        response_headers(config)


class CachePolicy(_Named):
    """How long copies are kept; the identifier is its id."""

    type_name: ClassVar[str] = CACHE_POLICY
    carries: ClassVar[frozenset[str]] = frozenset({"CachePolicyConfig"})
    config: ClassVar[str] = "CachePolicyConfig"
    given_attributes: frozenset[str] = frozenset({"Id", "LastModifiedTime"})

    def check(self, config: Mapping[str, Any]) -> None:
        cache_policy(config)
        if str(config.get("Name", "")).startswith("Managed-"):
            raise ValueError("the names that begin with Managed- are AWS's own")


class CloudFrontFunction(Handler):
    """Code that runs at the edge; the identifier is its ARN."""

    type_name: ClassVar[str] = FUNCTION
    carries: ClassVar[frozenset[str]] = frozenset(
        {"AutoPublish", "FunctionCode", "FunctionConfig.Comment", "FunctionConfig.Runtime", "Name", "Tags"}
    )
    given_attributes: frozenset[str] = frozenset({"FunctionARN", "FunctionMetadata.FunctionARN", "Stage"})

    async def create(self, request: Request) -> Outcome:
        name = str(request.properties["Name"])
        identifier = arn("cloudfront", f"function/{name}", "", self.cloud.account)
        held = self.cloud.world.get(FUNCTION, identifier)
        if held is not None and held.token != request.token:
            raise HandlerError(f"A function with the name {name} already exists", "AlreadyExists")
        await self._check(request)
        attributes = {"FunctionARN": identifier, "FunctionMetadata.FunctionARN": identifier, "Stage": "LIVE"}
        return Outcome(identifier, attributes)

    async def update(self, request: Request) -> Outcome:
        assert request.identifier is not None
        await self._check(request)
        return Outcome(request.identifier, dict(request.attributes))

    async def delete(self, request: Request) -> None:
        """The engine removes the record, which is all the CDN reads."""

    async def _check(self, request: Request) -> None:
        properties = request.properties
        runtime = properties["FunctionConfig"].get("Runtime")
        if runtime != "cloudfront-js-2.0":
            raise _bad(
                f"FunctionConfig: the runtime {runtime} is not supported by the local cloud; cloudfront-js-2.0 is"
            )
        if not truth(properties.get("AutoPublish", False)):
            raise _bad("a function without AutoPublish is not supported by the local cloud: nothing could use it")
        code = str(properties["FunctionCode"])
        if len(code.encode()) > MAX_CODE_BYTES:
            raise _bad(f"FunctionCode is larger than {MAX_CODE_BYTES} bytes")
        try:
            await self.cloud.cdn.edge.functions.check(str(properties["Name"]), code)
        except FunctionError as error:
            raise _bad(f"FunctionCode can't be run: {error}") from error


def _bad(message: str) -> HandlerError:
    return HandlerError(message, "InvalidRequest")
