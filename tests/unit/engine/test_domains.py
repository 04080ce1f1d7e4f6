"""Domains: what a program may say of them, and the certificates it names."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from klotho.application import Application
from klotho.application.files import ProgramFiles
from klotho.catalogue.kinds.certificate_check import matches
from klotho.diagnostics import Diagnostic, ProgramError, Report, Severity, render_text
from klotho.emit import Bundle, render
from klotho.engine import resolve
from tests.certificates import Chain, key_text, make_chain
from tests.conftest import CompareGolden, RunProgram

START = """\
import klotho
from klotho import API, Compute, Domain

klotho.Application("shop")
api, other = API("shop-api"), API("other-api")
"""
ATTACHED = 'domain = Domain("shop.example", exposes=api)\ndomain.attach_cert("./certs/shop.crt")\n'
DAY = 86_400.0
GOOD = make_chain("shop.example")
STRANGER = make_chain("shop.example")


def build(run_program: RunProgram, tmp_path: Path, text: str, files: dict[str, str] | None = None) -> Bundle:
    application, report = run_program(START + text, files)
    assert application is not None and not report.errors, report.errors
    made = resolved(application, tmp_path, report)
    return render(made.graph, made.setting, region="eu-central-1")


def resolved(application: Application, tmp_path: Path, report: Report, days: float = 0) -> Any:
    now = time.time() + days * DAY
    return resolve(application, environment="local", files=ProgramFiles(tmp_path), report=report, now=now)


def found(
    run_program: RunProgram, tmp_path: Path, text: str, files: dict[str, str] | None = None, days: float = 0
) -> list[Diagnostic]:
    application, report = run_program(START + text, files)
    if application is not None and not report.errors:
        try:
            resolved(application, tmp_path, report, days)
        except ProgramError as error:
            return error.diagnostics
    return report.diagnostics


def files_of(chain: Chain, certificates: str | None = None, key: str | None = None) -> dict[str, str]:
    return {
        "certs/shop.crt": chain.certificates if certificates is None else certificates,
        "certs/shop.key": chain.key if key is None else key,
    }


def resources(bundle: Bundle) -> dict[str, dict[str, Any]]:
    """By type, of the domain's stack."""
    name = next(item for item in bundle.files if item.endswith("-domain.template.json"))
    return {item["Type"]: item["Properties"] for item in json.loads(bundle.files[name])["Resources"].values()}


# --- what a program says ---


def test_a_domain_named_twice_is_one(run_program: RunProgram, tmp_path: Path) -> None:
    text = 'd = Domain(name="shop.example")\nd.attach_cert("./certs/shop.crt")\n'
    again = 'Domain(name="Shop.Example.", exposes=api)\nDomain("shop.example", exposes=api)\n'
    made = build(run_program, tmp_path, text + again, files_of(GOOD))
    assert sorted(resources(made)) == ["AWS::ApiGatewayV2::ApiMapping", "AWS::ApiGatewayV2::DomainName"]
    assert [(step.step, dict(step.properties)) for step in made.manifest.steps] == [
        ("certificate", {"certificate": "certs/shop.crt", "key": "certs/shop.key", "domain": "shop.example"})
    ]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('Domain("shop.example", exposes=api)\nDomain("shop.example", exposes=other)\n', "exposes"),
        ('Domain("shop.example", exposes=api, zone="Z1")\nDomain("shop.example", zone="Z2")\n', "zone"),
        ('d = Domain("shop.example", exposes=api)\nd.attach_cert("a.crt")\nd.attach_cert("b.crt")\n', "certificate"),
        ('d = Domain("shop.example", exposes=api)\nd.attach_cert("a.crt")\nd.attach_cert("a.crt", "b.key")\n', "key"),
    ],
)
def test_a_contradiction_names_both_lines(text: str, what: str, run_program: RunProgram, tmp_path: Path) -> None:
    said = found(run_program, tmp_path, text)
    assert [item.code for item in said] == ["domain-contradiction"]
    assert f"two different values of `{what}`" in said[0].message
    assert len({label.span.line for label in said[0].labels}) == 2


@pytest.mark.parametrize(
    "name", ["https://shop.example/", "shop", "*.shop.example", "shop_x.example", "-a.example", ""]
)
def test_what_is_no_host_name_is_refused_with_what_to_write(name: str, run_program: RunProgram, tmp_path: Path) -> None:
    said = found(run_program, tmp_path, f"Domain({name!r}, exposes=api)\n")
    assert said and said[0].severity is Severity.ERROR
    assert said[0].helps or " must be " in said[0].message


