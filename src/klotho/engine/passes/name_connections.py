"""How things reach each other, said as choices: into the network, from service to service, and into databases.

Yields choices and makes nothing: what is taken follows from what APIs, callers and databases were made of, and this
says it, with what it costs, what else there is, and what leads to that. Looks at the finished network.
"""

from __future__ import annotations

from collections.abc import Iterator

from klotho.application import Construct, ConstructId, Relationship
from klotho.application.access import ATTACH
from klotho.catalogue.kinds.shared import VPC_LINK, namespace, vpc_link
from klotho.catalogue.logins import IAM, SECRET, WAYS, login_of
from klotho.catalogue.sql_roles import by_iam
from klotho.catalogue.unavailable import unavailable
from klotho.diagnostics import Span
from klotho.engine.context import Context
from klotho.resources import (
    SHARED,
    AddResource,
    Change,
    Choose,
    Precedence,
    Provenance,
    Rejected,
    ResourceGraph,
    ResourceKey,
    resource_key,
    shared_key,
)

INGRESS = ResourceKey("shared/ingress:implementation")
BETWEEN_CONTAINERS = ResourceKey("shared/calls-of-containers:implementation")
FROM_FUNCTIONS = ResourceKey("shared/calls-of-functions:implementation")
_ON_ECS = ("fargate", "fargate-spot")
_CONTAINER = "Compute.Container"


def name_connections(graph: ResourceGraph, context: Context) -> Iterator[Change]:
    """How things reach each other follows from what APIs, callers and databases were made of."""
    if VPC_LINK in graph:
        yield _ingress(context)
    yield from _calls(context)
    databases = [item for item in context.application.constructs if item.kind in WAYS and _is_made_here(item, context)]
    if databases:
        secret = AddResource(shared_key("login"), "AWS::SecretsManager::Secret", {})
        password = context.worths.priced((secret,), SHARED).own
        yield from (_login(item, password, context) for item in databases)


def _ingress(context: Context) -> Change:
    led = [item for item in _between(ATTACH, context) if context.application.by_id[item.target].kind == _CONTAINER]
    balancer = Rejected(
        "public-alb",
        'taken by `use("public-alb")` of the API, or where it must carry more than an HTTP API does',
        _balancer(context, "internet-facing"),
    )
    never = Rejected("nlb", unavailable("API")["nlb"])
    cost = context.worths.priced((*vpc_link(), *namespace(context.setting)), SHARED).own
    why = Provenance("name_connections", _lines(led), "HTTP APIs reach containers by Cloud Map", Precedence.DEFAULT)
    return Change(Choose(INGRESS, "vpc-link", (balancer, never), cost), why)


def _calls(context: Context) -> Iterator[Change]:
    """Containers call each other by Service Connect; what can't join that looks them up."""
    called = [item for item in _between("calls", context) if _on_ecs(item.target, context)]
    containers = [item for item in called if _on_ecs(item.actor, context)]
    others = [item for item in called if not _on_ecs(item.actor, context)]
    if not called:
        return
    zone = context.worths.priced(tuple(namespace(context.setting)), SHARED).own
    balancer = Rejected(
        "internal-alb", "`API(public=False)` puts one between, if you want it", _balancer(context, "internal")
    )
    if containers:
        look_up = "what was looked up is still called for seconds after its task has gone; taken for what can't join"
        rejected = (Rejected("cloud-map", look_up, zone), balancer)
        why = Provenance("name_connections", _lines(containers), "who calls and who is called run on ECS")
        yield Change(Choose(BETWEEN_CONTAINERS, "service-connect", rejected, zone), why)
    if others:
        rejected = (Rejected("service-connect", "only containers on ECS can join it", zone), balancer)
        why = Provenance("name_connections", _lines(others), "only containers on ECS can join Service Connect")
        yield Change(Choose(FROM_FUNCTIONS, "cloud-map", rejected, zone), why)


def _login(construct: Construct, password: int, context: Context) -> Change:
    """A generated password for each service that uses the database, or tokens."""
    users = {item.actor for item in context.application.relationships_on(construct.id)}
    costs = {SECRET: password * len(users), IAM: 0}
    tokens = by_iam(construct, context.setting)
    taken, other = (IAM, SECRET) if tokens else (SECRET, IAM)
    never = unavailable(login_of(construct.kind))
    reasons = {SECRET: '`login="iam"` asks for tokens', IAM: 'each connection needs a new token; by `login="iam"`'}
    rejected = Rejected(other, never.get(other, reasons[other]), None if other in never else costs[other])
    said = construct.place("login") if tokens else construct.span
    precedence = Precedence.DIRECTIVE if tokens else Precedence.DEFAULT
    why = Provenance(
        "name_connections",
        (said,) if said else (),
        "`login=` asks for tokens" if tokens else "no `login=` asks for anything else",
        precedence,
    )
    return Change(
        Choose(resource_key(f"{construct.id}#login", "implementation"), taken, (rejected,), costs[taken]), why
    )


def _balancer(context: Context, scheme: str) -> int:
    properties = {"Type": "application", "Scheme": scheme, "Subnets": ["", ""]}
    made = AddResource(shared_key("balancer"), "AWS::ElasticLoadBalancingV2::LoadBalancer", properties)
    return context.worths.priced((made,), SHARED).own


def _between(verb: str, context: Context) -> list[Relationship]:
    application = context.application
    return [item for item in application.relationships if item.verb == verb and item.target in application.by_id]


def _on_ecs(name: ConstructId, context: Context) -> bool:
    chosen = context.chosen.get(name)
    return chosen is not None and chosen.kind == _CONTAINER and chosen.name in _ON_ECS


def _is_made_here(construct: Construct, context: Context) -> bool:
    """It is this application's, and none that was there before."""
    ours = construct.id in context.chosen and construct.id not in context.foreign
    return ours and context.setting.adopted(construct) is None


def _lines(relationships: list[Relationship]) -> tuple[Span, ...]:
    return tuple(item.span for item in relationships if item.span)
