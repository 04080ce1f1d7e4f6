"""What a domain leads to: an API through a regional custom domain name with TLS 1.2, a site as its CDN's own name.

Everything made here belongs to the domain, so that a changed name touches neither the API nor its services. Source: API
Gateway Developer Guide (custom domain names for HTTP APIs: regional, HTTPS only).
"""

from __future__ import annotations

from collections.abc import Iterator

from klotho.application import Construct
from klotho.catalogue.kinds.balancer import INTERNAL, PUBLIC, balancer_key
from klotho.catalogue.kinds.domain import (
    certificate,
    certificate_arn,
    domain_name_key,
    records,
    viewer_certificate,
)
from klotho.catalogue.kinds.http_api import STAGE, api_key, stage_key
from klotho.catalogue.kinds.site import distribution_key, serve_names
from klotho.catalogue.rules import Link, Pair, Setting
from klotho.diagnostics import Label, Report
from klotho.resources import AddResource, DependsOn, Ref, resource_key
from klotho.resources.changes import Action


def expose_api(link: Link) -> Iterator[Action]:
    """The name, its certificate, and its records in the hosted zone; at API Gateway or at the API's load balancer."""
    if link.setting.implementation(link.target).name == PUBLIC:
        yield from _at_balancer(link)
    else:
        yield from _at_gateway(link)


def _at_balancer(link: Link) -> Iterator[Action]:
    """The API listens with the certificate, which is its own: one of the domain's would wait for the records beside it,
    which wait for the API, and could not go with its stack before the listener that has it."""
    domain, setting, key = link.actor, link.setting, balancer_key(link.target)
    yield from certificate(domain, setting, link.target)
    address, zone = Ref(key, "DNSName"), Ref(key, "CanonicalHostedZoneID")
    yield from records(domain, setting, address, zone, types=("A",))


def _at_gateway(link: Link) -> Iterator[Action]:
    """The name at API Gateway, and the mapping to the API."""
    domain, setting, name = link.actor, link.setting, domain_name_key(link.actor)
    adopted = setting.adopted(domain)
    if adopted is None:
        yield from _name(domain, setting)
    mapping = resource_key(domain.id, "mapping")
    path = {} if adopted is None or "path" not in adopted.facts else {"ApiMappingKey": adopted.facts["path"]}
    yield AddResource(
        mapping,
        "AWS::ApiGatewayV2::ApiMapping",
        {"ApiId": Ref(api_key(link.target)), "DomainName": Ref(name), "Stage": STAGE, **path},
    )
    if setting.adopted(link.target) is None:
        yield DependsOn(mapping, stage_key(link.target))
    if adopted is None:
        yield from records(domain, setting, Ref(name, "RegionalDomainName"), Ref(name, "RegionalHostedZoneId"))


def _name(domain: Construct, setting: Setting) -> Iterator[Action]:
    yield from certificate(domain, setting)
    yield AddResource(
        domain_name_key(domain),
        "AWS::ApiGatewayV2::DomainName",
        {
            "DomainName": domain.name,
            "DomainNameConfigurations": [
                {
                    "CertificateArn": certificate_arn(domain, setting),
                    "EndpointType": "REGIONAL",
                    "SecurityPolicy": "TLS_1_2",
                }
            ],
        },
    )


def _check_api(link: Link, report: Report) -> None:
    made_as = link.setting.implementation(link.target).name
    if made_as == PUBLIC:
        _check_at_balancer(link, report)
    elif made_as == INTERNAL:
        report.error(
            "private-exposed",
            f"{link.target.title} is private, so {link.actor.title} can't expose it",
            link.relationship.span,
            also=[Label(link.target.span, "`public=False` is said here")] if link.target.span else [],
            notes=[
                "a domain is a name on the internet, and a private API is reached inside the project's network only"
            ],
            helps=["leave out `public=False`, or leave out the domain and let services `calls` the API"],
        )


def _check_at_balancer(link: Link, report: Report) -> None:
    if link.setting.adopted(link.actor) is not None:
        report.error(
            "bad-existing",
            f"{link.actor.title} can't be adopted for {link.target.title}: API Gateway has it, and the API is a load "
            "balancer",
            link.actor.place("existing"),
            helps=["leave out `existing=` and name what is there already: `certificate=` and `zone=`"],
        )
    if link.setting.foreign(link.target) is not None:
        report.error(
            "api-cant-carry",
            f"{link.target.title} of another application is made as `{PUBLIC}`, which takes domains of its own "
            "application only",
            link.relationship.span,
            helps=["name the domain where the API is made"],
        )


CLOUDFRONT_ZONE = "Z2FDTNDATAQYW2"
"""The hosted zone of every distribution (Route 53 API Reference, AliasTarget)."""


def expose_site(link: Link) -> Iterator[Action]:
    """The name and the certificate at the site's CDN, and its records in the hosted zone."""
    names, arn = viewer_certificate(link.actor, link.setting)
    yield from serve_names(link.target, names, arn)
    address = Ref(distribution_key(link.target), "DomainName")
    yield from records(link.actor, link.setting, address, CLOUDFRONT_ZONE)


def _check_site(link: Link, report: Report) -> None:
    if link.setting.adopted(link.actor) is not None:
        report.error(
            "bad-existing",
            f"{link.actor.title} can't be adopted for {link.target.title}: a CDN's names belong to the CDN",
            link.actor.place("existing"),
            helps=["leave out `existing=` and name what is there already: `certificate=` and `zone=`"],
        )
    earlier = [item for item in link.setting.application.relationships_on(link.target.id) if item.verb == "exposes"]
    if earlier[0] != link.relationship:
        report.error(
            "site-exposed-twice",
            f"{link.target.title} has a domain already: its CDN takes one certificate",
            link.relationship.span,
            also=[Label(earlier[0].span, "the first one")] if earlier[0].span else [],
            helps=["keep one of them"],
        )


EXPOSE_SITE = Pair(
    verbs=("exposes",),
    actors=("Domain",),
    targets=("Site",),
    creates="the name and its certificate (made or imported in us-east-1) at the site's CDN, with TLS 1.2 or newer, "
    "and alias records where the hosted zone is known",
    connect=expose_site,
    check=_check_site,
)
EXPOSE_API = Pair(
    verbs=("exposes",),
    actors=("Domain",),
    targets=("API",),
    creates="a custom domain name with TLS 1.2 and its mapping to the API (for a load balancer a listener by "
    "TLS 1.2 or newer), a certificate where none was given, and alias records where the hosted zone is known",
    connect=expose_api,
    check=_check_api,
)
