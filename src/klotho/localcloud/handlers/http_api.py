"""`AWS::ApiGatewayV2::{Api,Authorizer,Integration,Route,Stage}` in the local cloud: HTTP APIs.

Input: the resources' properties. Output: an API the gateway answers on a loopback port; routes, integrations and
stages are read by the gateway from the live records, so their handlers only check. Refuses by name what is not carried
(`carries`), WebSocket APIs, other integrations than Lambda by payload 2.0 and HTTP proxying, AWS_IAM authorization,
Lambda authorizers by payload 1.0, and stages that do not deploy by themselves.

Recorded but without effect here: Description, DefaultRouteSettings and RouteSettings (throttling, metrics),
IpAddressType, OperationName, Tags, Version.

The physical id of a stage is `<API's id>|<stage's name>`, the primary identifier of its schema: a stage's name alone
is no identifier, every API has its `$default`. (On AWS, `Ref` of a stage gives the name alone.)
"""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

from klotho.localcloud.handler import Handler, HandlerError, Outcome, Record, Request
from klotho.localcloud.planes.functions.model import name_of
from klotho.localcloud.planes.gateway.api import API, AUTHORIZER, INTEGRATION, ROUTE, STAGE, function_name
from klotho.localcloud.planes.gateway.authorizers import check_source
from klotho.localcloud.planes.gateway.proxy import OVERWRITE_HEADER, check_header_mapping, check_path_mapping
from klotho.localcloud.planes.gateway.routes import RouteKeyError, parse

_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
_SELECTION = "$request.method $request.path"


def api_id(token: str, length: int = 10) -> str:
    """An id as API Gateway makes them: lower-case letters and digits, from the operation's token."""
    number = int.from_bytes(hashlib.sha256(f"apigateway\x00{token}".encode()).digest(), "big")
    characters = []
    for _ in range(length):
        number, index = divmod(number, len(_ALPHABET))
        characters.append(_ALPHABET[index])
    return "".join(characters)


class _Checked(Handler):
    """A resource whose record is all there is to it: check on create and update, nothing on delete."""

    @abstractmethod
    def identify(self, request: Request) -> Outcome:
        """The id and attributes a new one gets."""

    @abstractmethod
    def check(self, request: Request, identifier: str) -> None:
        """HandlerError for what AWS would refuse."""

    async def create(self, request: Request) -> Outcome:
        outcome = self.identify(request)
        self.check(request, outcome.identifier)
        return outcome

    async def update(self, request: Request) -> Outcome:
        assert request.identifier is not None
        self.check(request, request.identifier)
        return Outcome(request.identifier, dict(request.attributes))

    async def delete(self, request: Request) -> None:
        """The engine removes the record, which is all the gateway reads."""

    def api(self, request: Request) -> str:
        """The API this belongs to; NotFoundException when there is none of that id."""
        found = str(request.properties["ApiId"])
        if self.cloud.world.get(API, found) is None:
            raise HandlerError(f"Invalid API identifier specified {self.cloud.account}:{found}", "NotFoundException")
        return found


class HttpApi(Handler):
    """An HTTP API; the identifier is its id."""

    type_name: ClassVar[str] = API
    carries: ClassVar[frozenset[str]] = frozenset(
        (
            "CorsConfiguration", "Description", "DisableExecuteApiEndpoint", "IpAddressType", "Name", "ProtocolType",
            "RouteSelectionExpression", "Tags", "Version",
        )
    )  # fmt: skip

    async def create(self, request: Request) -> Outcome:
        _check_api(request.properties)
        identifier = api_id(request.token)
        url = await self.cloud.gateway.open(Record.of(request, identifier, {}))
        arn = f"arn:aws:execute-api:{self.cloud.region}:{self.cloud.account}:{identifier}"
        return Outcome(identifier, {"ApiId": identifier, "ApiEndpoint": url, "ExecuteApiArn": arn})

    async def update(self, request: Request) -> Outcome:
        assert request.identifier is not None
        _check_api(request.properties)
        url = await self.cloud.gateway.open(Record.of(request, request.identifier, request.attributes))
        return Outcome(request.identifier, {**request.attributes, "ApiEndpoint": url})

    async def delete(self, request: Request) -> None:
        if request.identifier is not None:
            await self.cloud.gateway.close(request.identifier)

    async def resume(self, record: Record) -> None:
        await self.cloud.gateway.bring_back(record)

    async def suspend(self, record: Record) -> None:
        await self.cloud.gateway.close(record.identifier)


