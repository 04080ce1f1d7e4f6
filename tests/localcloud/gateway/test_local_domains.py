"""Custom domains on this machine: their certificates, their key's secrecy, and what survives a kill -9."""

from __future__ import annotations

import json
import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.certificates import Chain, make_chain
from tests.localcloud.pairs.harness import Deployed
from tests.tls_client import fetch

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(300)]

PROGRAM = """
unit = function("unit")
shop = Domain("shop.example", exposes=door)
shop.attach_cert("certs/shop.crt")
"""
FIRST, SECOND = make_chain("shop.example"), make_chain("shop.example")


def files_of(chain: Chain) -> dict[str, str]:
    return {"certs/shop.crt": chain.certificates, "certs/shop.key": chain.key}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Deployed]:
    made = Deployed(tmp_path, PROGRAM, files_of(FIRST))
    try:
        made.deployment.up()
        yield made
    finally:
        left = made.deployment.end()
    assert left == []


def port_of(shop: Deployed) -> int:
    units = json.loads(shop.deployment.klotho("status", "--json").stdout)["units"]
    return int(next(unit["address"] for unit in units if unit["kind"] == "domain").rpartition(":")[2])


def test_it_is_printed_survives_a_kill_and_takes_a_new_certificate_without_a_restart(shop: Deployed) -> None:
    port = port_of(shop)
    assert fetch("shop.example", port, "/nobody", trusting=FIRST.root).status == 404
    os.kill(shop.deployment.supervisor["pid"], signal.SIGKILL)
    shown = shop.deployment.klotho("up", "--yes")
    assert f"https://shop.example:{port} → `curl --resolve shop.example:{port}:127.0.0.1" in shown.stdout + shown.stderr
    assert fetch("shop.example", port, "/nobody", trusting=FIRST.root).status == 404
    pid = shop.deployment.supervisor["pid"]
    for name, text in files_of(SECOND).items():
        (shop.deployment.folder / name).write_text(text)
    assert set(shop.deployment.up().values()) == {"unchanged"}, "the same ARN: no stack changes"
    assert fetch("shop.example", port, "/nobody", trusting=SECOND.root).status == 404
    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        fetch("shop.example", port, "/nobody", trusting=FIRST.root)
    assert shop.deployment.supervisor["pid"] == pid
    no_key_is_anywhere_else(shop)


def no_key_is_anywhere_else(shop: Deployed) -> None:
    """The canary is the key itself: its lines are in its own files, and in nothing that was written or said."""
    shop.deployment.klotho("build")
    shop.deployment.klotho("preview", "--json")
    canaries = [line for chain in (FIRST, SECOND) for line in chain.key.splitlines() if not line.startswith("-----")]
    assert len(canaries) >= 4
    said = "".join(shop.deployment.output)
    assert not any(line in said for line in canaries)
    kept = []
    for root in (shop.deployment.folder, shop.deployment.state_home):
        for file in root.rglob("*"):
            if file.is_file() and any(line.encode() in file.read_bytes() for line in canaries):
                kept.append(file)
    names = {str(file.relative_to(shop.deployment.folder)) for file in kept if file.name != "key.pem"}
    assert names == {"certs/shop.key"}
    own = [file for file in kept if file.name == "key.pem"]
    assert len(own) == 1, "of the certificate that was replaced no key is left"
    assert stat.S_IMODE(own[0].stat().st_mode) == 0o600


def test_a_domain_that_is_taken_out_is_gone_and_so_is_its_certificate(shop: Deployed) -> None:
    port = port_of(shop)
    program = shop.deployment.folder / "infra.py"
    program.write_text(program.read_text().partition("shop = Domain")[0])
    shop.deployment.up()
    with pytest.raises(OSError):
        fetch("shop.example", port, "/nobody", trusting=FIRST.root)
    assert (
        shop.client("acm").list_certificates(Includes={"keyTypes": ["EC_prime256v1"]})["CertificateSummaryList"] == []
    )
