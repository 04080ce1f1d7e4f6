"""Services attached to an API.

The attachment's resources (integration, routes, permission) belong to the service, so that a changed route touches the
service's stack only, and a service may use the API's address without a circle. Source: API Gateway Developer Guide
(route keys and their priority, Lambda proxy integrations 2.0, private integrations by Cloud Map).
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from klotho.application.access import ATTACH, GuardedKey, guarded_keys, route_count
from klotho.catalogue.adoption import fact_of, makes_rules
from klotho.catalogue.foreign import guarded
from klotho.catalogue.kinds.balancer import PUBLIC, on_balancer
from klotho.catalogue.kinds.container import discovery_key, registered, service_key
from klotho.catalogue.kinds.container_ports import main_port, named_ports
from klotho.catalogue.kinds.function import function_key
from klotho.catalogue.kinds.function_url import NAME as FUNCTION_URL
from klotho.catalogue.kinds.http_api import api_key
from klotho.catalogue.kinds.internal_alb import is_private
from klotho.catalogue.kinds.shared import VPC_LINK, VPC_LINK_GROUP, vpc_link
from klotho.catalogue.network import ingress_from_group
from klotho.catalogue.relationships.attach_private import (
    attach_private_container,
    attach_private_function,
    check_private_route,
)
from klotho.catalogue.relationships.authenticate import ASKED, authorization
from klotho.catalogue.relationships.vouching import tell_who_vouches
from klotho.catalogue.rules import ECS, LAMBDA, Link, Pair
from klotho.diagnostics import Report
from klotho.resources import AddResource, DependsOn, Pseudo, Ref, ResourceKey, is_deferred, join, resource_key
from klotho.resources.changes import Action
from klotho.resources.naming import environment_suffix, short_hash


def attach_function(link: Link) -> Iterator[Action]:
    """Lambda proxy integration with payload 2.0, and the API's permission to invoke; a container's adapter takes it."""
    if on_balancer(link.actor, link.setting):
        yield from attach_private_function(link)
        return
    if link.setting.implementation(link.actor).name == FUNCTION_URL:  # the API leads there by itself
        return
    function, api = Ref(function_key(link.target), "Arn"), Ref(api_key(link.actor))
    integration = integration_key(link)
    yield AddResource(
        integration,
        "AWS::ApiGatewayV2::Integration",
        {
            "ApiId": api,
            "IntegrationType": "AWS_PROXY",
            "IntegrationUri": function,
            "PayloadFormatVersion": "2.0",
        },
    )
    place = (Pseudo("AWS::Partition"), ":execute-api:", Pseudo("AWS::Region"), ":", Pseudo("AWS::AccountId"), ":")
    yield AddResource(
        resource_key(link.target.id, f"permission-of-{link.actor.name}"),
        "AWS::Lambda::Permission",
        {
            "Action": "lambda:InvokeFunction",
            "FunctionName": function,
            "Principal": "apigateway.amazonaws.com",
            "SourceArn": join("arn:", *place, api, "/*"),
        },
    )
    yield from tell_who_vouches(link)
    for key in keys_of(link):
        yield from routes(link, key, integration)


def attach_container(link: Link) -> Iterator[Action]:
    """A private integration through the VPC link; the container is found in Cloud Map."""
    if on_balancer(link.actor, link.setting):
        yield from attach_private_container(link)
        return
    adopted = link.setting.adopted(link.target) is not None
    if not adopted:
        yield from registered(link.target, link.setting)
    yield from vpc_link()
    port = fact_of(link.target, link.setting, "port") if adopted else main_port(link.target, link.setting)
    if makes_rules(link.target, link.setting):
        group, role = Ref(VPC_LINK_GROUP, "GroupId"), f"reached-by-apis-{'port' if is_deferred(port) else port}"
        yield from ingress_from_group(link.target.id, role, group, link.target, port)
    yield from tell_who_vouches(link)
    if link.target.kind == "Compute.Function":
        yield _told_routes(link)
    for key in keys_of(link):
        integration = ResourceKey(f"{integration_key(link)}{vouched_ending(link, key)}")
        yield AddResource(
            integration,
            "AWS::ApiGatewayV2::Integration",
            {
                "ApiId": Ref(api_key(link.actor)),
                "IntegrationType": "HTTP_PROXY",
                "IntegrationMethod": "ANY",
                "ConnectionType": "VPC_LINK",
                "ConnectionId": Ref(VPC_LINK),
                "IntegrationUri": Ref(discovery_key(link.target), "Arn"),
                "PayloadFormatVersion": "1.0",
                # Always overwritten, so that no client can say that somebody vouched for it.
                "RequestParameters": {f"overwrite:header.{VOUCHED_HEADER}": vouched(link, key)},
            },
        )
        # The route opens when somebody is there to answer.
        yield DependsOn(integration, service_key(link.target))
        yield from routes(link, key, integration)


def _told_routes(link: Link) -> Action:
    """What its server makes of a path: the route key and its parameters, which a function finds in its event."""
    keys = [f"{key.method} {path}" for key in keys_of(link) for path in paths_of(key)]
    route = short_hash(f"{link.get('route', '/')} {link.get('methods')}")
    name = f"KLOTHO_ROUTES_{environment_suffix(link.actor.label)}_{route.upper()}"
    return link.setting.compute(link.target).environment(link.target, name, json.dumps(sorted(keys)))


def paths_of(key: GuardedKey) -> tuple[str, str]:
    """The route itself, and everything below it."""
    return key.route.text, f"{key.route.text.rstrip('/')}/{{proxy+}}"


VOUCHED_HEADER = "x-klotho-caller"
"""Tells a container who vouched for the caller: `jwt` for a token, which then stands in `Authorization`; `function`
for a function or container that was asked; or `nobody`. Read by `klotho.config.caller`. Source: API Gateway Developer
Guide, "Transform API requests": a static value overwrites what the client sent; `Authorization` is reserved and passed
on as it came."""
_ENDING = {"nobody": "", "jwt": "-jwt", "function": "-function"}


def vouched_ending(link: Link, key: GuardedKey) -> str:
    """Of the integration's key."""
    return _ENDING[vouched(link, key)]


