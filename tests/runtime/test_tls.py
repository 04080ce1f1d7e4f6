"""Calls over HTTPS: a certificate that is trusted is accepted, another one is refused."""

from __future__ import annotations

import datetime
import ipaddress
import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from klotho.runtime import config, transport
from klotho.runtime.errors import AwsError

from .aws_front import Front, serve
from .conftest import ACCESS_KEY, REGION, SECRET_KEY

NODE_PROGRAM = """
    const { config } = require("@klotho/runtime");
    config.services.get("create_invoice_lambda").invoke(1).then(console.log, (error) => console.log(error.code));
"""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1, with its key beside it."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(built.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "key.pem").write_bytes(key.private_bytes(pem, pkcs8, plain))
    return folder / "cert.pem"


@pytest.fixture
def secure(certificate: Path, granted: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Front]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    front = serve(0, context)
    front.keys = {ACCESS_KEY: (SECRET_KEY, None)}
    for name, value in {
        "AWS_ENDPOINT_URL": front.url.replace("http://", "https://"),
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("klotho.runtime.aws.BACKOFF_SECONDS", 0.001)
    transport._pool.reset()
    yield front
    front.shutdown()
    front.server_close()


def test_a_trusted_certificate_is_accepted(secure: Front, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
    invoice = config.services.get("create_invoice_lambda")
    assert [invoice.invoke(1), invoice.invoke(2)] == [{"got": 1}, {"got": 2}]


def test_a_strange_certificate_is_refused(secure: Front) -> None:
    with pytest.raises(AwsError, match="certificate verify failed"):
        config.services.get("create_invoice_lambda").invoke(1)
    assert secure.calls == []


@pytest.mark.localcloud
@pytest.mark.parametrize(("bundle", "answer"), [(True, "{ got: 1 }"), (False, "ConnectionError")])
def test_node_trusts_the_same(secure: Front, certificate: Path, asset: Path, bundle: bool, answer: str) -> None:
    node = shutil.which("node")
    assert node, "Node 18 or later must be on the PATH"
    environment = {**os.environ, **({"AWS_CA_BUNDLE": str(certificate)} if bundle else {})}
    command = [node, "-e", NODE_PROGRAM]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=asset, timeout=30)
    assert done.stdout.strip() == answer, done.stderr
