"""Certificates made for tests: a root, an intermediate and a leaf, as an authority would give them out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


class Chain(NamedTuple):
    """All PEM text."""

    leaf: str
    intermediate: str
    root: str
    key: str

    @property
    def certificates(self) -> str:
        """What an authority gives out: the leaf and the intermediate."""
        return self.leaf + self.intermediate


def make_chain(*hosts: str, days: float = 90, begins: float = -1, key: Any = None) -> Chain:
    """`days` and `begins`: the leaf's end and begin, in days from now; `key`: the leaf's, by default on P-256."""
    now = datetime.now(UTC)
    leaf_key = key or ec.generate_private_key(ec.SECP256R1())
    root_key, middle_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    long = (now - timedelta(days=400), now + timedelta(days=3650))
    root = _signed("Root", root_key, "Root", root_key, long, ca=True)
    middle = _signed("Middle", middle_key, "Root", root_key, long, ca=True)
    span = (now + timedelta(days=begins), now + timedelta(days=days))
    leaf = _signed(hosts[0] if hosts else "nobody", leaf_key, "Middle", middle_key, span, hosts=hosts)
    return Chain(*(_text(item) for item in (leaf, middle, root)), key_text(leaf_key))


def key_text(key: Any, password: bytes | None = None) -> str:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    text: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    return text.decode()


def _signed(
    name: str,
    key: Any,
    issuer: str,
    issuer_key: Any,
    span: tuple[datetime, datetime],
    *,
    ca: bool = False,
    hosts: tuple[str, ...] = (),
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(span[0])
        .not_valid_after(span[1])
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if hosts:
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(issuer_key, SHA256())


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _text(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()