def _check_api(properties: Mapping[str, Any]) -> None:
    if not properties.get("Name"):
        raise _bad("Name is required for an API that is not imported from a specification")
    if properties.get("ProtocolType") != "HTTP":
        found = properties.get("ProtocolType")
        raise _bad(f"ProtocolType {found} is not supported by the local cloud yet; it carries HTTP")
    if str(properties.get("DisableExecuteApiEndpoint", False)).lower() == "true":
        raise _bad(
            "DisableExecuteApiEndpoint is not supported by the local cloud: it would leave the API without an address"
        )
    if properties.get("RouteSelectionExpression", _SELECTION) not in (_SELECTION, "${request.method} ${request.path}"):
        raise _bad(f"RouteSelectionExpression of an HTTP API must be {_SELECTION}")
    cors = properties.get("CorsConfiguration") or {}
    if "*" in cors.get("AllowOrigins", ()) and str(cors.get("AllowCredentials", False)).lower() == "true":
        raise _bad("AllowCredentials can't be true when AllowOrigins contains *")


class HttpIntegration(_Checked):
    """What answers a route: a Lambda function, a container behind a VPC link, or a public URL."""

    type_name: ClassVar[str] = INTEGRATION
    carries: ClassVar[frozenset[str]] = frozenset(
        (
            "ApiId", "ConnectionId", "ConnectionType", "Description", "IntegrationMethod", "IntegrationType",
            "IntegrationUri", "PayloadFormatVersion", "RequestParameters", "TimeoutInMillis",
        )
    )  # fmt: skip

    def identify(self, request: Request) -> Outcome:
        identifier = api_id(request.token, 7)
        return Outcome(identifier, {"IntegrationId": identifier})

    def check(self, request: Request, identifier: str) -> None:
        self.api(request)
        properties = request.properties
        kind = properties.get("IntegrationType")
        if not properties.get("IntegrationUri"):
            raise _bad("IntegrationUri is required")
        timeout = int(properties.get("TimeoutInMillis", 30000))
        if not 50 <= timeout <= 30000:
            raise _bad("Timeout should be between 50 ms and 30000 ms")
        if kind == "AWS_PROXY":
            self._check_function(properties)
        elif kind == "HTTP_PROXY":
            self._check_proxy(properties)
        else:
            raise _bad(
                f"IntegrationType {kind} is not supported by the local cloud; HTTP APIs take AWS_PROXY and HTTP_PROXY"
            )

    def _check_function(self, properties: Mapping[str, Any]) -> None:
        version = properties.get("PayloadFormatVersion")
        if version != "2.0":
            raise _bad(f"PayloadFormatVersion {version} is not supported by the local cloud yet; use 2.0")
        uri = str(properties["IntegrationUri"])
        if ":function:" not in uri:
            raise _bad(f"Invalid function ARN or invalid uri {uri}")
        if properties.get("RequestParameters"):
            raise _bad("RequestParameters of a Lambda integration are not supported by the local cloud yet")
        if properties.get("IntegrationMethod", "POST") != "POST":
            raise _bad("IntegrationMethod of a Lambda integration must be POST")
        self._check_live(uri)

    def _check_live(self, uri: str) -> None:
        name = function_name(uri)
        if self.cloud.world.get("AWS::Lambda::Function", name) is None:
            raise _bad(f"the function {name_of(name)} of the integration does not exist")

    def _check_proxy(self, properties: Mapping[str, Any]) -> None:
        if properties.get("PayloadFormatVersion", "1.0") != "1.0":
            raise _bad("PayloadFormatVersion of an HTTP_PROXY integration must be 1.0")
        if not properties.get("IntegrationMethod"):
            raise _bad("IntegrationMethod is required for HTTP_PROXY")
        for name, value in (properties.get("RequestParameters") or {}).items():
            if name == "overwrite:path":
                problem = check_path_mapping(str(value))
            elif name.startswith(OVERWRITE_HEADER):
                problem = check_header_mapping(name, str(value))
            else:
                carried = "overwrite:path and overwrite:header.<name>"
                problem = f"RequestParameters {name} is not supported by the local cloud yet; it carries {carried}"
            if problem is not None:
                raise _bad(problem)
        uri = str(properties["IntegrationUri"])
        if properties.get("ConnectionType", "INTERNET") == "VPC_LINK":
            if not properties.get("ConnectionId"):
                raise _bad("ConnectionId is required for ConnectionType VPC_LINK")
            if ":servicediscovery:" not in uri and ":listener/app/" not in uri:
                raise _bad(
                    "the local cloud reaches containers by the ARN of a Cloud Map service or of a listener; "
                    f"{uri} is not supported yet"
                )
        elif not uri.startswith(("http://", "https://")):
            raise _bad(f"Invalid HTTP endpoint specified for URI: {uri}")


