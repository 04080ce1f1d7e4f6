"""APIs that let in only who somebody vouches for: JWT authorizers and Lambda authorizers.

The authorizer belongs to the API; the routes that name it belong to the services (`attach.py`). Source: API Gateway
Developer Guide, "Control access to HTTP APIs with JWT authorizers" and "… with AWS Lambda authorizers".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from klotho.application import Relationship
from klotho.catalogue.kinds import oidc
from klotho.catalogue.kinds.function import function_key
from klotho.catalogue.kinds.http_api import api_key
from klotho.catalogue.rules import LAMBDA, Link, Pair
from klotho.diagnostics import Report
from klotho.resources import AddResource, Pseudo, Ref, ResourceKey, join, resource_key
from klotho.resources.changes import Action

FUNCTION = "Compute.Function"
CONTAINER = "Compute.Container"
ASKED = (FUNCTION, CONTAINER)
"""Kinds that are asked about each request; the others' tokens API Gateway checks by itself."""
_HEADER = "header.authorization"


def authorizer_key(rule: Relationship) -> ResourceKey:
    """One authorizer per API and what it authenticates with; of what is asked, one for each way to ask it.

    The rule alone tells it: what an API of another application authenticates with is unknown here but for its name.
    """
    kind, _, name = rule.target.partition("/")
    way = ""
    if kind in ASKED and (_identity(rule) != [_HEADER] or _cache(rule)):
        way = f"-{'+'.join(_identity(rule))}-{_cache(rule)}"
    if rule.properties.get("ask"):
        way = f"{way}-{rule.properties['ask']}"
    return resource_key(rule.actor, f"authorizer-{kind.rpartition('.')[2].lower()}-{name}{way}")


def authorization(rule: Relationship | None) -> dict[str, Any]:
    """What a route says about who may call it; None is everybody."""
    if rule is None:
        return {"AuthorizationType": "NONE"}
    scopes = rule.properties.get("scopes")
    return {
        "AuthorizationType": "CUSTOM" if rule.target.partition("/")[0] in ASKED else "JWT",
        "AuthorizerId": Ref(authorizer_key(rule)),
        **({"AuthorizationScopes": list(scopes)} if scopes else {}),
    }


def authenticate_by_token(link: Link) -> Iterator[Action]:
    """A JWT authorizer: API Gateway checks signature, issuer, audience and times by itself."""
    issuer, audience = link.setting.parameter(link.target, "issuer"), link.setting.parameter(link.target, "audience")
    yield from by_token(link, issuer, [audience] if isinstance(audience, str) else list(audience))


def by_token(link: Link, issuer: Any, audience: list[Any]) -> Iterator[Action]:
    yield AddResource(
        authorizer_key(link.relationship),
        "AWS::ApiGatewayV2::Authorizer",
        {
            "ApiId": Ref(api_key(link.actor)),
            "Name": link.target.name,
            "AuthorizerType": "JWT",
            "IdentitySource": ["$request.header.Authorization"],
            "JwtConfiguration": {"Issuer": issuer, "Audience": audience},
        },
    )


def authenticate_by_function(link: Link) -> Iterator[Action]:
    """A Lambda authorizer that answers yes or no."""
    yield from by_answer(link, Ref(function_key(link.target), "Arn"))


def by_answer(link: Link, function: Ref) -> Iterator[Action]:
    """A Lambda authorizer with simple answers of this function, and the API's permission to ask it, only for that."""
    key = authorizer_key(link.relationship)
    region = Pseudo("AWS::Region")
    arn = ("arn:", Pseudo("AWS::Partition"))
    cache, identity = _cache(link.relationship), [_source(item) for item in _identity(link.relationship)]
    yield AddResource(
        key,
        "AWS::ApiGatewayV2::Authorizer",
        {
            "ApiId": Ref(api_key(link.actor)),
            "Name": link.target.name,
            "AuthorizerType": "REQUEST",
            "AuthorizerPayloadFormatVersion": "2.0",
            "AuthorizerUri": join(
                *arn, ":apigateway:", region, ":lambda:path/2015-03-31/functions/", function, "/invocations"
            ),
            "EnableSimpleResponses": True,
            # An answer is kept for its route alone: without the route in the key it would open all others.
            "IdentitySource": [*identity, "$context.routeKey"] if cache else identity,
            "AuthorizerResultTtlInSeconds": cache,
        },
    )
    place = (":execute-api:", region, ":", Pseudo("AWS::AccountId"), ":", Ref(api_key(link.actor)))
    yield AddResource(
        ResourceKey(f"{key}-permission"),
        "AWS::Lambda::Permission",
        {
            "Action": "lambda:InvokeFunction",
            "FunctionName": function,
            "Principal": "apigateway.amazonaws.com",
            "SourceArn": join(*arn, *place, "/authorizers/", Ref(key)),
        },
    )


def _identity(rule: Relationship) -> list[str]:
    return list(rule.properties.get("identity") or [_HEADER])


def _cache(rule: Relationship) -> int:
    return int(rule.properties.get("cache") or 0)


def _source(identity: str) -> str:
    """`header.x-key` as API Gateway's selection expressions name it."""
    kind, _, name = identity.partition(".")
    return f"$request.{'header' if kind == 'header' else 'querystring'}.{name}"


def check_token(link: Link, report: Report) -> None:
    given = [name for name in ("identity", "cache", "ask") if link.get(name) is not None]
    if given:
        who = "containers" if given[0] == "ask" else "functions and containers"
        report.error(
            "bad-authentication",
            f"`{given[0]}` is for {who}: a token of {link.target.title} stands in the header `Authorization`",
            link.relationship.span,
            helps=["leave it out"],
        )


def check_scopes(link: Link, report: Report) -> None:
    """Who is asked about the whole request looks at scopes by itself."""
    if link.get("scopes"):
        report.error(
            "bad-authentication",
            f"{link.target.title} is asked about the whole request, so `scopes` mean nothing here",
            link.relationship.span,
            helps=["leave it out, and look at the token's scopes in the code that is asked"],
        )


def _check_function(link: Link, report: Report) -> None:
    check_scopes(link, report)
    if link.get("ask") is not None:
        report.error(
            "bad-authentication",
            f"`ask` is for containers: {link.target.title} is called with the request as its event",
            link.relationship.span,
            helps=["leave it out"],
        )


AUTHENTICATE_WITH_OIDC = Pair(
    verbs=("authenticates_with",),
    actors=("API",),
    targets=(oidc.KIND,),
    creates="a JWT authorizer with the provider's issuer and audience, which the guarded routes name",
    connect=authenticate_by_token,
    check=check_token,
)
AUTHENTICATE_WITH_FUNCTION = Pair(
    verbs=("authenticates_with",),
    actors=("API",),
    targets=(FUNCTION,),
    target_on=(LAMBDA,),
    creates="a Lambda authorizer with simple answers, which the guarded routes name, and the permission to invoke it",
    connect=authenticate_by_function,
    check=_check_function,
)
