"""`Domain`: a host name, its certificate in ACM, and its records in Route 53.

What the name leads to is the meaning of `exposes` (`relationships/expose.py`); here is what every target needs of it.
A certificate comes from one of three places: PEM files, which the deployer imports into ACM (CloudFormation has no
resource for that); an ARN; or ACM itself, validated by a record in the domain's hosted zone. The zone is given or
looked up by the deployer before the stack begins, because a stack that waits for a validation nobody can make hangs
for days. What ACM makes is a resource of the stack; but a CDN takes it from us-east-1 only, so for a site the deployer
asks for it there (decision 30). Sources: ACM User Guide (importing certificates, DNS validation), CloudFormation
Template Reference (AWS::CertificateManager::Certificate), Route 53 Developer Guide (alias records).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from klotho.application import Construct, ConstructId
from klotho.catalogue.adoption import Adoption, Fact, existing_of
from klotho.catalogue.kinds.certificate_check import FILE, KEY_FILE, check_certificate
from klotho.catalogue.rules import Implementation, Output, Parameter, Setting
from klotho.diagnostics import Report
from klotho.resources import AddResource, DeployerStep, Provided, Ref, ResourceKey, Value, resource_key
from klotho.resources.changes import Action

CERTIFICATE_STEP, REQUEST_STEP, ZONE_STEP = "certificate", "cdn-certificate", "zone"


class ViewerCertificate(NamedTuple):
    """What a CDN needs of a domain that exposes it."""

    aliases: tuple[str, ...]
    certificate_arn: Value
    """In us-east-1, where CloudFront takes certificates from (CloudFront Developer Guide, requirements for them)."""


def domain_name_key(construct: Construct) -> ResourceKey:
    """The name at API Gateway."""
    return resource_key(construct.id, "domain-name")


def certificate_key(construct: Construct) -> ResourceKey:
    return resource_key(construct.id, "certificate")


def is_made(construct: Construct, setting: Setting) -> bool:
    """Whether ACM makes the certificate, because none was given."""
    return setting.parameter(construct, "certificate") is None and FILE not in construct.properties


def certificate_arn(construct: Construct, setting: Setting, owner: Construct | None = None) -> Value:
    """The certificate for a target in the stack's own region. `owner`: whose it is when ACM makes it, by default the
    domain's."""
    given = setting.parameter(construct, "certificate")
    if given is not None:
        return given
    if is_made(construct, setting):
        return Ref(certificate_key(owner or construct))
    return Provided(construct.id, CERTIFICATE_STEP, "arn")


def viewer_certificate(construct: Construct, setting: Setting) -> ViewerCertificate:
    """For a CloudFront distribution, whatever region its stack is in."""
    if is_made(construct, setting):
        return ViewerCertificate((construct.name,), Provided(construct.id, REQUEST_STEP, "arn"))
    arn = certificate_arn(construct, setting)
    if isinstance(arn, Provided):
        arn = arn._replace(part="cloudfront")
    return ViewerCertificate((construct.name,), arn)


def certificate(construct: Construct, setting: Setting, owner: Construct | None = None) -> Iterator[Action]:
    """The certificate ACM makes, by default the domain's own; nothing where one was given."""
    if not is_made(construct, setting):
        return
    option = {"DomainName": construct.name, "HostedZoneId": zone_id(construct, setting)}
    yield AddResource(
        certificate_key(owner or construct),
        "AWS::CertificateManager::Certificate",
        {"DomainName": construct.name, "ValidationMethod": "DNS", "DomainValidationOptions": [option]},
    )


def zone_id(construct: Construct, setting: Setting) -> Value | None:
    """The hosted zone its records go into; None when there is nothing to make records in."""
    given = setting.parameter(construct, "zone")
    if given is not None:
        return given
    return Provided(construct.id, ZONE_STEP, "id") if is_made(construct, setting) else None


