"""Certificate files a program names, checked where they are named.

Input: a PEM file with the certificate and its chain, and one with the private key. Refuses what ACM would refuse when
it imports them, and what browsers would refuse afterwards: no PEM, an encrypted key, a key that is not the
certificate's, a chain that is incomplete or in another order, a validity that is over, another host name. Contents are
read and dropped: no message, template or plan holds any of them. Sources: ACM User Guide, "Prerequisites for importing
certificates" (formats, key algorithms); RFC 5280 (validity), RFC 6125 (matching of host names).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from klotho.application import Construct
from klotho.catalogue.kinds.file_check import refuses_outside
from klotho.catalogue.rules import Setting
from klotho.diagnostics import Report

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

FILE, KEY_FILE = "certificate_file", "key_file"
"""The properties in which `attach_cert` puts the paths."""
SOON = timedelta(days=30)
"""How long before the end of its validity a certificate is warned about."""
_RSA_BITS = (2048, 3072, 4096)
_CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
_KEY_TYPES = "RSA with 2048, 3072 or 4096 bits, or an elliptic curve key on P-256, P-384 or P-521"
_ORDER = "put the certificate first, then the one that signed it, and so on"
_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----")

Refuse = Callable[..., None]


def check_certificate(construct: Construct, setting: Setting, report: Report) -> None:
    """Report what is wrong with the files, each at the line of `attach_cert`."""
    certificate, key = (str(construct.properties[name]) for name in (FILE, KEY_FILE))
    texts = [_text(construct, *item, setting, report) for item in ((FILE, certificate), (KEY_FILE, key))]
    if texts[0] is None or texts[1] is None:
        return

    def refuse(code: str, message: str, *helps: str, argument: str = FILE) -> None:
        report.error(code, message, construct.place(argument), helps=helps)

    chain = _certificates(certificate, texts[0], refuse)
    public = _public_key(key, texts[1], lambda *rest: refuse(*rest, argument=KEY_FILE))
    if not chain or public is None:
        return
    if _leads(certificate, key, chain, public, refuse):
        _check_chain(certificate, chain, refuse)
        _check_name(certificate, chain[0], construct.name, refuse)
        _check_validity(construct, certificate, chain, setting, report)


def _text(construct: Construct, argument: str, path: str, setting: Setting, report: Report) -> str | None:
    if refuses_outside(construct, argument, path, setting, report):
        return None
    if setting.files.is_file(path):
        text = setting.files.read(path)
        return "" if text is None else text  # what is no text is no PEM, which is said below
    what = "certificate" if argument == FILE else "private key"
    report.error(
        "certificate-missing",
        f"there is no {what} of {construct.title} at `{path}`",
        construct.place(argument),
        helps=[
            "correct the path: it starts at the program's folder"
            if argument == FILE
            else 'name the key\'s file: `attach_cert("…", key="certs/shop.key")`'
        ],
    )
    return None


def _certificates(path: str, text: str, refuse: Refuse) -> list[Certificate]:
    from cryptography import x509

    found = _BLOCK.findall(text)
    if "CERTIFICATE" not in found:
        held = f"; it holds a {found[0].lower()}" if found else ""
        convert = f"convert it: `openssl x509 -inform der -in {path} -out certificate.pem`"
        convert = "give the file that holds the certificate" if found else convert
        refuse("bad-certificate", f"`{path}` holds no certificate in PEM form{held}", convert)
        return []
    try:
        return x509.load_pem_x509_certificates(text.encode())
    except ValueError:
        refuse("bad-certificate", f"`{path}` is damaged: its certificates can't be read", "get the file again")
        return []


def _public_key(path: str, text: str, refuse: Refuse) -> bytes | None:
    """The key's public half as DER; None when the key is no use, which is reported."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if "PRIVATE KEY" not in text:
        convert = f"convert it: `openssl pkey -inform der -in {path} -out private.key`"
        refuse("bad-certificate", f"`{path}` holds no private key in PEM form", convert)
        return None
    if "ENCRYPTED" in text:
        decrypt = f"decrypt it: `openssl pkey -in {path} -out private.key`, readable by you alone"
        refuse("bad-certificate", f"the private key in `{path}` is encrypted, which ACM does not take", decrypt)
        return None
    try:
        key: Any = load_pem_private_key(text.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        refuse("bad-certificate", f"`{path}` is damaged: its private key can't be read", "get the file again")
        return None
    kind = _key_type(key)
    if kind is not None:
        renew = f"make a new key and certificate: {_KEY_TYPES}"
        refuse("bad-certificate", f"the private key in `{path}` is {kind}, which ACM does not take", renew)
        return None
    return _der(key.public_key())


def _key_type(key: Any) -> str | None:
    """What the key is, if ACM does not take it."""
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    if isinstance(key, RSAPrivateKey):
        return None if key.key_size in _RSA_BITS else f"RSA with {key.key_size} bits"
    if isinstance(key, EllipticCurvePrivateKey):
        return None if key.curve.name in _CURVES else f"on the curve {key.curve.name}"
    return f"of the type {type(key).__name__.removesuffix('PrivateKey').lstrip('_')}"


def _der(public_key: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    der: bytes = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return der


def _leads(path: str, key: str, chain: list[Certificate], public: bytes, refuse: Refuse) -> bool:
    """Whether the first certificate is the one of the key."""
    owners = [index for index, item in enumerate(chain) if _der(item.public_key()) == public]
    if owners and owners[0] == 0:
        return True
    if owners:
        refuse(
            "bad-certificate", f"the certificate of the key is number {owners[0] + 1} in `{path}`, not first", _ORDER
        )
    else:
        compare = "compare `openssl x509 -noout -pubkey -in CERTIFICATE` with `openssl pkey -pubout -in KEY`"
        refuse("bad-certificate", f"the private key in `{key}` is not that of the certificate in `{path}`", compare)
    return False


def _check_chain(path: str, chain: list[Certificate], refuse: Refuse) -> None:
    for index, (item, issuer) in enumerate(pairwise(chain), 1):
        if _signed(item, issuer):
            continue
        others = [place for place, other in enumerate(chain, 1) if place != index and _signed(item, other)]
        said = f"certificate {index} in `{path}` is not signed by certificate {index + 1}"
        refuse("bad-certificate", f"{said}, but by {others[0]}" if others else said, _ORDER if others else _MISSING)
        return
    last = chain[-1]
    if not _signed(last, last) and not _is_authority(last):
        refuse(
            "bad-certificate", f"the chain in `{path}` is incomplete: who signed the certificate is not in it", _MISSING
        )


_MISSING = "append the intermediate certificates your authority gives out with it (often called `fullchain.pem`)"


def _signed(item: Certificate, issuer: Certificate) -> bool:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    try:
        item.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _is_authority(item: Certificate) -> bool:
    """An intermediate one: clients know the root above it."""
    from cryptography.x509 import BasicConstraints, ExtensionNotFound

    try:
        return item.extensions.get_extension_for_class(BasicConstraints).value.ca
    except (ExtensionNotFound, ValueError):
        return False


def _check_name(path: str, leaf: Certificate, host: str, refuse: Refuse) -> None:
    from cryptography.x509 import DNSName, ExtensionNotFound, SubjectAlternativeName

    try:
        extension = leaf.extensions.get_extension_for_class(SubjectAlternativeName)
        names = [str(name).lower() for name in extension.value.get_values_for_type(DNSName)]
    except (ExtensionNotFound, ValueError):
        names = []
    if any(matches(host, name) for name in names):
        return
    known = f"it is for {', '.join(names[:5])}" if names else "it names no host (no subject alternative name)"
    helps = (f"get a certificate for {host}", "or name the domain that it is for")
    refuse("bad-certificate", f"the certificate in `{path}` is not for {host}: {known}", *helps)


def matches(host: str, name: str) -> bool:
    """Whether a name of a certificate covers the host; `*` stands for exactly one label, the first."""
    if name.startswith("*."):
        return host.partition(".")[2] == name[2:] and bool(host.partition(".")[0])
    return host == name


def _check_validity(
    construct: Construct, path: str, chain: list[Certificate], setting: Setting, report: Report
) -> None:
    if setting.now is None:
        return
    now, place = datetime.fromtimestamp(setting.now, UTC), construct.place(FILE)
    for index, item in enumerate(chain, 1):
        which = f"the certificate in `{path}`" if index == 1 else f"certificate {index} in `{path}`"
        if item.not_valid_after_utc <= now:
            message = f"{which} expired on {item.not_valid_after_utc:%Y-%m-%d}"
            report.error("bad-certificate", message, place, helps=["renew it"])
        elif item.not_valid_before_utc > now:
            message = f"{which} is not valid before {item.not_valid_before_utc:%Y-%m-%d}"
            report.error("bad-certificate", message, place, helps=["wait until then, or use one that is valid now"])
        elif item.not_valid_after_utc <= now + SOON:
            message = f"{which} expires on {item.not_valid_after_utc:%Y-%m-%d}"
            helps = [
                "renew it and run `klotho up` again: the new file takes its place without a change of anything else"
            ]
            report.warning("certificate-expires-soon", message, place, helps=helps)
