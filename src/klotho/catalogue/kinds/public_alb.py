"""A public API as an internet-facing Application Load Balancer: for containers that answer longer, or take more, than
an HTTP API lets them.

With a domain it listens by TLS and sends plain HTTP there; without one nobody signs a certificate for its name, so it
is reached over plain HTTP, which `api-in-the-clear` says and `encrypted_in_transit` refuses. It checks no tokens
and answers no preflights, and a function behind it would get another event than behind other APIs: what needs these is
not made of it. Sources: Elastic Load Balancing, "HTTPS listeners" (security policies), "Listener rules" (redirects),
"Application Load Balancers" (idle timeout up to 4000 s; no limit of a request's or response's size for IP targets).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from klotho.application import Application, Construct, Relationship
from klotho.application.access import ATTACH
from klotho.application.routes import parse_route
from klotho.catalogue.kinds.balancer import (
    PUBLIC,
    balancer,
    balancer_key,
    elsewhere,
    listener,
    listener_key,
    tls_listener_key,
    unsayable,
)
from klotho.catalogue.kinds.domain import certificate_arn
from klotho.catalogue.kinds.http_api import HTTP_API
from klotho.catalogue.kinds.internal_alb import is_private
from klotho.catalogue.kinds.network import KIND as NETWORK
from klotho.catalogue.kinds.network import network_plan
from klotho.catalogue.network import INTERNET_ROUTE, PUBLIC_SUBNETS, ingress_from_internet, internet, public_subnets
from klotho.catalogue.rules import ECS, Implementation, NetworkPlace, Output, Placement, Setting
from klotho.diagnostics import Report
from klotho.resources import DependsOn, Ref, ResourceKey, SetProperty, Value, join
from klotho.resources.changes import Action

HTTP, HTTPS = 80, 443
TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"
"""TLS 1.2 and 1.3: AWS's recommended one."""
_CONTAINER = "Compute.Container"


class _Lack(NamedTuple):
    why: str
    of: Relationship | None = None


def domain_of(construct: Construct, application: Application) -> Construct | None:
    """The domain that exposes it, whose certificate it serves."""
    exposing = (item for item in application.relationships_on(construct.id) if item.verb == "exposes")
    return next((application.construct(item.actor) for item in exposing), None)


def routing_listener(construct: Construct, setting: Setting) -> ResourceKey:
    """The listener whose rules lead to services."""
    served = domain_of(construct, setting.application) is not None and not is_private(construct)
    return tls_listener_key(construct) if served else listener_key(construct)


def public_alb(construct: Construct, setting: Setting) -> Iterator[Action]:
    """The load balancer and its listeners."""
    yield from balancer(construct, setting, "internet-facing")
    domain = domain_of(construct, setting.application)
    if domain is None:
        yield listener(construct, listener_key(construct), HTTP)
        return
    there = {"Protocol": "HTTPS", "Host": domain.name, "Port": str(HTTPS), "StatusCode": "HTTP_301"}
    redirect = {"Type": "redirect", "RedirectConfig": there}
    yield listener(construct, listener_key(construct), HTTP, DefaultActions=[redirect])
    yield listener(
        construct,
        tls_listener_key(construct),
        HTTPS,
        Protocol="HTTPS",
        SslPolicy=TLS_POLICY,
        Certificates=[{"CertificateArn": certificate_arn(domain, setting, construct)}],
    )


def enter_network(construct: Construct, place: NetworkPlace, setting: Setting) -> Iterator[Action]:
    """In public subnets, behind its own security group, which lets everybody in."""
    stated = next((item for item in setting.application.constructs if item.kind == NETWORK), None)
    key, plan = balancer_key(construct), network_plan(stated, setting)
    if plan.adopted:  # refused by the check
        return
    yield from internet()
    yield from public_subnets(plan)
    yield SetProperty(key, ("Subnets",), list(PUBLIC_SUBNETS))
    yield SetProperty(key, ("SecurityGroups",), [place.security_group])
    yield DependsOn(key, INTERNET_ROUTE)
    yield from ingress_from_internet(construct, HTTP)
    if domain_of(construct, setting.application) is not None:
        yield from ingress_from_internet(construct, HTTPS)


def address(construct: Construct, setting: Setting) -> Value:
    """Of the domain; without one the load balancer's own, by plain HTTP."""
    domain = domain_of(construct, setting.application)
    if domain is not None:
        return f"https://{domain.name}"
    return join("http://", Ref(balancer_key(construct), "DNSName"))


def _lacks(construct: Construct, application: Application) -> Iterator[_Lack]:
    """What the program asks of the API and this can't do."""
    if construct.properties.get("cors"):
        yield _Lack("answers no preflights of web pages (`cors=`)")
    domains = [item for item in application.relationships_on(construct.id) if item.verb == "exposes"]
    if len(domains) > 1:
        yield _Lack("serves one domain", domains[1])
    if domains and application.construct(domains[0].actor).from_project:
        yield _Lack("takes the certificate of a domain of this application only", domains[0])
    for item in application.relationships_of(construct.id):
        if item.verb == "authenticates_with":
            yield _Lack("checks no tokens", item)
        if item.verb != ATTACH:
            continue
        service = application.construct(item.target)
        if service.kind != _CONTAINER:
            yield _Lack(f"gives functions another event, which {service.label} does not expect", item)
        problem = unsayable(parse_route(str(item.properties.get("route", "/"))))
        if problem is not None:
            yield _Lack(f"can't have the route `{item.properties['route']}`: {problem[0]}", item)


def _unable(construct: Construct, application: Application) -> Iterator[str]:
    yield from (lack.why for lack in _lacks(construct, application))


def _check(construct: Construct, setting: Setting, report: Report) -> None:
    if is_private(construct):
        report.error(
            "private-api",
            f"{construct.title} is private, and `{PUBLIC}` faces the internet",
            construct.place("public"),
            helps=["leave out `use`: a private API becomes an internal load balancer"],
        )
    lacks = list(_lacks(construct, setting.application))
    said = {id(lack.of) for lack in lacks}
    others = (item for item in elsewhere(construct, setting, ECS) if id(item) not in said)
    lacks += [_Lack(f"leads to what runs on ECS, and {item.target} does not", item) for item in others]
    for lack in lacks:
        report.error(
            "api-cant-carry",
            f"{construct.title} is made as `{PUBLIC}`, which {lack.why}",
            lack.of.span if lack.of is not None else construct.place("cors"),
            helps=['leave this out, or make it an HTTP API: leave out `use`, or say `use("http-api")`'],
        )
    if setting.in_existing_network:
        report.error(
            "api-cant-carry",
            f"{construct.title} is made as `{PUBLIC}`, which needs public subnets, and those of the network that is "
            "there already (`existing=`) are private",
            construct.span,
            helps=["make it an HTTP API, or let Klotho make the network"],
        )
    if domain_of(construct, setting.application) is None:
        report.warning(
            "api-in-the-clear",
            f"{construct.title} is reached over plain HTTP: its load balancer has no certificate",
            construct.span,
            helps=['give it a name with a certificate: `Domain("api.example.com", exposes=…)`'],
        )


PUBLIC_ALB = Implementation(
    kind="API",
    name=PUBLIC,
    service="Application Load Balancer",
    expand=public_alb,
    parameters=HTTP_API.parameters,
    outputs={"url": Output(address, "address of the API", shown=True)},
    placement=Placement.INSIDE,
    enter_network=enter_network,
    unable=_unable,
    fits=lambda construct: not is_private(construct),
    check=_check,
)
