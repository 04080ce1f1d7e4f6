"""The network, only as far as some path needs it.

Input: who must reach whom (the pairs' `needs`) and which implementations live inside. Output: the VPC and its subnets
in two availability zones, one security group per inhabitant, one rule per path, and the cheapest egress that gives
every inhabitant the AWS services it needs: one NAT gateway when containers run (one in each zone when the availability
required of something needs it), else interface endpoints for exactly the services named. Nothing is made when nothing
lives inside.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from klotho.application import Construct, ConstructId
from klotho.catalogue.adoption import makes_rules
from klotho.catalogue.availability import must_spread
from klotho.catalogue.kinds.network import KIND as NETWORK
from klotho.catalogue.kinds.network import network_plan
from klotho.catalogue.network import (
    GATEWAY_SERVICES,
    PRIVATE_SUBNETS,
    NetworkPlan,
    adopted_network,
    egress_by_endpoints,
    egress_by_nat_gateway,
    endpoint_rule,
    ingress_from,
    private_network,
    security_group,
    security_group_key,
    shared_ingress,
)
from klotho.catalogue.rules import Link, NetworkPlace, PathTo, Placement, ServiceNeed
from klotho.catalogue.unavailable import unavailable
from klotho.catalogue.ways_out import amounts, internet_required, nat_is_paid, wants_internet
from klotho.engine.context import Context, attributed, because_of, because_of_link
from klotho.resources import (
    APPLICATION,
    Change,
    Choose,
    DependsOn,
    Precedence,
    Provenance,
    Ref,
    Rejected,
    ResourceGraph,
    ResourceKey,
    owner_of,
)

EGRESS = ResourceKey("shared/egress:implementation")
_NO_LOSS = "costs more, and nothing is required to survive a zone's loss"
_AWS_ONLY = "leads to AWS services only, and containers may call the internet"


class _Needs(NamedTuple):
    paths: tuple[tuple[Link, PathTo], ...]
    services: dict[ConstructId, set[str]]
    """AWS services each inhabitant must reach by itself."""
    beside: dict[ResourceKey, set[str]]
    """AWS services that security groups of something beside an inhabitant must reach."""
    users: dict[ResourceKey, ResourceKey]
    """By such a group: what reaches them from there."""


def place_in_network(graph: ResourceGraph, context: Context) -> Iterator[Change]:
    """Network resources, and each inhabitant's place in it."""
    inhabitants = _inhabitants(context)
    if not inhabitants:
        return
    needs = _needs(context, inhabitants)
    stated = next((item for item, _ in context.resolved if item.kind == NETWORK), None)
    asked = network_plan(stated, context.setting)
    plan = _for_availability(asked, context, inhabitants, needs)
    if plan.adopted:  # with the ways out it has
        yield from attributed(_shared_provenance(inhabitants, "adopted_network"), adopted_network(plan))
    else:
        yield from attributed(_shared_provenance(inhabitants, "private_network"), private_network(plan))
        yield from _egress(plan, asked.egress != "auto", context, inhabitants, needs)
    for construct in inhabitants:
        yield from _settle(construct, context)
    for link, path in needs.paths:
        yield from _path(link, path, context)


def _inhabitants(context: Context) -> list[Construct]:
    """Constructs that live inside, in program order: those that always do, and those with a path to one of them."""
    inside = (Placement.INSIDE, Placement.THERE)
    always = {item.id for item, choice in context.resolved if choice.placement in inside}
    drawn = {
        link.actor.id
        for link, pair in context.links
        if link.target.id in always
        and context.chosen[link.actor.id].placement is Placement.IF_NEEDED
        and any(isinstance(need, PathTo) for need in pair.needs(link))
    }
    ours = (item for item, _ in context.resolved if context.setting.foreign(item) is None)
    return [item for item in ours if item.id in always | drawn]


def _needs(context: Context, inhabitants: list[Construct]) -> _Needs:
    inside = {construct.id for construct in inhabitants}
    services: dict[ConstructId, set[str]] = {}
    beside: dict[ResourceKey, set[str]] = {}
    users: dict[ResourceKey, ResourceKey] = {}
    paths = []
    for construct in inhabitants:
        own = tuple(context.chosen[construct.id].needs(construct, context.setting))
        services[construct.id] = {need.service for need in own if need.group is None}
        _note_beside(own, beside, users)
    for link, pair in context.links:
        asked = tuple(pair.needs(link))
        _note_beside((need for need in asked if isinstance(need, ServiceNeed)), beside, users)
        if link.actor.id not in inside:
            continue
        services[link.actor.id] |= {item.service for item in asked if isinstance(item, ServiceNeed) and not item.group}
        if makes_rules(link.target, context.setting):
            paths += [(link, need) for need in asked if isinstance(need, PathTo)]
    return _Needs(tuple(paths), services, beside, users)


def _note_beside(
    needs: Iterable[ServiceNeed], beside: dict[ResourceKey, set[str]], users: dict[ResourceKey, ResourceKey]
) -> None:
    """What must be reached from a security group of its own, and by whom."""
    for need in needs:
        if need.group is not None:
            beside.setdefault(need.group, set()).add(need.service)
            if need.user is not None:
                users[need.group] = need.user


def _for_availability(plan: NetworkPlan, context: Context, inhabitants: list[Construct], needs: _Needs) -> NetworkPlan:
    """A NAT gateway in each zone when something must survive the loss of one; what the program says of it stays."""
    spread = any(must_spread(item, context.setting) for item in inhabitants)
    if spread and plan.egress == "auto" and _needs_nat(context, inhabitants, needs):
        return plan._replace(egress="nat-per-zone")
    return plan


