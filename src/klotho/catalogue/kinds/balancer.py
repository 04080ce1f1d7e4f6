"""What APIs made of an Application Load Balancer have in common, whoever reaches them.

Rules belong to the services attached (`relationships/attach_private.py`); what no rule matches is answered with 404.
Sources: Elastic Load Balancing, Application Load Balancers (attributes, listener rules, quotas).
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Any

from klotho.application import Construct, Relationship
from klotho.application.access import ATTACH
from klotho.application.routes import Route
from klotho.catalogue.rules import Setting
from klotho.resources import AddResource, Ref, ResourceKey, resource_key
from klotho.resources.changes import Action

INTERNAL, PUBLIC = "internal-alb", "public-alb"
NOT_FOUND = {
    "Type": "fixed-response",
    "FixedResponseConfig": {
        "ContentType": "application/json",
        "MessageBody": '{"message":"Not Found"}',
        "StatusCode": "404",
    },
}
DEEPEST = 12
"""The most segments of a route: each length has its own range of priorities."""
IDLE_S, LONGEST_IDLE_S = 60, 4000
"""How long a load balancer waits for the next byte, by default and at most."""
_SPARE_S = 5


def balancer_key(construct: Construct) -> ResourceKey:
    return resource_key(construct.id, "balancer")


def listener_key(construct: Construct) -> ResourceKey:
    """What listens by plain HTTP."""
    return resource_key(construct.id, "listener")


def tls_listener_key(construct: Construct) -> ResourceKey:
    return resource_key(construct.id, "tls-listener")


def on_balancer(construct: Construct, setting: Setting) -> bool:
    """Whether this API is a load balancer."""
    chosen = setting.choices.get(construct.id)  # none for one that nothing fits, which is told where it is chosen
    return chosen is not None and chosen.name in (INTERNAL, PUBLIC)


def elsewhere(construct: Construct, setting: Setting, host: str) -> Iterator[Relationship]:
    """Attachments of services that something else runs than this host (`Compute.host`)."""
    for item in setting.application.relationships_of(construct.id):
        chosen = setting.choices.get(item.target)
        if item.verb == ATTACH and chosen is not None and chosen.compute is not None and chosen.compute.host != host:
            yield item


def balancer(construct: Construct, setting: Setting, scheme: str) -> Iterator[Action]:
    """The load balancer; a longer answer than its default asks it to wait longer."""
    # A header that is none can smuggle a second request past the rules.
    attributes = [{"Key": "routing.http.drop_invalid_header_fields.enabled", "Value": "true"}]
    needed = setting.application.requirements_of(construct.id).get("max_duration_s")
    seconds = 0 if needed is None else ceil(float(str(needed.value))) + _SPARE_S
    if seconds > IDLE_S:
        value = str(min(seconds, LONGEST_IDLE_S))
        attributes.append({"Key": "idle_timeout.timeout_seconds", "Value": value})
    yield AddResource(
        balancer_key(construct),
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        {
            "Type": "application",
            "Scheme": scheme,
            "IpAddressType": "ipv4",
            "LoadBalancerAttributes": attributes,
        },
    )


def listener(construct: Construct, key: ResourceKey, port: int, **more: Any) -> AddResource:
    """A listener, by default by plain HTTP and with 404 for what no rule matches."""
    properties = {"Port": port, "Protocol": "HTTP", "DefaultActions": [NOT_FOUND], **more}
    reference = Ref(balancer_key(construct))
    return AddResource(key, "AWS::ElasticLoadBalancingV2::Listener", {"LoadBalancerArn": reference, **properties})


def paths_of(route: Route) -> tuple[str, ...]:
    """The patterns for a route and everything below it; the names of parameters mean nothing to a load balancer."""
    text = "/".join("*" if segment.startswith("{") else segment for segment in route.segments)
    if not route.segments:
        return ("/*",)
    return (f"/{text}",) if text.endswith("*") else (f"/{text}", f"/{text}/*")


def unsayable(route: Route) -> tuple[str, str] | None:
    """Why a listener rule can't say this route, and what to do; None when it can."""
    parameters = [index for index, segment in enumerate(route.segments) if segment.startswith("{")]
    if any(index < len(route.segments) - 1 for index in parameters):
        why = "its load balancer's wildcard also matches `/`, so a parameter in the middle would match other routes too"
        return why, "let the parameter be the last segment"
    if len(route.segments) > DEEPEST:
        return f"it takes routes of up to {DEEPEST} segments", "shorten the route"
    if any(len(path) > 128 for path in paths_of(route)) or "*" in route.text or "?" in route.text:
        return "it takes paths of up to 128 characters, in which `*` and `?` are wildcards", "change the route"
    return None
