"""The certificate authority of this machine: it signs what the local cloud's ACM issues.

Made once and kept in `<state root>/klotho/.ca/`: `klotho-local-ca.pem`, which a person may choose to trust, and its
key, readable by this user alone. Input: a host name. Output: a certificate chain and key in PEM. Two processes that
make it at the same time end up with one: the folder is put in place whole.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.x509 import Certificate, Name

FOLDER = ".ca"
CERTIFICATE, KEY = "klotho-local-ca.pem", "klotho-local-ca.key"
ROOT_DAYS = 3650
LEAF_DAYS = 198
"""What ACM gives (ACM User Guide, certificate characteristics), and below what browsers allow."""
_BACKDATED = timedelta(hours=1)
"""For clocks that differ a little, as between a machine and its virtual machines."""


class Issued(NamedTuple):
    """A certificate with its key, all PEM."""

    certificate: bytes
    chain: bytes
    key: bytes


class Authority:
    """Signs certificates; made when first needed."""

    def __init__(self, folder: Path) -> None:
        """`folder`: where it is kept, the same for all local clouds of this user."""
        self._folder = folder

    @property
    def certificate_file(self) -> Path:
        """What clients need to trust to trust everything issued here."""
        return self._folder / CERTIFICATE

    def ensure(self) -> Path:
        """`certificate_file`, made when there is none yet."""
        if not self.certificate_file.is_file():
            self._make()
        return self.certificate_file

    def issue(self, host: str, others: tuple[str, ...] = (), addresses: tuple[str, ...] = ()) -> Issued:
        """A certificate for these host names and IP addresses."""
        import ipaddress

        from cryptography import x509
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.serialization import Encoding
        from cryptography.x509.oid import ExtendedKeyUsageOID

        root, root_key = self._root()
        key = _new_key()
        names: list[x509.GeneralName] = [x509.DNSName(name) for name in dict.fromkeys((host, *others))]
        names += [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(_name(host))
            .issuer_name(root.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _BACKDATED)
            .not_valid_after(now + timedelta(days=LEAF_DAYS))
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
            .sign(root_key, SHA256())
        )
        return Issued(made.public_bytes(Encoding.PEM), root.public_bytes(Encoding.PEM), key_pem(key))

    def _root(self) -> tuple[Certificate, EllipticCurvePrivateKey]:
        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        self.ensure()
        key = load_pem_private_key((self._folder / KEY).read_bytes(), None)
        assert isinstance(key, EllipticCurvePrivateKey)
        return x509.load_pem_x509_certificate(self.certificate_file.read_bytes()), key

    def _make(self) -> None:
        from cryptography.hazmat.primitives.serialization import Encoding

        self._folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = _new_key()
        draft = Path(tempfile.mkdtemp(prefix=".ca-", dir=self._folder.parent))
        try:
            write_private(draft / KEY, key_pem(key))
            (draft / CERTIFICATE).write_bytes(_root_certificate(key).public_bytes(Encoding.PEM))
            with contextlib.suppress(OSError):  # another process was first, and its authority counts
                draft.rename(self._folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only this user may read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def key_pem(key: EllipticCurvePrivateKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _new_key() -> EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def _name(common: str) -> Name:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common[:64])])


def _root_certificate(key: EllipticCurvePrivateKey) -> Certificate:
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256

    now, name = datetime.now(UTC), _name("Klotho local cloud authority")
    usage = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + timedelta(days=ROOT_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, SHA256())
    )
