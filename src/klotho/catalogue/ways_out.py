"""The ways out of the network that are weighed: what each costs, and who can do with which.

Input: worths, a construct, an implementation. Output: names (`nat`, `nat-per-zone`, `endpoints`), amounts in millionths
of a US dollar a month, and whether something must reach the internet. Refuses nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from klotho.application import Application, Construct
from klotho.catalogue.network import (
    GATEWAY_SERVICES,
    NetworkPlan,
    egress_by_endpoints,
    egress_by_nat_gateway,
)
from klotho.catalogue.relationships import find_pair
from klotho.catalogue.rules import Implementation, Link, PathTo, Placement, ServiceNeed
from klotho.catalogue.worth import Worths
from klotho.resources import SHARED, shared_key

ENDPOINTS, NAT, NAT_PER_ZONE = "endpoints", "nat", "nat-per-zone"


class Reach(NamedTuple):
    """What something inside the network must reach from there."""

    services: frozenset[str]
    internet: bool


def reach(construct: Construct, implementation: Implementation, worths: Worths) -> Reach | None:
    """None for what is outside of the network, or reaches nothing from inside. Others are taken for what stands first
    among their candidates."""
    setting = worths.setting
    needs = [item for item in implementation.needs(construct, setting) if item.group is None]
    services, inside = {item.service for item in needs}, implementation.placement is Placement.INSIDE
    for relationship in setting.application.relationships_of(construct.id):
        target = setting.application.by_id.get(relationship.target)
        found = setting.choices.get(relationship.target)
        if target is None or found is None:
            continue
        pair = find_pair(relationship.verb, construct.kind, target.kind, (implementation, found))
        if pair is None:
            continue
        asked = tuple(pair.needs(Link(relationship, construct, target, setting)))
        services |= {item.service for item in asked if isinstance(item, ServiceNeed) and item.group is None}
        drawn = implementation.placement is Placement.IF_NEEDED and found.placement in (
            Placement.INSIDE,
            Placement.THERE,
        )
        inside |= drawn and any(isinstance(item, PathTo) for item in asked)
    if not inside or not services:
        return None
    return Reach(frozenset(services), wants_internet(construct, implementation, worths.setting.application))


def wants_internet(construct: Construct, implementation: Implementation, application: Application) -> bool:
    """What is required of it; else containers may call the internet, and nobody said that functions do."""
    said = internet_required(construct, application)
    return implementation.placement is Placement.INSIDE if said is None else said


def internet_required(construct: Construct, application: Application) -> bool | None:
    """None where nobody says."""
    found = application.requirements_of(construct.id).get("internet")
    return None if found is None else bool(found.value)


def amounts(services: Iterable[str], worths: Worths, plan: NetworkPlan | None = None) -> dict[str, int]:
    """What each way out costs when so many services are reached."""
    plan = plan or NetworkPlan()
    made = {
        NAT: egress_by_nat_gateway(plan._replace(egress=NAT), ()),
        NAT_PER_ZONE: egress_by_nat_gateway(plan._replace(egress=NAT_PER_ZONE), ()),
        ENDPOINTS: egress_by_endpoints(plan, sorted(services), ()),
    }
    return {name: worths.priced(tuple(actions), SHARED).own for name, actions in made.items()}


def endpoint_parts(services: Iterable[str], worths: Worths, known: dict[str, int]) -> Mapping[str, int]:
    """The shared part of each service's own endpoint; gateway endpoints cost nothing. `known`: what was reckoned."""
    found = {}
    for service in sorted(services):
        if service not in GATEWAY_SERVICES:
            if service not in known:
                actions = tuple(egress_by_endpoints(NetworkPlan(), [service], ()))
                known[service] = worths.priced(actions, SHARED).own
            found[str(shared_key(f"{service}-endpoint"))] = known[service]
    return found


def nat_is_paid(paid: frozenset[str]) -> bool:
    """Whether another application of the project has a NAT gateway: the subnets they share lead to it then, and
    endpoints would only cost."""
    return any(role.startswith("nat-gateway") for role in paid)
