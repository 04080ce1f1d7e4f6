"""AWS::ApiGatewayV2::DomainName and ApiMapping: host names that lead to HTTP APIs.

Input: a name, a certificate of ACM, an API and its stage. Output: the name is served by `planes/gateway/domains.py`.
Refuses by name what is not carried: edge-optimised and mutual-TLS names, security policies other than TLS_1_2.
Source: API Gateway V2 API Reference, CreateDomainName and CreateApiMapping.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from klotho.catalogue.kinds.certificate_check import matches
from klotho.localcloud.handler import Handler, HandlerError, Outcome, Record, Request
from klotho.localcloud.handlers.http_api import api_id
from klotho.localcloud.identity import digest
from klotho.localcloud.planes.gateway.api import API, STAGE
from klotho.localcloud.planes.gateway.domains import DOMAIN, MAPPING, certificate_of
from klotho.localcloud.service import ApiError


class DomainName(Handler):
    """A custom domain name; the identifier is the name."""

    type_name: ClassVar[str] = DOMAIN
    carries: ClassVar[frozenset[str]] = frozenset(
        {
            "DomainName",
            "DomainNameConfigurations.CertificateArn",
            "DomainNameConfigurations.EndpointType",
            "DomainNameConfigurations.SecurityPolicy",
            "Tags",
        }
    )

    async def create(self, request: Request) -> Outcome:
        name = str(request.properties["DomainName"])
        held = self.cloud.world.get(DOMAIN, name)
        if held is not None and held.token != request.token:
            raise HandlerError("The domain name you provided already exists.", "BadRequestException")
        self._check(request.properties)
        region = self.cloud.region
        attributes = {
            "DomainNameArn": f"arn:aws:apigateway:{region}::/domainnames/{name}",
            "RegionalDomainName": f"d-{api_id(request.token)}.execute-api.{region}.amazonaws.com",
            "RegionalHostedZoneId": f"Z{digest(region, 13, 'apigateway-zone').upper()}",
        }
        await self.cloud.domains.open(Record.of(request, name, attributes))
        return Outcome(name, attributes)

    async def update(self, request: Request) -> Outcome:
        self._check(request.properties)
        name = str(request.identifier)
        await self.cloud.domains.open(Record.of(request, name, request.attributes))
        return Outcome(name, dict(request.attributes))

    async def delete(self, request: Request) -> None:
        if request.identifier is not None:
            await self.cloud.domains.close(request.identifier, of=request.identifier)

    async def resume(self, record: Record) -> None:
        await self.cloud.domains.bring_back(record)

    async def suspend(self, record: Record) -> None:
        await self.cloud.domains.close(record.identifier, of=record.identifier)

    def _check(self, properties: Mapping[str, Any]) -> None:
        configurations = properties.get("DomainNameConfigurations") or []
        if len(configurations) != 1:
            raise _bad("A domain name needs exactly one configuration.")
        configuration = configurations[0]
        for name, carried in (("EndpointType", "REGIONAL"), ("SecurityPolicy", "TLS_1_2")):
            if configuration.get(name, carried) != carried:
                found = configuration[name]
                said = f"{name} {found} in DomainNameConfigurations is not supported by the local cloud yet"
                raise _bad(f"{said}; it carries {carried}")
        try:
            found = self.cloud.certificates.usable(certificate_of(properties))
        except ApiError as error:
            raise _bad(f"The certificate can't be used: {error.message}") from error
        name = str(properties["DomainName"])
        if not any(matches(name, known.lower()) for known in found.facts["names"]):
            raise _bad(f"The domain name {name} is not covered by the certificate {found.arn}")


class ApiMapping(Handler):
    """Which API a domain name leads to; the identifier is an id."""

    type_name: ClassVar[str] = MAPPING
    carries: ClassVar[frozenset[str]] = frozenset({"ApiId", "ApiMappingKey", "DomainName", "Stage"})

    async def create(self, request: Request) -> Outcome:
        self._check(request)
        identifier = api_id(request.token, 6)
        return Outcome(identifier, {"ApiMappingId": identifier})

    async def update(self, request: Request) -> Outcome:
        self._check(request)
        return Outcome(str(request.identifier), dict(request.attributes))

    async def delete(self, request: Request) -> None:
        """The engine removes the record, which is all the gateway reads."""

    def _check(self, request: Request) -> None:
        world, properties = self.cloud.world, request.properties
        name, api, stage = (str(properties[key]) for key in ("DomainName", "ApiId", "Stage"))
        if world.get(DOMAIN, name) is None:
            raise HandlerError(f"Invalid domain name identifier specified {name}", "NotFoundException")
        if world.get(API, api) is None:
            raise HandlerError(f"Invalid API identifier specified {self.cloud.account}:{api}", "NotFoundException")
        if world.get(STAGE, f"{api}|{stage}") is None:
            raise HandlerError(f"Invalid stage identifier specified {stage}", "NotFoundException")
        for other in world.list(MAPPING):
            same = all(other.properties.get(key) == properties.get(key) for key in ("DomainName", "ApiMappingKey"))
            if same and other.token != request.token:
                if other.identifier == request.identifier:
                    continue
                raise HandlerError(f"ApiMapping key already exists for domain name {name}", "ConflictException")


def _bad(message: str) -> HandlerError:
    return HandlerError(message, "BadRequestException")
