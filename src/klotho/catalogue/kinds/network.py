"""`Network`: what the program says of the network that everything inside it shares.

The construct makes nothing by itself: the network pass reads it, and makes only what some path needs. An adopted VPC
keeps its own routes and gateways. Source: Amazon VPC User Guide (VPC sizing: /16 to /28; NAT gateways "are redundant
within an Availability Zone").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv4Network

from klotho.application import Construct
from klotho.catalogue.adoption import Adoption
from klotho.catalogue.network import VPC, NetworkPlan
from klotho.catalogue.rules import Implementation, Parameter, Setting
from klotho.catalogue.unavailable import check_offered
from klotho.diagnostics import Label, Report

KIND = "Network"
EGRESSES = ("auto", "nat", "nat-per-zone", "endpoints")
_SUBNET = re.compile(r"subnet-[0-9a-f]{8,17}")


def network_plan(construct: Construct | None, setting: Setting) -> NetworkPlan:
    """What the application's `Network` says; the defaults without one."""
    if construct is None:
        return NetworkPlan()
    return NetworkPlan(
        cidr=setting.parameter(construct, "cidr"),
        egress=setting.parameter(construct, "egress"),
        adopted=setting.adopted(construct) is not None,
        subnets=_subnets(construct, setting),
    )


def _subnets(construct: Construct, setting: Setting) -> tuple[str, ...]:
    given = setting.parameter(construct, "subnets") or ()
    return tuple(given.get(setting.environment, ()) if isinstance(given, Mapping) else given)


def check_network(construct: Construct, setting: Setting, report: Report) -> None:
    """There is one network; an adopted one has two subnets, and a range is one AWS takes and we can divide."""
    first = next(item for item in setting.application.constructs if item.kind == KIND)
    if first is not construct:
        report.error(
            "network-twice",
            "an application has one network, and this is the second",
            construct.span,
            also=[Label(first.span, "the first one")] if first.span else [],
            helps=["say everything of the network in one place"],
        )
    check_offered(construct, "egress", EGRESSES, KIND, setting, report)
    if setting.adopted(construct) is None and "cidr" not in construct.unread:
        _check_cidr(construct, setting, report)


def check_adopted(construct: Construct, setting: Setting, report: Report) -> None:
    """It is the only one, and has two subnets."""
    check_network(construct, setting, report)
    _check_subnets(construct, setting, report)


def _check_subnets(construct: Construct, setting: Setting, report: Report) -> None:
    subnets = _subnets(construct, setting)
    if len(subnets) != 2 or not all(_SUBNET.fullmatch(item) for item in subnets):
        report.error(
            "bad-network",
            f"{construct.title} is there already, so its two private subnets must be named",
            construct.place("subnets"),
            notes=["databases and load balancers want two availability zones"],
            helps=['add `subnets=["subnet-…", "subnet-…"]`, each in another zone and with a way to AWS services'],
        )


def _check_cidr(construct: Construct, setting: Setting, report: Report) -> None:
    cidr = setting.parameter(construct, "cidr")
    try:
        network = IPv4Network(cidr)
    except ValueError:
        network = None
    if network is None or not 16 <= network.prefixlen <= 20 or not network.is_private:
        report.error(
            "bad-network",
            f"`{cidr}` is no range for a network of private addresses with four subnets",
            construct.place("cidr"),
            helps=["write a private range of size /16 to /20, such as `10.4.0.0/16`"],
        )


VPC_NETWORK = Implementation(
    kind=KIND,
    name="vpc",
    service="Amazon VPC",
    expand=lambda construct, setting: (),
    parameters={
        "cidr": Parameter("private address range, /16 to /20", NetworkPlan().cidr),
        "egress": Parameter(
            "the way out: `nat` (one NAT gateway), `nat-per-zone` (one in each zone), `endpoints` (exactly the AWS "
            "services in use, no internet), or `auto`: a NAT gateway when containers run, else endpoints",
            "auto",
        ),
        "subnets": Parameter("ids of the two private subnets of an existing VPC, or these by environment"),
    },
    adoption=Adoption(
        type="AWS::EC2::VPC",
        key=lambda construct: VPC,
        service="ec2",
        resource="vpc/{}",
        takes=frozenset({"subnets"}),
        name=r"vpc-[0-9a-f]{8,17}",
        identifier=lambda found: found.name,
        attributes={"VpcId": lambda found: found.name},
        example="vpc-0a1b2c3d4e5f60718",
        check=check_adopted,
    ),
    instead_of_sharing="leave it out: applications of one project share their network by themselves",
    check=check_network,
)
