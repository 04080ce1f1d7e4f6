"""How what goes from one construct to another is encrypted, and what `requires(encrypted_in_transit=True)` asks.

Input: a relationship. Output: its `Hop`: encrypted by protocol whatever is required, or plain HTTP inside the VPC,
which the requirement has AWS's hardware encrypt where it can. Refuses nothing: the pass `encrypt_in_transit` reports
what stays in the clear.

The requirement makes the VPC enforce encryption (VPC encryption controls): nothing leaves the network interface of a
Fargate task, a load balancer, RDS or ElastiCache unencrypted, and what can't encrypt is not let in. Lambda, NAT and
internet gateways can't and are excluded. API Gateway's VPC links would have to be, too, and CloudFormation has no word
for that.
Sources: Amazon VPC User Guide, "Enforce VPC encryption in transit"; EC2 API Reference, CreateVpc
(VpcEncryptionControlConfiguration); the CloudFormation schema of AWS::EC2::VPC, which lacks ApiGatewayV2Exclusion.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from klotho.application import Construct, Requirement
from klotho.catalogue.kinds import candidates
from klotho.catalogue.kinds.balancer import PUBLIC, on_balancer
from klotho.catalogue.kinds.public_alb import domain_of
from klotho.catalogue.rules import ECS, EKS, LAMBDA, Implementation, Link, Setting
from klotho.catalogue.tables import table

TRANSIT = "encrypted_in_transit"


class Hop(NamedTuple):
    """One way that data goes."""

    always: bool
    """Encrypted whatever is required."""
    by_hardware: bool
    """Whether the requirement encrypts what is plain otherwise."""
    about: str


HTTPS = Hop(True, False, "HTTPS to AWS's own endpoint")
VERIFIED = Hop(True, False, "TLS; the client verifies the server's certificate and name")
HARDWARE = Hop(False, True, "plain HTTP inside the VPC, encrypted by AWS's hardware with `encrypted_in_transit`")
CLEAR = Hop(False, False, "plain HTTP inside the VPC; refused with `encrypted_in_transit`")
_CALLS: Mapping[tuple[str, str, str], Hop] = {
    ("calls", ECS, ECS): HARDWARE,
    ("calls", LAMBDA, ECS): CLEAR,
    # Not every instance that Auto Mode may start encrypts by hardware.
    ("calls", EKS, EKS): CLEAR,
    ("calls", EKS, "API"): CLEAR,
    ("attach_service", "API", EKS): CLEAR,
    ("calls", ECS, "API"): HARDWARE,
    ("calls", LAMBDA, "API"): CLEAR,
    ("attach_service", "API", ECS): HARDWARE._replace(
        about="plain HTTP inside the VPC: encrypted by AWS's hardware with `encrypted_in_transit` if the API is not "
        "public, refused with it if it is (a VPC link)"
    ),
}
"""Ends by what runs them, of what runs no code by kind."""
_TLS = ("Databases.Postgres", "Databases.MySQL", "Databases.Redis")


def hop_between(verb: str, actor: str, target: str) -> Hop:
    """Of two kinds as they are by default, for explanations."""
    return _hop(verb, _host(actor, candidates(actor)), _host(target, candidates(target)))


def _hop(verb: str, actor: str, target: str) -> Hop:
    return _CALLS.get((verb, actor, target), VERIFIED if target in _TLS else HTTPS)


def _host(kind: str, made_of: tuple[Implementation, ...]) -> str:
    """What runs it, else its kind."""
    compute = made_of[0].compute if made_of else None
    return kind if compute is None else compute.host


def hop_of(link: Link) -> Hop:
    """Of one relationship, with what its ends say of themselves."""
    verb, actor = link.relationship.verb, link.actor
    ends = [_host(item.kind, (link.setting.implementation(item),)) for item in (actor, link.target)]
    if verb == "attach_service" and ends[1] == ECS:
        return HARDWARE if on_balancer(actor, link.setting) else CLEAR
    return _hop(verb, *ends)


def in_the_clear(construct: Construct, setting: Setting) -> bool:
    """Whether everybody reaches it over plain HTTP."""
    made_as = setting.implementation(construct).name
    return made_as == PUBLIC and domain_of(construct, setting.application) is None


class Wanted(NamedTuple):
    """Who wants encryption everywhere."""

    requirement: Requirement | None
    """None: klotho.yaml says it of the environment."""


def wanted(setting: Setting) -> Wanted | None:
    """None where nobody does. Required of one construct it holds for all: they share the network."""
    for item in setting.application.requirements:
        if item.name == TRANSIT and item.value is True:
            return Wanted(item)
    return Wanted(None) if setting.policy.encrypted_in_transit else None


def is_capable(instance_class: object) -> bool:
    """Whether the hardware of `db.m7g.large` or `cache.r7g.xlarge` encrypts."""
    parts = str(instance_class).split(".")
    return len(parts) > 2 and parts[1] in table("transit")["families"]["capable"]


def instances() -> Mapping[str, Mapping[str, Any]]:
    """Types with instance classes: property, parameter and smallest capable class."""
    found: Mapping[str, Mapping[str, Any]] = table("transit")["types"]
    return found