class HttpRoute(_Checked):
    """Which requests an integration answers."""

    type_name: ClassVar[str] = ROUTE
    carries: ClassVar[frozenset[str]] = frozenset(
        (
            "ApiId", "ApiKeyRequired", "AuthorizationScopes", "AuthorizationType", "AuthorizerId", "OperationName",
            "RouteKey", "Target",
        )
    )  # fmt: skip

    def identify(self, request: Request) -> Outcome:
        identifier = api_id(request.token, 7)
        return Outcome(identifier, {"RouteId": identifier})

    def check(self, request: Request, identifier: str) -> None:
        api = self.api(request)
        properties = request.properties
        self._check_authorization(api, properties)
        if str(properties.get("ApiKeyRequired", False)).lower() == "true":
            raise _bad("ApiKeyRequired is not supported for HTTP APIs")
        try:
            key = parse(str(properties["RouteKey"]))
        except RouteKeyError as error:
            raise _bad(str(error)) from error
        self._check_target(api, properties.get("Target"))
        for other in self.cloud.world.list(ROUTE):
            mine = other.identifier == identifier
            if (
                not mine
                and other.properties.get("ApiId") == api
                and parse(str(other.properties["RouteKey"])).shape == key.shape
            ):
                raise HandlerError(f"Route with key {key.text} already exists for this API", "ConflictException")

    def _check_authorization(self, api: str, properties: Mapping[str, Any]) -> None:
        kind = properties.get("AuthorizationType", "NONE")
        if kind not in ("NONE", "JWT", "CUSTOM"):
            raise _bad(f"AuthorizationType {kind} is not supported by the local cloud yet; use NONE, JWT or CUSTOM")
        identifier = str(properties.get("AuthorizerId") or "")
        authorizer = self.cloud.world.get(AUTHORIZER, identifier) if identifier else None
        if identifier and (authorizer is None or authorizer.properties.get("ApiId") != api):
            raise HandlerError(f"Invalid authorizer id specified: {identifier}", "NotFoundException")
        wanted = {"JWT": "JWT", "CUSTOM": "REQUEST"}.get(str(kind))
        if (authorizer.properties["AuthorizerType"] if authorizer else None) != wanted:
            needs = f"needs an authorizer of type {wanted}" if wanted else "takes no authorizer"
            raise _bad(f"AuthorizationType {kind} {needs}")
        if properties.get("AuthorizationScopes") and kind != "JWT":
            raise _bad("AuthorizationScopes are supported only for AuthorizationType JWT")

    def _check_target(self, api: str, target: object) -> None:
        prefix, _, identifier = str(target or "").partition("/")
        if prefix != "integrations" or not identifier:
            raise _bad(f"Invalid route target {target!r}: use integrations/<integration id>")
        integration = self.cloud.world.get(INTEGRATION, identifier)
        if integration is None or integration.properties.get("ApiId") != api:
            raise HandlerError(f"Invalid Integration identifier specified {identifier}", "NotFoundException")


