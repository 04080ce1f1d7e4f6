"""Encryption of everything that goes through the network, where `encrypted_in_transit` is required.

Input: the graph with its network. Output: a VPC that enforces encryption, and instances whose hardware can. Reports
what would stay in the clear (`hop-in-the-clear`) and parameters that contradict the requirement.
"""

from __future__ import annotations

from collections.abc import Iterator

from klotho.catalogue.kinds.aurora import SERVERLESS
from klotho.catalogue.network import VPC
from klotho.catalogue.sql_roles import writer_key
from klotho.catalogue.transit import Wanted, hop_of, in_the_clear, instances, is_capable, wanted
from klotho.engine.context import Context, attributed, sentence
from klotho.resources import Change, Precedence, Provenance, Resource, ResourceGraph, SetProperty, owner_of

_CONTROL = {
    "Mode": "enforce",
    "InternetGatewayExclusion": "enable",
    "LambdaExclusion": "enable",
    "NatGatewayExclusion": "enable",
}
"""What can't encrypt by itself is excluded, whether it is there or not: what it carries is HTTPS and TLS. A VPC whose
control changes is replaced, which the first function in the network must not bring about."""


def encrypt_in_transit(graph: ResourceGraph, context: Context) -> Iterator[Change]:
    """Nothing where nobody requires it."""
    who = wanted(context.setting)
    if who is None:
        return
    _refuse_clear_hops(who, context)
    _refuse_clear_doors(context)
    span = who.requirement.span if who.requirement is not None else None
    reason = "everything is required to be encrypted in transit"
    provenance = Provenance("encrypt_in_transit", (span,) if span else (), reason, Precedence.REQUIREMENT)
    if VPC in graph:
        yield from attributed(provenance, [SetProperty(VPC, ("VpcEncryptionControl",), dict(_CONTROL))])
    for resource in graph:
        entry = instances().get(resource.type)
        if entry is not None and not is_capable(resource.properties.get(entry["property"])):
            smallest = entry["in_cluster" if "DBClusterIdentifier" in resource.properties else "smallest"]
            if resource.properties.get(entry["property"]) == SERVERLESS:
                _refuse_serverless(resource, smallest, context)
                continue
            _refuse_choice(resource, entry["parameter"], smallest, context)
            yield from attributed(provenance, [SetProperty(resource.key, (entry["property"],), smallest)])


def _refuse_clear_hops(who: Wanted, context: Context) -> None:
    for link, _ in context.links:
        hop = hop_of(link)
        if hop.always or hop.by_hardware:
            continue
        by_link = link.relationship.verb == "attach_service"
        context.report.error(
            "hop-in-the-clear",
            f"{sentence(link.relationship, link)} by plain HTTP, and everything is required to be encrypted in transit",
            link.relationship.span,
            notes=[
                "API Gateway's VPC links can't encrypt on the way to a container"
                if by_link
                else "Lambda can't encrypt on the way to a container or an internal load balancer"
            ],
            helps=[
                "attach a function instead, make the API `public=False`, or do not require it"
                if by_link
                else "let a container call it, make the caller a container, or do not require it"
            ],
        )


def _refuse_clear_doors(context: Context) -> None:
    for construct, _ in context.resolved:
        if in_the_clear(construct, context.setting):
            context.report.error(
                "hop-in-the-clear",
                f"everybody reaches {construct.title} over plain HTTP, and everything is required to be encrypted in "
                "transit",
                construct.span,
                notes=["its load balancer has no certificate"],
                helps=["give it a domain, or make it an HTTP API"],
            )


def _refuse_serverless(resource: Resource, smallest: str, context: Context) -> None:
    """AWS does not say on which hardware it runs; once for a database, whose instances are all alike."""
    construct = context.application.by_id.get(owner_of(resource.key))  # type: ignore[call-overload]
    if construct is None or resource.key != writer_key(construct):
        return
    context.report.error(
        "requirement-contradicted",
        f"{construct.title} is serverless, and AWS does not say that its hardware encrypts: everything is required to "
        "be encrypted in transit",
        construct.span,
        helps=[f'write `use("aurora", instance="{smallest}")`, or do not require it'],
    )


def _refuse_choice(resource: Resource, parameter: str, smallest: str, context: Context) -> None:
    """An instance class that somebody chose is not replaced behind their back."""
    construct = context.application.by_id.get(owner_of(resource.key))  # type: ignore[call-overload]
    if construct is None or construct.properties.get(parameter) is None:
        return
    context.report.error(
        "requirement-contradicted",
        f"the hardware of `{parameter}={construct.properties[parameter]!r}` does not encrypt, and everything is "
        "required to be encrypted in transit",
        construct.place(parameter),
        helps=[f'write `{parameter}="{smallest}"` or a larger one, or leave it out'],
    )
