"""`API(public=False)` as an internal Application Load Balancer: HTTP APIs can't be private.

It lives in the private subnets, behind a security group that lets in exactly who `calls` the API. Rules belong to the
services attached (see `relationships/attach_private.py`); what no rule matches is answered with 404. Why this and not a
private REST API or VPC Lattice: docs/decisions/0021. Sources: Elastic Load Balancing, Application Load Balancers
(listener rules, Lambda functions as targets, quotas).
"""

from __future__ import annotations

from collections.abc import Iterator

from klotho.application import Construct
from klotho.catalogue.adoption import Adoption, Beside, Fact, Found, fact_of, group_beside
from klotho.catalogue.kinds.balancer import INTERNAL as NAME
from klotho.catalogue.kinds.balancer import balancer, balancer_key, listener, listener_key
from klotho.catalogue.kinds.http_api import HTTP_API
from klotho.catalogue.network import security_group_key
from klotho.catalogue.rules import Implementation, NetworkPlace, Output, Placement, Setting
from klotho.diagnostics import Label, Report
from klotho.resources import Ref, SetProperty, Value, join
from klotho.resources.changes import Action

PORT = 80


def is_private(construct: Construct) -> bool:
    """Whether this API is to be reached inside the project's network only."""
    return construct.properties.get("public") is False


def internal_alb(construct: Construct, setting: Setting) -> Iterator[Action]:
    """The load balancer and its one listener."""
    yield from balancer(construct, setting, "internal")
    yield listener(construct, listener_key(construct), PORT)


def enter_network(construct: Construct, place: NetworkPlace, setting: Setting) -> Iterator[Action]:
    """In the private subnets, behind its own security group."""
    key = balancer_key(construct)
    yield SetProperty(key, ("Subnets",), list(place.subnets))
    yield SetProperty(key, ("SecurityGroups",), [place.security_group])


def address(construct: Construct, setting: Setting) -> Value:
    """Without a trailing slash; the name resolves to addresses of the private subnets."""
    given = setting.adopted(construct)
    if given is not None and "url" in given.facts:
        return str(given.facts["url"]).rstrip("/")
    port = port_of(construct, setting)
    return join("http://", Ref(balancer_key(construct), "DNSName"), "" if port == PORT else f":{port}")


def port_of(construct: Construct, setting: Setting) -> int:
    """Where its listener listens."""
    return PORT if setting.adopted(construct) is None else int(fact_of(construct, setting, "port"))


def first_priority(construct: Construct, setting: Setting) -> int:
    """Where the priorities of its rules begin: a listener that is there already may have others before."""
    return 1 if setting.adopted(construct) is None else int(fact_of(construct, setting, "priority"))


def _balancer(found: Found) -> tuple[str, str]:
    """A listener's ARN has that of its load balancer in it."""
    before, _, name = str(found.arn).partition(":listener/")
    return "AWS::ElasticLoadBalancingV2::LoadBalancer", f"{before}:loadbalancer/{name.rpartition('/')[0]}"


def _check(construct: Construct, setting: Setting, report: Report) -> None:
    if not is_private(construct):
        report.error(
            "private-api",
            f"{construct.title} is public, and `{NAME}` is reached inside the network only",
            construct.span,
            helps=["say `public=False` where it is made, or leave out `use`"],
        )
    if setting.parameter(construct, "cors"):
        report.error(
            "private-api",
            f"{construct.title} is private, so no web page can call it",
            construct.place("cors"),
            helps=["leave out `cors=`, or leave out `public=False`"],
        )
    for relationship in setting.application.relationships_of(construct.id):
        if relationship.verb == "authenticates_with":
            said = Label(construct.place("public") or construct.span, "it is private") if construct.span else None
            report.error(
                "private-api",
                f"{construct.title} is private and can't check tokens: that needs TLS, which its load balancer has not",
                relationship.span,
                also=[said] if said else [],
                helps=["who may call it is said by `calls`; leave this out, or leave out `public=False`"],
            )


INTERNAL_ALB = Implementation(
    kind="API",
    name=NAME,
    service="Application Load Balancer",
    expand=internal_alb,
    parameters=HTTP_API.parameters,
    outputs={"url": Output(address, "where services that call it reach it", internal=True)},
    adoption=Adoption(
        type="AWS::ElasticLoadBalancingV2::Listener",
        key=listener_key,
        service="elasticloadbalancing",
        resource="listener/{}",
        name=r"app/[A-Za-z0-9-]{1,32}/[0-9a-f]{16}/[0-9a-f]{16}",
        arn_only=True,
        example="app/inner/50dc6c495c0c9188/f2f7dc8efc522ab2",
        identifier=lambda found: found.arn,
        beside=(
            Beside(
                "AWS::ElasticLoadBalancingV2::LoadBalancer",
                balancer_key,
                lambda found: _balancer(found)[1],
                {"DNSName": lambda found: found.fact("endpoint")},
            ),
            group_beside(security_group_key),
        ),
        facts={
            "endpoint": Fact("its load balancer's host name", "DNSName"),
            "security_group": Fact("its load balancer's group, which lets callers in", "SecurityGroups.0"),
            "port": Fact("its TCP port", default=PORT),
            "url": Fact("its address, where that is not `http://` and its host name"),
            "priority": Fact("the first priority of its rules that is free, and all after it", default=1),
        },
        looked_up=lambda found: _balancer(found),
        networked=True,
        takes=frozenset({"public"}),
        check=_check,
    ),
    placement=Placement.INSIDE,
    enter_network=enter_network,
    shares=lambda construct, setting: (
        ("balancer", "DNSName"),
        ("listener", None),
        ("api-security-group", "GroupId"),
    ),
    fits=is_private,
    check=_check,
)
