"""A domain that exposes a site: the CDN answers to its name, over TLS by the given certificate, or one that is made."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from tests.certificates import make_chain
from tests.localcloud.pairs.harness import Deployed, pair
from tests.tls_client import fetch

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(300)]

PROGRAM = """
web = Site("web", directory="web")
Domain(name="www.shop.example", exposes=web).attach_cert("./certs/shop_example.crt")
Domain(name="www.made.example", exposes=Site("made", directory="web"))
"""
KEYS = {"keyTypes": ["RSA_2048", "EC_prime256v1"]}
CHAIN = make_chain("www.shop.example")
FILES = {
    "web/index.html": "<!doctype html><title>Shop</title><h1>Open</h1>",
    "certs/shop_example.crt": CHAIN.certificates,
    "certs/shop_example.key": CHAIN.key,
}


def port_of(deployed: Deployed) -> int:
    units = json.loads(deployed.deployment.klotho("status", "--json").stdout)["units"]
    return int(next(unit["address"] for unit in units if unit["name"] == "www.shop.example").rpartition(":")[2])


def arn_of(deployed: Deployed) -> str:
    """What the distribution got: the deployer imported it."""
    known = deployed.client("acm").list_certificates(Includes=KEYS)
    (certificate,) = [item for item in known["CertificateSummaryList"] if item["Type"] == "IMPORTED"]
    return str(certificate["CertificateArn"])


@pair("exposes", "Domain", "Site")
def test_a_domain_leads_to_its_site_and_no_other_name_does(deployed: Deployed) -> None:
    port = port_of(deployed)
    answer = fetch("www.shop.example", port, "/", trusting=CHAIN.root)
    assert answer.status == 200 and "<h1>Open</h1>" in answer.text
    with pytest.raises(OSError):
        fetch("other.example", port, "/", trusting=CHAIN.root)
    with pytest.raises(OSError):
        fetch("www.shop.example", port, "/", trusting=None)
    assert fetch("www.shop.example", port, "/", trusting=CHAIN.root, host_header="evil.example").status == 403
    configs = [item["DistributionConfig"] for item in deployed.resources("AWS::CloudFront::Distribution")]
    assert {item["ViewerCertificate"]["MinimumProtocolVersion"] for item in configs} == {"TLSv1.2_2021"}
    described = deployed.client("acm").describe_certificate(CertificateArn=arn_of(deployed))["Certificate"]
    assert described["DomainName"] == "www.shop.example"


def test_a_certificate_that_nobody_gave_is_made_and_proved_by_its_record(deployed: Deployed) -> None:
    acm, dns = deployed.client("acm"), deployed.client("route53")
    (made,) = [
        item
        for item in acm.list_certificates(Includes=KEYS)["CertificateSummaryList"]
        if item["Type"] == "AMAZON_ISSUED"
    ]
    assert made["Status"] == "ISSUED" and made["DomainName"] == "www.made.example"
    described = acm.describe_certificate(CertificateArn=made["CertificateArn"])["Certificate"]
    record = described["DomainValidationOptions"][0]["ResourceRecord"]
    zone = dns.list_hosted_zones_by_name(DNSName="www.made.example")["HostedZones"][0]["Id"]
    (kept,) = dns.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    assert (kept["Name"], kept["ResourceRecords"]) == (record["Name"], [{"Value": record["Value"]}])
    root = (deployed.deployment.state_home / "klotho/.ca/klotho-local-ca.pem").read_text()
    answer = fetch("www.made.example", port_of(deployed), "/", trusting=root)
    assert answer.status == 200 and "<h1>Open</h1>" in answer.text
    with pytest.raises(OSError):
        fetch("www.made.example", port_of(deployed), "/", trusting=CHAIN.root)


def test_a_certificate_is_pending_until_its_record_is_there(deployed: Deployed) -> None:
    acm, dns = deployed.client("acm"), deployed.client("route53")
    arn = acm.request_certificate(DomainName="late.example", ValidationMethod="DNS")["CertificateArn"]
    pending = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    assert pending["Status"] == "PENDING_VALIDATION"
    with pytest.raises(acm.exceptions.RequestInProgressException):
        acm.get_certificate(CertificateArn=arn)
    record = pending["DomainValidationOptions"][0]["ResourceRecord"]
    resource = {"Name": record["Name"], "Type": "CNAME", "TTL": 60, "ResourceRecords": [{"Value": record["Value"]}]}
    zone = dns.list_hosted_zones_by_name(DNSName="late.example")["HostedZones"][0]["Id"]

    def change(action: str, **other: object) -> None:
        batch = {"Changes": [{"Action": action, "ResourceRecordSet": {**resource, **other}}]}
        dns.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)

    with pytest.raises(dns.exceptions.InvalidChangeBatch):
        change("DELETE")
    with pytest.raises(ClientError, match="with A records"):
        change("UPSERT", Type="A", ResourceRecords=[{"Value": "127.0.0.1"}])
    change("UPSERT")
    assert acm.describe_certificate(CertificateArn=arn)["Certificate"]["Status"] == "ISSUED"
    with pytest.raises(dns.exceptions.InvalidChangeBatch):
        change("CREATE")
    acm.delete_certificate(CertificateArn=arn)


def test_it_is_served_again_after_down_and_up(deployed: Deployed) -> None:
    deployed.deployment.klotho("down", "--yes")
    deployed.deployment.up()
    assert fetch("www.shop.example", port_of(deployed), "/", trusting=CHAIN.root).status == 200
