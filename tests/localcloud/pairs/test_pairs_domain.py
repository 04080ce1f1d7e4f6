"""A domain that exposes an API: TLS by the given certificate, for its own name and no other."""

from __future__ import annotations

import json

import pytest

from tests.certificates import make_chain
from tests.localcloud.pairs.harness import Deployed, pair
from tests.tls_client import fetch

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(300)]

PROGRAM = """
unit, boxed = function("unit"), container("boxed")
shop = Domain(name="shop.example")
shop.attach_cert("./certs/shop_example.crt")
shop = Domain(name="shop.example", exposes=door)
Domain("made.example", exposes=door)
"""
CHAIN = make_chain("shop.example")
FILES = {"certs/shop_example.crt": CHAIN.certificates, "certs/shop_example.key": CHAIN.key}


def port_of(deployed: Deployed) -> int:
    units = json.loads(deployed.deployment.klotho("status", "--json").stdout)["units"]
    return int(next(unit["address"] for unit in units if unit["name"] == "shop.example").rpartition(":")[2])


@pair("exposes", "Domain", "API")
def test_a_domain_leads_to_its_api_with_its_own_certificate(deployed: Deployed) -> None:
    port = port_of(deployed)
    for unit in ("unit", "boxed"):
        answer = fetch("shop.example", port, f"/{unit}", trusting=CHAIN.root, body='return os.environ["KLOTHO_UNIT"]')
        assert answer.status == 200 and answer.json == {"value": unit}
    assert fetch("shop.example", port, "/nobody", trusting=CHAIN.root).status == 404


def test_what_is_not_deployed_is_refused(deployed: Deployed) -> None:
    port = port_of(deployed)
    with pytest.raises(OSError):
        fetch("other.example", port, "/unit", trusting=CHAIN.root)
    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        fetch("made.example", port, "/unit", trusting=CHAIN.root)
    assert fetch("shop.example", port, "/unit", trusting=CHAIN.root, host_header="evil.example").status == 403
    with pytest.raises(OSError):
        fetch("shop.example", port, "/unit", trusting=None)


def test_a_certificate_nobody_gave_is_signed_by_this_machines_authority(deployed: Deployed) -> None:
    authority = (deployed.deployment.state_home / "klotho/.ca/klotho-local-ca.pem").read_text()
    assert fetch("made.example", port_of(deployed), "/nobody", trusting=authority).status == 404
