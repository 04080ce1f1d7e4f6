"""Who may call a route: the authorizers of HTTP APIs.

Input: the records of `AWS::ApiGatewayV2::Authorizer` and a request. Output: what the integration learns about the
caller. Refuses, as `Refusal`: 401 without a valid token or identity, 403 without a scope or when the function says no,
500 when the function can't be asked or answers nonsense.

Source: API Gateway Developer Guide, "Control access to HTTP APIs with JWT authorizers" and "… with AWS Lambda
authorizers" (payload 2.0, identity sources, caching); quota "Lambda authorizer timeout: 10 seconds". Not documented for
HTTP APIs: a function that fails with the message `Unauthorized` is answered with 401, as REST APIs do.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from klotho.localcloud.permissions.evaluate import Grants, Need, decide
from klotho.localcloud.permissions.policy import PolicyError, parse_policy
from klotho.localcloud.planes.gateway.request import GatewayRequest, Headers
from klotho.localcloud.planes.gateway.tokens import KeySets, TokenError, claims_of, scopes_of, shown_claims
from klotho.localcloud.service import ApiError

if TYPE_CHECKING:
    from klotho.localcloud.cloud import Cloud
    from klotho.localcloud.handler import Record

FUNCTION_TIMEOUT_S = 10.0
MAX_CACHED = 10_000
_SOURCE = re.compile(
    r"\$request\.(header|querystring)\.([A-Za-z0-9!#$%&'*+.^_`|~-]+)|\$context\.(routeKey|stage)|\$stageVariables\.(\w+)"
)
_BEARER = re.compile(r"(?:bearer +)?([^\s]+)", re.IGNORECASE)
Event = Callable[[Sequence[str]], Mapping[str, Any]]
"""The event for a Lambda authorizer, from the values of its identity sources."""


class Refusal(Exception):
    """The request goes no further; `cause` is for the log."""

    def __init__(self, status: int, cause: str, challenge: str | None = None) -> None:
        super().__init__(cause)
        self.status = status
        self.cause = cause
        self.challenge = challenge
        """`WWW-Authenticate`."""

    @property
    def message(self) -> str:
        return {401: "Unauthorized", 403: "Forbidden"}.get(self.status, "Internal Server Error")

    @property
    def headers(self) -> Headers:
        return [] if self.challenge is None else [(b"www-authenticate", self.challenge.encode("latin-1", "replace"))]


@dataclass(frozen=True, slots=True)
class TokenAuthorizer:
    """A JWT authorizer."""

    source: str
    issuer: str
    audience: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FunctionAuthorizer:
    """A Lambda authorizer."""

    name: str
    function: str
    sources: tuple[str, ...]
    simple: bool
    ttl_s: int
    permitted: bool
    """Whether a Lambda permission lets API Gateway ask it."""
    answers: dict[tuple[str, ...], tuple[float, Mapping[str, Any]]] = field(default_factory=dict)
    """Kept answers, by identity, with the moment until which they hold."""


Authorizer = TokenAuthorizer | FunctionAuthorizer


@dataclass(frozen=True, slots=True)
class Guard:
    """What one route asks for."""

    authorizer: Authorizer
    scopes: tuple[str, ...] = ()


def authorizer_of(record: Record, function: str, permitted: bool) -> Authorizer:
    """Read a record; its handler has checked it."""
    properties = record.properties
    sources = tuple(str(item) for item in properties.get("IdentitySource") or ())
    if properties["AuthorizerType"] == "JWT":
        settings = properties.get("JwtConfiguration") or {}
        audience = tuple(str(item) for item in settings.get("Audience") or ())
        return TokenAuthorizer(sources[0], str(settings.get("Issuer")), audience)
    return FunctionAuthorizer(
        name=str(properties["Name"]),
        function=function,
        sources=sources,
        simple=str(properties.get("EnableSimpleResponses", False)).lower() == "true",
        ttl_s=int(properties.get("AuthorizerResultTtlInSeconds", 0)),
        permitted=permitted,
    )


def check_source(text: str) -> str | None:
    """Why an identity source is not carried; None when it is."""
    if _SOURCE.fullmatch(text):
        return None
    carried = (
        "$request.header.<name>, $request.querystring.<name>, $context.routeKey, $context.stage, $stageVariables.<name>"
    )
    return f"the identity source {text!r} is not supported by the local cloud; it carries {carried}"


class Doorkeeper:
    """Judges requests for all APIs."""

    def __init__(self, cloud: Cloud, keys: KeySets) -> None:
        self._cloud = cloud
        self._keys = keys

    async def admit(
        self, guard: Guard, request: GatewayRequest, variables: Mapping[str, str], route_arn: str, event: Event
    ) -> dict[str, Any]:
        """What `requestContext.authorizer` holds of an admitted caller; `Refusal` otherwise."""
        if isinstance(guard.authorizer, TokenAuthorizer):
            return await self._by_token(guard.authorizer, guard.scopes, request)
        return await self._by_function(guard.authorizer, request, variables, route_arn, event)

    async def _by_token(
        self, authorizer: TokenAuthorizer, wanted: Sequence[str], request: GatewayRequest
    ) -> dict[str, Any]:
        given = identity(authorizer.source, request, {})
        found = _BEARER.fullmatch(given.strip()) if given else None
        if found is None:
            raise Refusal(401, "no token: the request has no `Authorization: Bearer <token>`", "Bearer")
        try:
            claims = await claims_of(found[1], authorizer.issuer, authorizer.audience, self._keys)
        except TokenError as error:
            raise Refusal(401, f"the token is refused: {error}", 'Bearer error="invalid_token"') from error
        held = scopes_of(claims)
        if wanted and not set(wanted) & set(held):
            challenge = f'Bearer scope="{" ".join(wanted)}" error="insufficient_scope"'
            cause = f"the token's scopes are {' '.join(held) or 'none'}; the route wants one of {' '.join(wanted)}"
            raise Refusal(403, cause, challenge)
        # Null unless the route asks for scopes, as on AWS.
        return {"jwt": {"claims": shown_claims(claims), "scopes": held if wanted else None}}

    async def _by_function(
        self,
        authorizer: FunctionAuthorizer,
        request: GatewayRequest,
        variables: Mapping[str, str],
        route_arn: str,
        event: Event,
    ) -> dict[str, Any]:
        values = [identity(source, request, variables) for source in authorizer.sources]
        missing = [source for source, value in zip(authorizer.sources, values, strict=True) if not value]
        if missing:
            raise Refusal(401, f"the request has no {missing[0]}, which {authorizer.name} needs")
        known = tuple(str(value) for value in values)
        answer = _kept(authorizer, known)
        if answer is None:
            answer = await self._ask(authorizer, event(known))
            _keep(authorizer, known, answer)
        if not _allows(authorizer, answer, route_arn):
            raise Refusal(403, f"{authorizer.function} says no")
        return {"lambda": answer.get("context")}

    async def _ask(self, authorizer: FunctionAuthorizer, event: Mapping[str, Any]) -> Mapping[str, Any]:
        function = authorizer.function
        if not authorizer.permitted:
            cause = f"no AWS::Lambda::Permission lets API Gateway invoke the authorizer {function}"
            raise Refusal(500, cause)
        try:
            async with asyncio.timeout(FUNCTION_TIMEOUT_S):
                invocation = await self._cloud.functions.invoke(function, orjson.dumps(event))
        except TimeoutError as error:
            raise Refusal(500, f"the authorizer {function} did not answer in {FUNCTION_TIMEOUT_S:g} s") from error
        except ApiError as error:
            raise Refusal(500, f"the authorizer {function}: {error.message}") from error
        try:
            answer = orjson.loads(invocation.payload)
        except ValueError:
            answer = None
        if invocation.error is not None:
            text = answer.get("errorMessage") if isinstance(answer, dict) else None
            raise Refusal(401 if text == "Unauthorized" else 500, f"the authorizer {function} failed: {text}")
        if not isinstance(answer, dict):
            raise Refusal(500, f"the authorizer {function} answered no JSON object")
        return answer


def identity(source: str, request: GatewayRequest, variables: Mapping[str, str]) -> str | None:
    """The value of an identity source in a request; None when it is not there."""
    found = _SOURCE.fullmatch(source)
    if found is None:
        return None
    kind, name, context, variable = found.groups()
    if kind == "header":
        return request.header(name.lower().encode())
    if kind == "querystring":
        return request.parameter(name)
    if context is not None:
        return request.route_key if context == "routeKey" else request.stage
    return variables.get(variable)


def _allows(authorizer: FunctionAuthorizer, answer: Mapping[str, Any], route_arn: str) -> bool:
    """Whether a function's answer lets the request in; Refusal 500 for an answer in no known form."""
    if authorizer.simple:
        said = answer.get("isAuthorized")
        if not isinstance(said, bool):
            raise Refusal(500, f"the authorizer {authorizer.function} answered without a boolean `isAuthorized`")
        return said
    if not answer.get("principalId"):
        raise Refusal(500, f"the authorizer {authorizer.function} answered without a `principalId`")
    try:
        policy = parse_policy(f"of {authorizer.function}", answer.get("policyDocument"))
    except PolicyError as error:
        raise Refusal(500, f"the authorizer {authorizer.function} answered a malformed policy: {error}") from error
    return decide(Grants((policy,)), Need("execute-api:Invoke", route_arn), {}).allowed


def _kept(authorizer: FunctionAuthorizer, known: tuple[str, ...]) -> Mapping[str, Any] | None:
    if not authorizer.ttl_s or not known:
        return None
    until, answer = authorizer.answers.get(known, (0.0, {}))
    return answer if time.monotonic() < until else None


def _keep(authorizer: FunctionAuthorizer, known: tuple[str, ...], answer: Mapping[str, Any]) -> None:
    if authorizer.ttl_s and known:
        if len(authorizer.answers) >= MAX_CACHED:
            authorizer.answers.clear()
        authorizer.answers[known] = (time.monotonic() + authorizer.ttl_s, answer)
