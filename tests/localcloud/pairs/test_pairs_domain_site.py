"""A domain that exposes a site: the CDN answers to its name, over TLS by the given certificate."""

from __future__ import annotations

import json

import pytest

from tests.certificates import make_chain
from tests.localcloud.pairs.harness import Deployed, pair
from tests.tls_client import fetch

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(300)]

PROGRAM = """
web = Site("web", directory="web")
Domain(name="www.shop.example", exposes=web).attach_cert("./certs/shop_example.crt")
"""
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
    known = deployed.client("acm").list_certificates(Includes={"keyTypes": ["RSA_2048", "EC_prime256v1"]})
    (certificate,) = known["CertificateSummaryList"]
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
    (config,) = [item["DistributionConfig"] for item in deployed.resources("AWS::CloudFront::Distribution")]
    assert config["ViewerCertificate"]["MinimumProtocolVersion"] == "TLSv1.2_2021"
    described = deployed.client("acm").describe_certificate(CertificateArn=arn_of(deployed))["Certificate"]
    assert described["DomainName"] == "www.shop.example"


def test_it_is_served_again_after_down_and_up(deployed: Deployed) -> None:
    deployed.deployment.klotho("down", "--yes")
    deployed.deployment.up()
    assert fetch("www.shop.example", port_of(deployed), "/", trusting=CHAIN.root).status == 200