class HttpAuthorizer(_Checked):
    """Who may call the routes that name it: a token's issuer, or a Lambda function."""

    type_name: ClassVar[str] = AUTHORIZER
    carries: ClassVar[frozenset[str]] = frozenset(
        (
            "ApiId", "AuthorizerPayloadFormatVersion", "AuthorizerResultTtlInSeconds", "AuthorizerType",
            "AuthorizerUri", "EnableSimpleResponses", "IdentitySource", "JwtConfiguration", "Name",
        )
    )  # fmt: skip

    def identify(self, request: Request) -> Outcome:
        identifier = api_id(request.token, 6)
        return Outcome(identifier, {"AuthorizerId": identifier})

    def check(self, request: Request, identifier: str) -> None:
        self.api(request)
        properties = request.properties
        sources = [str(item) for item in properties.get("IdentitySource") or ()]
        for problem in map(check_source, sources):
            if problem is not None:
                raise _bad(problem)
        if properties.get("AuthorizerType") == "JWT":
            self._check_jwt(properties, sources)
        elif properties.get("AuthorizerType") == "REQUEST":
            self._check_function(properties, sources)
        else:
            raise _bad(f"AuthorizerType {properties.get('AuthorizerType')} is none of an HTTP API: JWT or REQUEST")

    def _check_jwt(self, properties: Mapping[str, Any], sources: list[str]) -> None:
        settings = properties.get("JwtConfiguration") or {}
        issuer = str(settings.get("Issuer", ""))
        parts = urlsplit(issuer)
        local = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost")
        if not parts.hostname or not (parts.scheme == "https" or local):
            raise _bad(f"Issuer must be an https URL, and is {issuer!r}")
        if not settings.get("Audience"):
            raise _bad("JwtConfiguration needs an Audience")
        if len(sources) != 1 or not sources[0].startswith("$request."):
            raise _bad("IdentitySource of a JWT authorizer must be one header or query string parameter")
        given = sorted({"AuthorizerUri", "EnableSimpleResponses", "AuthorizerPayloadFormatVersion"} & set(properties))
        if given:
            raise _bad(f"{given[0]} is not supported for JWT authorizers")

    def _check_function(self, properties: Mapping[str, Any], sources: list[str]) -> None:
        uri, ttl = str(properties.get("AuthorizerUri", "")), int(properties.get("AuthorizerResultTtlInSeconds", 0))
        if properties.get("JwtConfiguration"):
            raise _bad("JwtConfiguration is not supported for REQUEST authorizers")
        if properties.get("AuthorizerPayloadFormatVersion") != "2.0":
            raise _bad("AuthorizerPayloadFormatVersion must be 2.0 in the local cloud; 1.0 is not supported yet")
        if ":function:" not in uri:
            raise _bad(f"Invalid Authorizer URI: {uri}")
        if not 0 <= ttl <= 3600:
            raise _bad("AuthorizerResultTtlInSeconds must be between 0 and 3600")
        if ttl and not sources:
            raise _bad("IdentitySource is required for caching")
        if self.cloud.world.get("AWS::Lambda::Function", function_name(uri)) is None:
            raise _bad(f"the function {name_of(function_name(uri))} of the authorizer does not exist")


class HttpStage(_Checked):
    """Where an API's routes are served: at the root (`$default`) or below `/<stage>`."""

    type_name: ClassVar[str] = STAGE
    carries: ClassVar[frozenset[str]] = frozenset(
        (
            "AccessLogSettings", "ApiId", "AutoDeploy", "DefaultRouteSettings", "Description", "RouteSettings",
            "StageName", "StageVariables", "Tags",
        )
    )  # fmt: skip

    def identify(self, request: Request) -> Outcome:
        return Outcome(f"{request.properties['ApiId']}|{request.properties['StageName']}")

    def check(self, request: Request, identifier: str) -> None:
        self.api(request)
        properties = request.properties
        if str(properties.get("AutoDeploy", False)).lower() != "true":
            raise _bad("a stage without AutoDeploy is not supported by the local cloud: set AutoDeploy to true")
        existing = self.cloud.world.get(STAGE, identifier)
        if existing is not None and existing.token != request.token and request.identifier is None:
            raise HandlerError("Stage already exists", "ConflictException")
        destination = (properties.get("AccessLogSettings") or {}).get("DestinationArn")
        if destination is not None and ":log-group:" not in str(destination):
            raise _bad(f"access logs to {destination} are not supported by the local cloud; use a log group's ARN")


def _bad(message: str) -> HandlerError:
    return HandlerError(message, "BadRequestException")
