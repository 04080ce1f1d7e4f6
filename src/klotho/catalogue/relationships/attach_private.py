"""Services attached to a private API: a target group, and listener rules for the route and everything below it.

Everything made here belongs to the service, as with public APIs. Rules are matched in the order of their priorities, so
a route's priority says how specific it is: more segments first, a plain segment before a parameter, one method before
all. It follows from the route (a hash tells routes of the same rank apart; where two meet, the later one by name
goes on to the next number), so that a new route leaves the others' rules as they are. Source: Elastic Load Balancing,
"Listener rules" (5 values in a rule's conditions, priorities 1 to 50000), "Lambda functions as targets"; ECS Developer
Guide, "Use an Application Load Balancer".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from klotho.application import Construct, Relationship
from klotho.application.routes import Route, methods_of, parse_route
from klotho.catalogue.kinds.container import MAIN, service_key
from klotho.catalogue.kinds.container_ports import main_port
from klotho.catalogue.kinds.function import function_key
from klotho.catalogue.kinds.internal_alb import first_priority, listener_key
from klotho.catalogue.network import VPC, ingress_from_group, security_group_key
from klotho.catalogue.rules import Link, Setting
from klotho.diagnostics import Report
from klotho.resources import AddItem, AddResource, DependsOn, Pseudo, Ref, ResourceKey, join, resource_key
from klotho.resources.changes import Action
from klotho.resources.naming import dashed, short_hash, stack_name

DEEPEST = 12
"""The most segments of a private API's route: each length has its own range of priorities."""
FUNCTION_HEALTH = "/_klotho/health"
"""Where the server of a function on Fargate answers by itself (`handler_host/requests.py`)."""
_METHODS_A_RULE = 3
"""Two of a rule's five values are its paths."""
_RANKS = (DEEPEST + 1) * 4


class Rule(NamedTuple):
    """One listener rule."""

    name: str
    """Tells it from the others of its API: service, methods and route."""
    paths: tuple[str, ...]
    methods: tuple[str, ...]
    """Empty for all."""
    rank: int
    """Lower is matched earlier."""


def attach_private_function(link: Link) -> Iterator[Action]:
    """A target group that invokes the function, which lets it in by its name: the ARN is not known before."""
    group = _group_key(link)
    name = group_name(link)
    permission = resource_key(link.target.id, f"permission-of-{link.actor.name}")
    function = Ref(function_key(link.target), "Arn")
    place = (Pseudo("AWS::Partition"), ":elasticloadbalancing:", Pseudo("AWS::Region"), ":", Pseudo("AWS::AccountId"))
    yield AddResource(
        permission,
        "AWS::Lambda::Permission",
        {
            "Action": "lambda:InvokeFunction",
            "FunctionName": function,
            "Principal": "elasticloadbalancing.amazonaws.com",
            "SourceArn": join("arn:", *place, f":targetgroup/{name}/*"),
        },
    )
    yield AddResource(
        group,
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        {"Name": name, "TargetType": "lambda", "Targets": [{"Id": function}]},
    )
    # Registering a function that does not let the group in fails.
    yield DependsOn(group, permission)
    yield from _rules(link, group)


def attach_private_container(link: Link) -> Iterator[Action]:
    """A target group that ECS keeps filled with the addresses of running tasks."""
    group, port = _group_key(link), main_port(link.target, link.setting)
    function = link.target.kind == "Compute.Function"
    health = FUNCTION_HEALTH if function else link.setting.parameter(link.target, "health_check")
    yield AddResource(
        group,
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        {
            "TargetType": "ip",
            "VpcId": Ref(VPC, "VpcId"),
            "Protocol": "HTTP",
            "Port": port,
            "HealthCheckPath": health or "/",
            # Without a path that is known to be healthy, any answer shows that somebody is there.
            "Matcher": {"HttpCode": "200-299" if health else "200-499"},
        },
    )
    source = Ref(security_group_key(link.actor), "GroupId")
    yield from ingress_from_group(link.target.id, f"reached-by-{link.actor.name}-{port}", source, link.target, port)
    balancer = {"ContainerName": MAIN, "ContainerPort": port, "TargetGroupArn": Ref(group)}
    yield AddItem(service_key(link.target), ("LoadBalancers",), link.actor.name, balancer)
    for rule in _rules(link, group):
        yield rule
        if isinstance(rule, AddResource):
            # ECS takes a target group only once a listener leads to it.
            yield DependsOn(service_key(link.target), rule.key)


