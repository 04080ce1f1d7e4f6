"""Deployer steps against an AWS that others wrote (moto): certificates from files, hosted zones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from klotho.deploy.events import Event
from klotho.deploy.place import Clients, Place
from klotho.deploy.steps import Steps, Surroundings
from klotho.diagnostics import Failure
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
