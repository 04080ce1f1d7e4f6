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

from klotho.application import Requirement
from klotho.catalogue.kinds.internal_alb import is_private
from klotho.catalogue.rules import Link, Setting
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
    ("calls", "Compute.Container", "Compute.Container"): HARDWARE,
    ("calls", "Compute.Function", "Compute.Container"): CLEAR,
    ("calls", "Compute.Container", "API"): HARDWARE,
    ("calls", "Compute.Function", "API"): CLEAR,
    ("attach_service", "API", "Compute.Container"): HARDWARE._replace(
        about="plain HTTP inside the VPC: encrypted by AWS's hardware with `encrypted_in_transit` if the API is not "
        "public, refused with it if it is (a VPC link)"
    ),
}
_TLS = ("Databases.Postgres", "Databases.MySQL", "Databases.Redis")


def hop_between(verb: str, actor: str, target: str) -> Hop:
    """Of two kinds, for explanations."""
    return _CALLS.get((verb, actor, target), VERIFIED if target in _TLS else HTTPS)


def hop_of(link: Link) -> Hop:
    """Of one relationship, with what its ends say of themselves."""
    verb, actor, target = link.relationship.verb, link.actor, link.target
    if verb == "attach_service" and target.kind == "Compute.Container":
        return HARDWARE if is_private(actor) else CLEAR
    return hop_between(verb, actor.kind, target.kind)


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