def records(
    construct: Construct,
    setting: Setting,
    dns_name: Value,
    target_zone: Value,
    types: tuple[str, ...] = ("A", "AAAA"),
) -> Iterator[Action]:
    """Alias records, where the hosted zone is known; they cost nothing per query. `types`: by default IPv4 and IPv6."""
    zone = zone_id(construct, setting)
    if zone is None:
        return
    for type_ in types:
        yield AddResource(
            resource_key(construct.id, f"record-{type_.lower()}"),
            "AWS::Route53::RecordSet",
            {
                "HostedZoneId": zone,
                "Name": construct.name,
                "Type": type_,
                "AliasTarget": {"DNSName": dns_name, "HostedZoneId": target_zone, "EvaluateTargetHealth": False},
            },
        )


def route53(construct: Construct, setting: Setting) -> Iterator[Action]:
    """Nothing by itself: a name that leads nowhere needs no certificate."""
    yield from ()


def steps(construct: Construct, setting: Setting) -> Iterator[DeployerStep]:
    """The import of PEM files, the request of a certificate for a CDN, and the look-up of the hosted zone."""
    target = _exposed(construct, setting)
    if target is None:
        return
    by_cdn = is_made(construct, setting) and target.startswith("Site/")
    if FILE in construct.properties:
        files = {"certificate": construct.properties[FILE], "key": construct.properties[KEY_FILE]}
        yield DeployerStep(construct.id, CERTIFICATE_STEP, {**files, "domain": construct.name})
    if by_cdn:
        given = setting.parameter(construct, "zone")
        where = {} if given is None else {"zone": given}
        yield DeployerStep(construct.id, REQUEST_STEP, {"domain": construct.name, **where})
    if isinstance(zone_id(construct, setting), Provided):
        yield DeployerStep(
            construct.id, ZONE_STEP, {"domain": construct.name, **({"cloudfront": True} if by_cdn else {})}
        )


def _exposed(construct: Construct, setting: Setting) -> ConstructId | None:
    """What it leads to."""
    verbs = setting.application.relationships_of(construct.id)
    return next((item.target for item in verbs if item.verb == "exposes"), None)


def _check_adopted(construct: Construct, setting: Setting, report: Report) -> None:
    """It is the domain that it says it is."""
    given = existing_of(construct, setting).id.rpartition("/")[2]
    if given != construct.name:
        report.error(
            "bad-existing",
            f"{construct.title} is there already as another domain: `{given}`",
            construct.place("existing"),
            helps=[f'write `existing="{construct.name}"`, or name it `Domain("{given}", …)`'],
        )
    _check_exposes(construct, setting, report)


def check_domain(construct: Construct, setting: Setting, report: Report) -> None:
    """The files of the certificate, one source of it only, and something to lead to."""
    if FILE in construct.properties:
        if setting.parameter(construct, "certificate") is not None:
            report.error(
                "domain-contradiction",
                f"{construct.title} has two certificates: `certificate=` and that of `attach_cert`",
                construct.place(FILE),
                helps=["keep one of them"],
            )
        check_certificate(construct, setting, report)
    _check_exposes(construct, setting, report)


def _check_exposes(construct: Construct, setting: Setting, report: Report) -> None:
    if _exposed(construct, setting) is None:
        report.warning(
            "domain-exposes-nothing",
            f"{construct.title} leads nowhere, so nothing is made for it",
            construct.span,
            helps=[f'say what it leads to: `Domain("{construct.name}", exposes=api)`'],
        )


ROUTE53 = Implementation(
    kind="Domain",
    name="route53",
    service="Amazon Route 53",
    expand=route53,
    parameters={
        "exposes": Parameter("the API or site reached under it"),
        "zone": Parameter("id of the public hosted zone its records are made in (default: looked up if needed)"),
        "certificate": Parameter("ARN of a certificate in ACM (default: given by `attach_cert`, else made)"),
    },
    outputs={
        "url": Output(lambda construct, setting: f"https://{construct.name}", "address of the domain", shown=True)
    },
    adoption=Adoption(
        type="AWS::ApiGatewayV2::DomainName",
        key=domain_name_key,
        service="apigateway",
        resource="/domainnames/{}",
        name=r"[a-z0-9*-]+(\.[a-z0-9-]+)+",
        example="shop.example",
        identifier=lambda found: found.name,
        facts={"path": Fact("the part of its paths that leads here; without it all of them do")},
        check=_check_adopted,
    ),
    steps=steps,
    check=check_domain,
)