def test_a_domain_that_leads_nowhere_is_warned_about(run_program: RunProgram, tmp_path: Path) -> None:
    said = found(run_program, tmp_path, 'Domain("shop.example")\n')
    assert [(item.code, item.severity) for item in said] == [("domain-exposes-nothing", Severity.WARNING)]


@given(st.text(max_size=40))
def test_any_text_as_a_name_is_taken_or_refused(text: str) -> None:
    from klotho.sdk.domain import _read_host
    from klotho.sdk.readers import Wrong

    try:
        host = _read_host(text)
    except Wrong:
        return
    assert host == _read_host(host) and "." in host


# --- what it becomes ---


def test_without_a_certificate_one_is_made_in_the_zone_that_the_deployer_finds(
    run_program: RunProgram, tmp_path: Path
) -> None:
    made = build(run_program, tmp_path, 'Domain("shop.example", exposes=api)\n')
    parts = resources(made)
    zone = {"Ref": "ShopExample0f5946ZoneId"}
    assert parts["AWS::CertificateManager::Certificate"]["DomainValidationOptions"] == [
        {"DomainName": "shop.example", "HostedZoneId": zone}
    ]
    assert parts["AWS::Route53::RecordSet"]["HostedZoneId"] == zone
    assert [step.step for step in made.manifest.steps] == ["zone"]


def test_a_certificate_for_a_site_is_asked_for_by_the_deployer(run_program: RunProgram, tmp_path: Path) -> None:
    files = {"web/index.html": "<h1>Shop</h1>"}
    text = 'from klotho import Site\nDomain("shop.example", exposes=Site("web", directory="web"))\n'
    made = build(run_program, tmp_path, text, files)
    assert sorted((step.step, dict(step.properties)) for step in made.manifest.steps) == [
        ("cdn-certificate", {"domain": "shop.example"}),
        ("zone", {"domain": "shop.example", "cloudfront": True}),
    ]
    template = json.loads(made.files["cloudformation/web-site.template.json"])
    (distribution,) = [item for item in template["Resources"].values() if item["Type"].endswith("Distribution")]
    viewer = distribution["Properties"]["DistributionConfig"]["ViewerCertificate"]
    parameter = viewer["AcmCertificateArn"]["Ref"]
    assert parameter.isalnum() and parameter in template["Parameters"]
    given = build(run_program, tmp_path, text.replace('"shop.example",', '"shop.example", zone="Z1A",'), files)
    assert [dict(step.properties) for step in given.manifest.steps] == [{"domain": "shop.example", "zone": "Z1A"}]


def test_a_zone_and_a_certificate_that_are_given_need_no_step(run_program: RunProgram, tmp_path: Path) -> None:
    arn = "arn:aws:acm:eu-central-1:123456789012:certificate/0a1b"
    made = build(run_program, tmp_path, f'Domain("shop.example", exposes=api, zone="Z1A", certificate="{arn}")\n')
    parts = resources(made)
    assert made.manifest.steps == ()
    assert parts["AWS::Route53::RecordSet"]["HostedZoneId"] == "Z1A"
    assert parts["AWS::ApiGatewayV2::DomainName"]["DomainNameConfigurations"] == [
        {"CertificateArn": arn, "EndpointType": "REGIONAL", "SecurityPolicy": "TLS_1_2"}
    ]


def test_no_key_and_no_certificate_gets_into_what_is_built(run_program: RunProgram, tmp_path: Path) -> None:
    application, report = run_program(START + ATTACHED, files_of(GOOD))
    assert application is not None
    made = resolved(application, tmp_path, report)
    from klotho.application import to_json
    from klotho.resources import graph_to_json

    bundle = render(made.graph, made.setting, region="eu-central-1")
    everything = json.dumps([to_json(application), graph_to_json(made.graph)]) + repr(bundle.files)
    for line in (GOOD.key + GOOD.certificates).splitlines():
        assert line.startswith("-----") or line not in everything


# --- the files ---

