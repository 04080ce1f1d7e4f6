"""What everyone on the internet can reach or read after a change and not before it.

Input: two `Landscape`s. Output: `Consequence`s of the kind `public`. Refuses nothing. Policies and security groups are
looked at by `resource_policies` and `network`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from klotho.deploy.consequences.consequence import Consequence
from klotho.deploy.consequences.landscape import Item, Landscape

_BLOCKS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
_PUBLIC_ACLS = ("PublicRead", "PublicReadWrite", "AuthenticatedRead")
_ROUTE = "AWS::ApiGatewayV2::Route"
_METHOD = "AWS::ApiGateway::Method"
Found = dict[tuple[str, str], Consequence]
"""By what makes it the same exposure on both sides."""


def new_exposure(before: Landscape, after: Landscape) -> Iterator[Consequence]:
    was, will = _exposed(before), _exposed(after)
    yield from (found for key, found in will.items() if key not in was)
    yield from _open_routes(before, after)
    yield from _unblocked(before, after)


def _exposed(side: Landscape) -> Found:
    found: Found = {}
    for item in side.items.values():
        text = _endpoint(item)
        if text:
            found[item.type, item.logical_id] = _public(item, text)
    return found


def _endpoint(item: Item) -> str | None:
    """What is public about the resource by itself."""
    properties, name = item.properties, item.name
    match item.type:
        case "AWS::ApiGatewayV2::Api" if not _true(properties.get("DisableExecuteApiEndpoint")):
            return f"{name} gets a public address"
        case "AWS::ApiGateway::RestApi":
            private = "PRIVATE" in properties.get("EndpointConfiguration", {}).get("Types", ())
            return None if private else f"{name} gets a public address"
        case "AWS::ApiGatewayV2::DomainName" | "AWS::ApiGateway::DomainName":
            return f"{properties.get('DomainName')} answers on the internet"
        case "AWS::CloudFront::Distribution" if _true(properties.get("DistributionConfig", {}).get("Enabled")):
            return f"{name} is served to everyone by CloudFront"
        case "AWS::ElasticLoadBalancingV2::LoadBalancer" | "AWS::ElasticLoadBalancing::LoadBalancer":
            internal = properties.get("Scheme") == "internal"
            return None if internal else f"the load balancer of {name} faces the internet"
        case "AWS::Lambda::Url" if properties.get("AuthType") == "NONE":
            return f"everyone may call {name} by its function URL"
        case "AWS::RDS::DBInstance" if _true(properties.get("PubliclyAccessible")):
            return f"the database {name} gets a public address"
        case "AWS::Cognito::UserPoolDomain":
            return f"{name} gets public sign-in pages"
        case "AWS::S3::Bucket" if properties.get("AccessControl") in _PUBLIC_ACLS:
            return f"everyone may read the bucket {name}"
    return None


def _open_routes(before: Landscape, after: Landscape) -> Iterator[Consequence]:
    """Routes of public APIs that ask nobody who they are."""
    was = {_route(item, before): item for item in before.of(_ROUTE, _METHOD)}
    for item in after.of(_ROUTE, _METHOD):
        api = after.referred(item.properties.get("ApiId", item.properties.get("RestApiId")))
        if api is not None and _endpoint(api) is None:
            continue
        old = was.get(_route(item, after))
        if not _is_open(item) or (old is not None and _is_open(old)):
            continue
        route, name = _route(item, after)[1], api.name if api else "an API"
        if old is None:
            yield _public(item, f"everyone may call {name}", (route,))
        else:
            yield _public(item, f"{name} does not ask any more who calls", (route,))


def _route(item: Item, side: Landscape) -> tuple[str, str]:
    properties = item.properties
    if item.type == _METHOD:
        return str(
            properties.get("RestApiId")
        ), f"{properties.get('HttpMethod')} {side.spoken(str(properties.get('ResourceId')))}"
    return str(properties.get("ApiId")), str(properties.get("RouteKey"))


def _is_open(item: Item) -> bool:
    return item.properties.get("AuthorizationType", "NONE") == "NONE" and not _true(
        item.properties.get("ApiKeyRequired")
    )


def _unblocked(before: Landscape, after: Landscape) -> Iterator[Consequence]:
    """Buckets that do not refuse public policies and lists any more.

    A new bucket without a word about it refuses them; one that loses the word does not (Amazon S3 User Guide, "Default
    settings for new S3 buckets"; AWS::S3::Bucket, PublicAccessBlockConfiguration).
    """
    for item in after.of("AWS::S3::Bucket"):
        old = before.items.get(item.logical_id)
        missing = set(_missing(item.properties, new=old is None))
        if old is not None:
            missing -= set(_missing(old.properties, new=True))
        if missing:
            text = (
                f"the bucket {item.name} does not refuse public access any more"
                if old
                else f"the bucket {item.name} does not refuse public access"
            )
            yield _public(item, text, tuple(sorted(missing)))


def _missing(properties: Mapping[str, Any], *, new: bool) -> list[str]:
    block = properties.get("PublicAccessBlockConfiguration")
    if block is None:
        return [] if new else list(_BLOCKS)
    return [name for name in _BLOCKS if not _true(block.get(name))]


def _public(item: Item, text: str, details: tuple[str, ...] = ()) -> Consequence:
    return Consequence("public", text, item.stack, item.logical_id, item.construct, details)


def _true(value: Any) -> bool:
    return str(value).lower() == "true"