def vouched(link: Link, key: GuardedKey) -> str:
    """Who vouches for callers of this route."""
    if key.guard is None:
        return "nobody"
    return "function" if key.guard.target.partition("/")[0] in ASKED else "jwt"


def keys_of(link: Link) -> list[GuardedKey]:
    """What this attachment serves, each with the rule that guards it."""
    setting = link.setting
    cors = bool(setting.parameter(link.actor, "cors"))
    application = guarded(setting.application, link.actor.id, setting.foreign(link.actor))
    return guarded_keys(application, link.relationship, preflights=cors)


def routes(link: Link, key: GuardedKey, integration: ResourceKey) -> Iterator[Action]:
    """Route keys that serve a route and everything below it: `GET /orders` and `GET /orders/{proxy+}`."""
    for path in paths_of(key):
        yield AddResource(
            resource_key(link.target.id, f"route-{link.actor.name}-{key.method} {path}"),
            "AWS::ApiGatewayV2::Route",
            {
                "ApiId": Ref(api_key(link.actor)),
                "RouteKey": f"{key.method} {path}",
                "Target": join("integrations/", Ref(integration)),
                **authorization(key.guard),
            },
        )


def integration_key(link: Link) -> ResourceKey:
    """One integration per API and service, however many routes lead to it; for containers one per kind of caller."""
    return resource_key(link.target.id, f"integration-of-{link.actor.name}")


ROUTES_PER_API = 300
"""API Gateway's quota, which AWS raises on request. Source: "Quotas for configuring and running an HTTP API"."""


def _check_count(link: Link, report: Report) -> None:
    """Say at the attachment that exceeds the quota how many routes the whole API has; asked once for an API."""
    setting = link.setting
    application = guarded(setting.application, link.actor.id, setting.foreign(link.actor))
    attached = [item for item in application.relationships_of(link.actor.id) if item.verb == ATTACH]
    if attached[-1] is not link.relationship or setting.implementation(link.actor).name != "http-api":
        return
    cors, total, late = bool(link.setting.parameter(link.actor, "cors")), 0, None
    for item in attached:
        total += route_count(application, item, preflights=cors)
        late = item if late is None and total > ROUTES_PER_API else late
    if late is not None:
        report.warning(
            "many-routes",
            f"{link.actor.title} has {total} routes; AWS takes {ROUTES_PER_API} unless you ask for more",
            late.span,
            helps=["attach services to routes further up, or ask AWS to raise the quota `Routes per API`"],
        )


def _check_function(link: Link, report: Report) -> None:
    _check_count(link, report)
    _check_foreign(link, report)
    if is_private(link.actor):
        check_private_route(link, report)


def check_container_route(link: Link, report: Report) -> None:
    """What APIs don't carry."""
    _check_count(link, report)
    _check_foreign(link, report)
    if is_private(link.actor):
        check_private_route(link, report)
    if link.setting.adopted(link.target) is not None:
        _check_existing(link, report)
        return
    ports = named_ports(link.target, link.setting)
    if set(ports) == {"grpc"}:
        report.error(
            "senseless-protocol",
            f"{link.target.title} listens for gRPC only, which APIs do not carry",
            link.relationship.span,
            helps=['give it an HTTP port as well: `ports={"http": 8080, "grpc": 50051}`'],
        )


def _check_foreign(link: Link, report: Report) -> None:
    """A function URL leads to one function, and what a public load balancer shares is not worked out yet."""
    setting = link.setting
    made_as = setting.implementation(link.actor).name
    if setting.foreign(link.actor) is not None and made_as in (PUBLIC, FUNCTION_URL):
        report.error(
            "api-cant-carry",
            f"{link.actor.title} of another application is made as `{made_as}`, to which only its own "
            "application attaches services",
            link.relationship.span,
            helps=["attach it where the API is made, or make that an HTTP API"],
        )


def _check_existing(link: Link, report: Report) -> None:
    """A load balancer's targets are part of the ECS service."""
    if on_balancer(link.actor, link.setting):
        report.error(
            "existing-changed",
            f"{link.target.title} is there already (`existing=`): {link.actor.title}, made as a load "
            "balancer, would become one of its load balancers",
            link.relationship.span,
            helps=[f"let who needs it call it: `service.calls({link.target.name})`"],
        )


FUNCTION_ROUTE = Pair(
    verbs=("attach_service",),
    actors=("API",),
    targets=("Compute.Function", "Compute.Container"),
    target_on=(LAMBDA,),
    creates="an integration, a route for the path and one for everything below it, and the permission to invoke; "
    "for a private API a target group, listener rules and the permission; nothing for a function URL",
    connect=attach_function,
    check=_check_function,
)
CONTAINER_ROUTE = Pair(
    verbs=("attach_service",),
    actors=("API",),
    targets=("Compute.Container", "Compute.Function"),
    target_on=(ECS,),
    creates="a private integration by VPC link and Cloud Map, a route for the path and one for everything below it; "
    "for a load balancer a target group, listener rules and a security-group rule",
    connect=attach_container,
    check=check_container_route,
)