_RSA_SMALL = rsa.generate_private_key(65537, 1024)
_ENCRYPTED = key_text(ec.generate_private_key(ec.SECP256R1()), b"secret")
WRONG: dict[str, tuple[dict[str, str], float]] = {
    "absent": ({}, 0),
    "key-absent": ({"certs/shop.crt": GOOD.certificates}, 0),
    "outside": (files_of(GOOD), 0),
    "not-pem": (files_of(GOOD, certificates="\x00DER"), 0),
    "swapped": ({"certs/shop.crt": GOOD.key, "certs/shop.key": GOOD.certificates}, 0),
    "damaged": (files_of(GOOD, certificates=GOOD.leaf.replace("MII", "MIJ", 1)), 0),
    "damaged-key": (files_of(GOOD, key=GOOD.key[:60] + GOOD.key[90:]), 0),
    "encrypted-key": (files_of(GOOD, key=_ENCRYPTED), 0),
    "other-key": (files_of(GOOD, key=STRANGER.key), 0),
    "wrong-order": (files_of(GOOD, certificates=GOOD.intermediate + GOOD.leaf), 0),
    "unrelated-issuer": (files_of(GOOD, certificates=GOOD.leaf + STRANGER.intermediate), 0),
    "gap": (files_of(GOOD, certificates=GOOD.leaf + GOOD.root + GOOD.intermediate), 0),
    "no-chain": (files_of(GOOD, certificates=GOOD.leaf), 0),
    "other-host": (files_of(make_chain("*.shop.example", "www.example")), 0),
    "no-host": (files_of(make_chain()), 0),
    "rsa-1024": (files_of(make_chain("shop.example", key=_RSA_SMALL)), 0),
    "k1": (files_of(make_chain("shop.example", key=ec.generate_private_key(ec.SECP256K1()))), 0),
    "ed25519": (files_of(GOOD, key=key_text(ed25519.Ed25519PrivateKey.generate())), 0),
    "expired": (files_of(GOOD), 91),
    "not-yet": (files_of(GOOD), -10),
    "soon": (files_of(GOOD), 61),
}


def test_every_wrong_certificate_is_shown_like_this(
    run_program: RunProgram, tmp_path: Path, golden: CompareGolden
) -> None:
    """Messages, whole; dates are put out, since the certificates are made anew each time."""
    import re
    import shutil

    shown = []
    for name, (files, days) in WRONG.items():
        shutil.rmtree(tmp_path / "certs", ignore_errors=True)
        text = ATTACHED.replace("./certs", "../certs") if name == "outside" else ATTACHED
        said = found(run_program, tmp_path, text, files, days)
        assert said, name
        if name != "soon":
            assert all(item.helps for item in said), name
        rendered = render_text(said, tmp_path)
        assert "PRIVATE KEY-----" not in rendered
        shown.append(f"## {name}\n{re.sub(r'[0-9]{4}-[0-9]{2}-[0-9]{2}', 'DATE', rendered)}")
    text = "\n\n".join(shown).replace(tmp_path.name, "FOLDER")
    golden(Path(__file__).parents[2] / "golden" / "certificates.txt", text + "\n")


@pytest.mark.parametrize(
    "chain",
    [
        GOOD,
        make_chain("*.example", "shop.example"),
        make_chain("SHOP.example", key=rsa.generate_private_key(65537, 2048)),
        make_chain("shop.example", key=ec.generate_private_key(ec.SECP384R1())),
    ],
)
def test_a_right_certificate_says_nothing(chain: Chain, run_program: RunProgram, tmp_path: Path) -> None:
    assert found(run_program, tmp_path, ATTACHED, files_of(chain)) == []
    with_root = files_of(chain, certificates=chain.certificates + chain.root)
    assert found(run_program, tmp_path, ATTACHED, with_root) == []


@given(st.binary(max_size=400), st.binary(max_size=400))
def test_any_files_are_taken_or_refused(certificate: bytes, key: bytes) -> None:
    import tempfile

    from klotho.sdk.program import run

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "certs").mkdir()
        (folder / "certs/shop.crt").write_bytes(b"-----BEGIN CERTIFICATE-----\n" + certificate)
        (folder / "certs/shop.key").write_bytes(b"-----BEGIN PRIVATE KEY-----\n" + key)
        (folder / "infra.py").write_text(START + ATTACHED)
        application, report = run(folder / "infra.py")
        assert application is not None
        with pytest.raises(ProgramError):
            resolved(application, folder, report)


@pytest.mark.parametrize(
    ("host", "name", "covered"),
    [
        ("shop.example", "shop.example", True),
        ("www.shop.example", "*.shop.example", True),
        ("shop.example", "*.shop.example", False),
        ("a.b.shop.example", "*.shop.example", False),
        ("shop.example", "*.example", True),
        ("xshop.example", "shop.example", False),
    ],
)
def test_a_wildcard_stands_for_one_label(host: str, name: str, covered: bool) -> None:
    assert matches(host, name) is covered