def _needs_nat(context: Context, inhabitants: list[Construct], needs: _Needs) -> list[Construct]:
    """Those that must reach the internet, and AWS services anyway."""
    return [
        item
        for item in inhabitants
        if needs.services[item.id] and wants_internet(item, context.chosen[item.id], context.application)
    ]


def _egress(
    plan: NetworkPlan, stated: bool, context: Context, inhabitants: list[Construct], needs: _Needs
) -> Iterator[Change]:
    asked = (*needs.services.values(), *needs.beside.values())
    wanted = sorted({service for services in asked for service in services})
    containers = _needs_nat(context, inhabitants, needs)
    there = bool(wanted) and not stated and not containers and nat_is_paid(context.paid)
    if wanted:
        yield _way_out(plan, stated, containers, wanted, context)
    if plan.nat_wanted or (plan.egress == "auto" and (containers or there)):
        provenance = _shared_provenance(containers or inhabitants, "egress_by_nat_gateway")
        yield from attributed(provenance, egress_by_nat_gateway(plan, wanted))
    elif wanted:
        users = [item for item in inhabitants if needs.services[item.id]]
        owners = {owner_of(group) for group in needs.beside}
        named = [item for item in inhabitants if needs.services[item.id] or item.id in owners]
        groups = [*dict.fromkeys(_group(item, context) for item in users), *needs.beside]
        provenance = _shared_provenance(named, "egress_by_endpoints")
        yield from attributed(provenance, egress_by_endpoints(plan, wanted, groups))
        if any(service not in GATEWAY_SERVICES for service in wanted):
            waits = (DependsOn(user, endpoint_rule(group)) for group, user in needs.users.items())
            yield from attributed(provenance, waits)


def _way_out(
    plan: NetworkPlan, stated: bool, containers: list[Construct], wanted: list[str], context: Context
) -> Change:
    """The way out that is made, and the others with their cost and why they are not it. `stated`: by the program."""
    there = not stated and not containers and nat_is_paid(context.paid)
    taken = plan.egress if plan.egress != "auto" else "nat" if containers or there else "endpoints"
    costs = amounts(wanted, context.worths, plan)
    spans = tuple(item.span for item in containers if item.span)
    asked = [item for item in containers if internet_required(item, context.application)]
    if stated:
        reason = Provenance("network_egress", spans, f'`egress="{taken}"` of the network', Precedence.DIRECTIVE)
        why = dict.fromkeys(costs, f'`egress="{taken}"` asks for another one')
    elif taken == "nat-per-zone":
        reason = Provenance("egress_in_each_zone", spans, "a zone may be lost", Precedence.REQUIREMENT)
        why = {"nat": "is lost with its zone, and something must survive that", "endpoints": _AWS_ONLY}
    elif asked:
        reason = Provenance("egress_required", spans, "the internet is required", Precedence.REQUIREMENT)
        why = {"nat-per-zone": _NO_LOSS, "endpoints": "leads to AWS services only, and the internet is required"}
    elif containers:
        reason = Provenance("egress_of_containers", spans, "containers may call the internet", Precedence.DEFAULT)
        why = {"nat-per-zone": _NO_LOSS, "endpoints": _AWS_ONLY}
    elif there:
        said = "another application of the project has a NAT gateway, which their subnets lead to"
        reason = Provenance("egress_of_the_project", spans, said, Precedence.DEFAULT)
        why = {"nat-per-zone": _NO_LOSS, "endpoints": "would be paid besides what the project pays already"}
    else:
        reason = Provenance("egress_of_functions", spans, "only AWS services have to be reached", Precedence.DEFAULT)
        why = dict.fromkeys(costs, "opens the internet to code that nobody said needs it")
    rejected = [Rejected(name, why[name], amount) for name, amount in costs.items() if name != taken]
    rejected += [Rejected(name, why_not) for name, why_not in unavailable(NETWORK).items()]
    return Change(Choose(EGRESS, taken, tuple(rejected), costs[taken]), reason)


def _path(link: Link, path: PathTo, context: Context) -> Iterator[Change]:
    """The actor's rule; of actors that share a group the one rule for all of them, beside what they reach."""
    group = context.chosen[link.actor.id].group
    if group is None:
        actions = ingress_from(link.actor, link.target, path.port)
        yield from attributed(because_of_link(link, ingress_from), actions)
        return
    ours = context.setting.foreign(link.target) is None and context.setting.adopted(link.target) is None
    actions = shared_ingress(group, link.target.id if ours else APPLICATION, link.target, path.port)
    yield from attributed(because_of_link(link, shared_ingress), actions)


def _settle(construct: Construct, context: Context) -> Iterator[Change]:
    implementation = context.chosen[construct.id]
    if implementation.placement is not Placement.THERE and implementation.group is None:  # which has one
        yield from attributed(because_of(construct, security_group), security_group(construct))
    if implementation.enter_network is not None:
        place = NetworkPlace(PRIVATE_SUBNETS, Ref(_group(construct, context), "GroupId"))
        actions = implementation.enter_network(construct, place, context.setting)
        yield from attributed(because_of(construct, implementation.enter_network), actions)


def _group(construct: Construct, context: Context) -> ResourceKey:
    return context.chosen[construct.id].group or security_group_key(construct)


def _shared_provenance(constructs: list[Construct], rule: str) -> Provenance:
    """Everyone who needs it is named, so that `explain` can say who would have to go for it to go."""
    spans = tuple(construct.span for construct in constructs if construct.span)
    names = ", ".join(construct.title for construct in constructs[:3])
    more = f" and {len(constructs) - 3} more" if len(constructs) > 3 else ""
    return Provenance(rule, spans, f"{names}{more}")