def group_name(link: Link) -> str:
    """At most 32 characters, the same for every deployment of this environment."""
    setting = link.setting
    full = stack_name(setting.application.project, setting.application.name, setting.environment, link.target.name)
    return f"{dashed(link.target.name, 20)}-{short_hash(f'{full}/{link.actor.name}', 8)}"


def check_private_route(link: Link, report: Report) -> None:
    """Refuse what a listener rule can't say."""
    route = parse_route(str(link.get("route", "/")))
    parameters = [index for index, segment in enumerate(route.segments) if segment.startswith("{")]
    if any(index < len(route.segments) - 1 for index in parameters):
        why = "its load balancer's wildcard also matches `/`, so a parameter in the middle would match other routes too"
        _refuse(link, route, why, "let the parameter be the last segment", report)
    elif len(route.segments) > DEEPEST:
        _refuse(link, route, f"it takes routes of up to {DEEPEST} segments", "shorten the route", report)
    elif any(len(path) > 128 for path in _paths(route)) or "*" in route.text or "?" in route.text:
        why = "it takes paths of up to 128 characters, in which `*` and `?` are wildcards"
        _refuse(link, route, why, "change the route", report)


def _refuse(link: Link, route: Route, why: str, what: str, report: Report) -> None:
    report.error(
        "private-api",
        f"`{route.text}` can't be a route of {link.actor.title}, which is private",
        link.relationship.span,
        notes=[why],
        helps=[what],
    )


def rules_of(relationship: Relationship) -> list[Rule]:
    """The rules an attachment needs, without their priorities."""
    route = parse_route(str(relationship.properties.get("route", "/")))
    methods = sorted(methods_of(relationship.properties))
    groups = (
        [()] if methods == ["ANY"] else [tuple(methods[i : i + _METHODS_A_RULE]) for i in range(0, len(methods), 3)]
    )
    literal = not (route.segments and route.segments[-1].startswith("{"))
    found = []
    for group in groups:
        rank = (DEEPEST - len(route.segments)) * 4 + (0 if literal else 2) + (0 if group else 1)
        name = f"{relationship.target} {'+'.join(group) or 'ANY'} {route.text}"
        found.append(Rule(name, _paths(route), group, rank))
    return found


def priorities(construct: Construct, setting: Setting) -> dict[str, int]:
    """The priority of every rule of an API, by the rule's name."""
    attached = [item for item in setting.application.relationships_of(construct.id) if item.verb == "attach_service"]
    begin = first_priority(construct, setting)
    slots = (50_001 - begin) // _RANKS
    found: dict[str, int] = {}
    taken: set[int] = set()
    for rule in sorted((rule for item in attached for rule in rules_of(item)), key=lambda rule: (rule.rank, rule.name)):
        first = rule.rank * slots + begin
        slot = int.from_bytes(hashlib.sha256(rule.name.encode()).digest()[:4], "big") % slots
        while first + slot in taken:
            slot = (slot + 1) % slots
        taken.add(first + slot)
        found[rule.name] = first + slot
    return found


def _paths(route: Route) -> tuple[str, ...]:
    """The patterns for a route and everything below it; the names of parameters mean nothing to a load balancer."""
    text = "/".join("*" if segment.startswith("{") else segment for segment in route.segments)
    if not route.segments:
        return ("/*",)
    return (f"/{text}",) if text.endswith("*") else (f"/{text}", f"/{text}/*")


def _rules(link: Link, group: ResourceKey) -> Iterator[Action]:
    numbers = priorities(link.actor, link.setting)
    for rule in rules_of(link.relationship):
        conditions: list[dict[str, Any]] = [
            {"Field": "path-pattern", "PathPatternConfig": {"Values": list(rule.paths)}},
        ]
        if rule.methods:
            conditions.append(
                {"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": list(rule.methods)}}
            )
        yield AddResource(
            resource_key(link.target.id, f"rule-{link.actor.name}-{rule.name.partition(' ')[2]}"),
            "AWS::ElasticLoadBalancingV2::ListenerRule",
            {
                "ListenerArn": Ref(listener_key(link.actor)),
                "Priority": numbers[rule.name],
                "Conditions": conditions,
                "Actions": [{"Type": "forward", "TargetGroupArn": Ref(group)}],
            },
        )


def _group_key(link: Link) -> ResourceKey:
    """One target group per API and service, however many routes lead to it."""
    return resource_key(link.target.id, f"targets-of-{link.actor.name}")
