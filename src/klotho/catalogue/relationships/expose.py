"""What a domain leads to: an API through a regional custom domain name with TLS 1.2.

Everything made here belongs to the domain, so that a changed name touches neither the API nor its services. Source: API
Gateway Developer Guide (custom domain names for HTTP APIs: regional, HTTPS only).
"""

from __future__ import annotations

from collections.abc import Iterator

from klotho.catalogue.kinds.domain import certificate, certificate_arn, records
from klotho.catalogue.kinds.http_api import STAGE, api_key, stage_key
from klotho.catalogue.rules import Link, Pair
from klotho.diagnostics import Label, Report
from klotho.resources import AddResource, DependsOn, Ref, ResourceKey, resource_key
from klotho.resources.changes import Action


def domain_name_key(link: Link) -> ResourceKey:
    return resource_key(link.actor.id, "domain-name")


def expose_api(link: Link) -> Iterator[Action]:
    """The name at API Gateway, its certificate, the mapping to the API, and its records in the hosted zone."""
    domain, setting, name = link.actor, link.setting, domain_name_key(link)
    yield from certificate(domain, setting)
    yield AddResource(
        name,
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
    mapping = resource_key(domain.id, "mapping")
    yield AddResource(
        mapping,
        "AWS::ApiGatewayV2::ApiMapping",
        {"ApiId": Ref(api_key(link.target)), "DomainName": Ref(name), "Stage": STAGE},
    )
    if link.target.existing is None:
        yield DependsOn(mapping, stage_key(link.target))
    yield from records(domain, setting, Ref(name, "RegionalDomainName"), Ref(name, "RegionalHostedZoneId"))


def _check_api(link: Link, report: Report) -> None:
    if link.setting.implementation(link.target).name != "http-api":
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


EXPOSE_API = Pair(
    verbs=("exposes",),
    actors=("Domain",),
    targets=("API",),
    creates="a custom domain name with TLS 1.2 and its mapping to the API, a certificate where none was given, "
    "and alias records where the hosted zone is known",
    connect=expose_api,
    check=_check_api,
)
