"""Deployer steps against an AWS that others wrote (moto): certificates from files, hosted zones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws
from moto.acm.models import acm_backends

from klotho.deploy.events import Event, Step
from klotho.deploy.place import Clients, Place
from klotho.deploy.steps import KINDS, Steps, Surroundings
from klotho.deploy.steps.request import PATIENCE_S, RequestCertificate
from klotho.diagnostics import ExitCode, Failure
from klotho.resources import DeployerStep
from klotho.stacks import Manifest, StepSource
from tests.certificates import make_chain

DOMAIN = "Domain/shop.example"
IMPORT = DeployerStep(DOMAIN, "certificate", {"certificate": "c.crt", "key": "c.key", "domain": "shop.example"})
ZONE = DeployerStep(DOMAIN, "zone", {"domain": "www.shop.example"})
ARN, CLOUDFRONT = (StepSource(DOMAIN, "certificate", part) for part in ("arn", "cloudfront"))
ID = StepSource(DOMAIN, "zone", "id")


class Deployer:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clients = Clients(Place("eu-central-1", "123456789012", None, "id", "key"))
        self.said: list[Event] = []
        self.write("shop.example")

    def write(self, *hosts: str) -> None:
        chain = make_chain(*hosts)
        (self.folder / "c.crt").write_text(chain.certificates)
        (self.folder / "c.key").write_text(chain.key)

    def steps(self, *steps: DeployerStep, application: str = "shop") -> Steps:
        manifest = Manifest(application, "acme", "prod", "eu-central-1", (), (), (), steps=steps)
        return Steps(manifest, Surroundings(self.clients, self.folder, self.said.append, {}))

    def held(self) -> list[dict[str, Any]]:
        pages = self.clients.certificates.get_paginator("list_certificates").paginate()
        return [item for page in pages for item in page["CertificateSummaryList"]]


@pytest.fixture
def deployer(tmp_path: Path) -> Iterator[Deployer]:
    with mock_aws():
        yield Deployer(tmp_path)


def test_a_certificate_is_imported_once_and_a_changed_one_into_its_place(deployer: Deployer) -> None:
    steps = deployer.steps(IMPORT)
    assert steps.known(ARN) is None and deployer.held() == []
    arn = steps.value(ARN)
    assert deployer.steps(IMPORT).known(ARN) == arn
    assert deployer.steps(IMPORT).value(ARN) == arn, "found again by another run"
    assert len(deployer.said) == 1
    before = deployer.clients.certificates.get_certificate(CertificateArn=arn)
    deployer.write("shop.example")
    assert deployer.steps(IMPORT).value(ARN) == arn
    after = deployer.clients.certificates.get_certificate(CertificateArn=arn)
    assert after["Certificate"] != before["Certificate"] and "CertificateChain" in after
    assert len(deployer.held()) == 1 and len(deployer.said) == 2
    assert deployer.steps(IMPORT).value(ARN) == arn and len(deployer.said) == 2, "tags say what is there now"


def test_a_certificate_for_a_distribution_is_in_us_east_1(deployer: Deployer) -> None:
    assert ":us-east-1:" in deployer.steps(IMPORT).value(CLOUDFRONT)
    assert ":eu-central-1:" in deployer.steps(IMPORT).value(ARN)


def test_what_no_construct_wants_is_removed_and_only_that(deployer: Deployer) -> None:
    deployer.steps(IMPORT, application="other").value(ARN)
    steps = deployer.steps(IMPORT)
    steps.value(ARN)
    steps.value(CLOUDFRONT)
    steps.sweep()
    assert len(deployer.held()) == 2
    deployer.steps().sweep()
    assert len(deployer.held()) == 1
    assert deployer.clients.in_region("us-east-1").certificates.list_certificates()["CertificateSummaryList"] == []


def test_a_file_that_is_gone_is_named(deployer: Deployer) -> None:
    (deployer.folder / "c.key").unlink()
    with pytest.raises(Failure, match=r"`c\.key` can't be read"):
        deployer.steps(IMPORT).value(ARN)


def test_the_zone_with_the_longest_name_is_found_and_private_ones_are_not(deployer: Deployer) -> None:
    dns = deployer.clients.dns
    made = dns.create_hosted_zone(Name="shop.example", CallerReference="1")["HostedZone"]["Id"]
    dns.create_hosted_zone(Name="example.com", CallerReference="2")
    vpc = {"VPCRegion": "eu-central-1", "VPCId": "vpc-1"}
    private = {"Comment": "", "PrivateZone": True}
    dns.create_hosted_zone(Name="www.shop.example", CallerReference="3", VPC=vpc, HostedZoneConfig=private)
    steps = deployer.steps(ZONE)
    steps.begin([ID])
    assert steps.value(ID) == made.rpartition("/")[2]


def test_without_a_zone_the_record_to_make_is_said_before_anything_is_deployed(deployer: Deployer) -> None:
    steps = deployer.steps(ZONE)
    assert steps.known(ID) is None and deployer.held() == [], "a preview asks for nothing"
    with pytest.raises(Failure) as refused:
        steps.begin([ID])
    said = refused.value.diagnostic
    assert said.code == "zone-missing"
    text = " ".join(said.helps)
    assert "CNAME" in text and "arn:aws:acm:eu-central-1:" in text and "create-hosted-zone" in text
    with pytest.raises(Failure):
        deployer.steps(ZONE).begin([ID])
    assert len(deployer.held()) == 1, "asked for once"


# --- a certificate for a CDN ---

CDN = DeployerStep(DOMAIN, "cdn-certificate", {"domain": "www.shop.example"})
MADE = StepSource(DOMAIN, "cdn-certificate", "arn")


class Validation:
    """Time in which ACM looks for the record: `then` is what becomes of the certificate after so many seconds."""

    def __init__(self, deployer: Deployer, monkeypatch: pytest.MonkeyPatch, then: str = "ISSUED", after: float = 90):
        self.now, self._then, self._after = 0.0, then, after
        self.there = deployer.clients.in_region("us-east-1").certificates
        step = RequestCertificate(clock=lambda: self.now, sleep=self._sleep)
        monkeypatch.setattr("klotho.deploy.steps.KINDS", {**KINDS, "cdn-certificate": step})

    def _sleep(self, seconds: float) -> None:
        self.now += seconds
        for certificate in acm_backends["123456789012"]["us-east-1"]._certificates.values():
            if self.now >= self._after and certificate.status == "PENDING_VALIDATION":
                certificate.status = self._then

    def all(self) -> list[str]:
        return sorted(item["CertificateArn"] for item in self.there.list_certificates()["CertificateSummaryList"])


def zone_of(deployer: Deployer) -> str:
    made: str = deployer.clients.dns.create_hosted_zone(Name="shop.example", CallerReference="1")["HostedZone"]["Id"]
    return made


def test_a_certificate_for_a_cdn_is_asked_for_proved_and_waited_for_in_us_east_1(
    deployer: Deployer, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone, acm = zone_of(deployer), Validation(deployer, monkeypatch, after=150)
    assert deployer.steps(CDN).known(MADE) is None and acm.all() == [], "a preview asks for nothing"
    arn = deployer.steps(CDN).value(MADE)
    assert acm.all() == [arn] and ":us-east-1:" in arn and deployer.held() == []
    (record,) = acm.there.describe_certificate(CertificateArn=arn)["Certificate"]["DomainValidationOptions"]
    made = deployer.clients.dns.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    values = {item["Name"]: item["ResourceRecords"][0]["Value"] for item in made if item["Type"] == "CNAME"}
    assert values == {record["ResourceRecord"]["Name"]: record["ResourceRecord"]["Value"]}
    said = [event.text for event in deployer.said if isinstance(event, Step)]
    assert [line.rpartition(": ")[2] for line in said[1:]] == ["1 min", "2 min"]
    before = acm.now
    assert deployer.steps(CDN).value(MADE) == arn == deployer.steps(CDN).known(MADE)
    assert acm.now == before and len(deployer.said) == len(said), "found again, at once"


def test_when_patience_is_over_the_next_run_goes_on_with_the_same_certificate(
    deployer: Deployer, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone_of(deployer)
    acm = Validation(deployer, monkeypatch, after=PATIENCE_S + 60)
    with pytest.raises(Failure) as refused:
        deployer.steps(CDN).value(MADE)
    assert refused.value.diagnostic.code == "certificate-pending" and refused.value.exit_code is ExitCode.TIMEOUT
    assert acm.now == pytest.approx(PATIENCE_S, abs=10)
    (arn,) = acm.all()
    assert deployer.steps(CDN).value(MADE) == arn and acm.all() == [arn]


def test_a_certificate_that_acm_refuses_is_reported_and_asked_for_anew(
    deployer: Deployer, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone_of(deployer)
    acm = Validation(deployer, monkeypatch, then="VALIDATION_TIMED_OUT")
    with pytest.raises(Failure, match=r"no certificate for www\.shop\.example: validation timed out"):
        deployer.steps(CDN).value(MADE)
    Validation(deployer, monkeypatch)
    arn = deployer.steps(CDN).value(MADE)
    assert len(acm.all()) == 2 and arn in acm.all()
    deployer.steps().sweep()
    assert acm.all() == []


def test_the_sweep_leaves_certificates_of_stacks_and_of_people_alone(
    deployer: Deployer, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone_of(deployer)
    acm = Validation(deployer, monkeypatch)
    deployer.steps(CDN).value(MADE)
    mine = acm.there.request_certificate(DomainName="shop.example", ValidationMethod="DNS", Tags=stack_tags())
    deployer.steps(CDN).sweep()
    assert len(acm.all()) == 2
    deployer.steps().sweep()
    assert acm.all() == [mine["CertificateArn"]]


def stack_tags() -> list[dict[str, str]]:
    """As CloudFormation hands a stack's tags to its resources."""
    tags = {"klotho:project": "acme", "klotho:application": "shop", "klotho:environment": "prod"}
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def test_without_a_zone_a_site_is_told_the_record_of_a_certificate_in_us_east_1(deployer: Deployer) -> None:
    zone = DeployerStep(DOMAIN, "zone", {"domain": "www.shop.example", "cloudfront": True})
    with pytest.raises(Failure) as refused:
        deployer.steps(zone, CDN).begin([MADE, ID])
    assert refused.value.diagnostic.code == "zone-missing"
    assert "arn:aws:acm:us-east-1:" in " ".join(refused.value.diagnostic.helps)
    assert deployer.held() == []
