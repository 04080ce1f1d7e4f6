"""The certificates of one local cloud.

Facts are rows of the state database; certificate, chain and key are files of a folder per version, the key readable by
this user alone. A row names its version, so a certificate is swapped at once and whole, also by a kill -9 in between.
Input: PEM, or a host name to issue for. Output: `Certificate`s. Refuses, as ApiError with ACM's codes, what ACM does.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from klotho.localcloud import identity
from klotho.localcloud.database import Database
from klotho.localcloud.service import ApiError
from klotho.localcloud.services.acm.authority import FOLDER, Authority, write_private
from klotho.localcloud.services.route53 import Records

if TYPE_CHECKING:
    from cryptography import x509

    from klotho.localcloud.world import World

RENEW_S = 60 * 86_400
"""How long before its end ACM renews what it issued (ACM User Guide, managed renewal: 60 days)."""
MAX_TAGS = 50
REQUESTED = "request/"
"""How tokens of certificates begin that the API was asked for; CloudFormation makes the records of its own."""
_FILES = ("certificate.pem", "chain.pem", "key.pem")
_SERVED = "served.pem"
_TABLE = """
create table if not exists certificates (
    arn text primary key, type text not null, version text not null, facts text not null, tags text not null,
    token text, created real not null
);
"""


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate, without its key."""

    arn: str
    type: str
    """`IMPORTED` or `AMAZON_ISSUED`, as ACM says it."""
    version: str
    """Changes whenever the certificate does."""
    facts: Mapping[str, Any]
    """`domain`, `names`, `not_before`, `not_after` (seconds since 1970), `algorithm`, `serial`, `issuer`, `subject`."""
    tags: Mapping[str, str]
    created: float
    requested: bool = False
    """Whether the API was asked for it, so that its record must be made by whoever asked."""


def validation_record(name: str) -> tuple[str, str]:
    """Name and value of the CNAME that proves a host name; always the same, as ACM's is within an account."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    return f"_{digest[:32]}.{name}.", f"_{digest[32:]}.acm-validations.aws."


class Certificates:
    """What ACM holds."""

    def __init__(self, database: Database, world: World, state: Path, region: str, account: str) -> None:
        """`state`: the local cloud's folder; the authority lies beside all of them."""
        self._database = database
        self._world = world
        self._folder = state / "acm"
        self.authority = Authority(state.parent.parent / FOLDER)
        self._region = region
        self._account = account
        self._records = Records(database)
        database.connection.executescript(_TABLE)

    async def start(self) -> None:
        """Remove what a crash left of versions that never counted, and renew what was issued here and ends soon."""
        live = {(self._id(item.arn), item.version) for item in self.all()}
        for path in self._folder.glob("*/*"):
            if (path.parent.name, path.name) not in live:
                shutil.rmtree(path, ignore_errors=True)
        for item in self.all():
            if item.type == "AMAZON_ISSUED" and item.facts["not_after"] < time.time() + RENEW_S:
                self._put(item.arn, item.type, *self._issued(item.facts["domain"], item.facts["names"]))

    async def stop(self) -> None:
        """Nothing runs."""

    def all(self) -> list[Certificate]:
        rows = self._database.connection.execute("select * from certificates order by created, arn")
        return [_certificate(row) for row in rows]

    def get(self, arn: str) -> Certificate:
        """ApiError `ResourceNotFoundException` for one that is not there."""
        row = self._database.connection.execute("select * from certificates where arn=?", (arn,)).fetchone()
        if row is None:
            raise ApiError("ResourceNotFoundException", f"Could not find certificate {arn}.")
        return _certificate(row)

    def pending(self, certificate: Certificate) -> bool:
        """Whether a record that proves one of its names is still to be made."""
        names = certificate.facts["names"] if certificate.requested else ()
        return not all(self._records.has(*validation_record(name)) for name in names)

    def usable(self, arn: str) -> Certificate:
        """One that is issued; ApiError `ResourceNotFoundException` or `InvalidStateException`."""
        found = self.get(arn)
        if self.pending(found):
            raise ApiError("InvalidStateException", f"The certificate {arn} is not issued: PENDING_VALIDATION.")
        return found

    def texts(self, certificate: Certificate) -> tuple[str, str]:
        """Certificate and chain of its present version, in PEM."""
        folder = self._folder_of(certificate)
        return (folder / _FILES[0]).read_text(), (folder / _FILES[1]).read_text()

    def served(self, certificate: Certificate) -> tuple[Path, Path]:
        """The files a TLS server loads: certificate with chain, and key."""
        folder = self._folder_of(certificate)
        return folder / _SERVED, folder / _FILES[2]

    def _folder_of(self, certificate: Certificate) -> Path:
        return self._folder / self._id(certificate.arn) / certificate.version

    def import_(
        self, certificate: bytes, chain: bytes, key: bytes, tags: Mapping[str, str], arn: str | None = None
    ) -> str:
        """Keep a certificate of somebody else's; into an `arn` that is there, which goes on being used."""
        facts = _checked(certificate, chain, key)
        if arn is None:
            arn = self._arn(str(uuid.uuid4()))
            self._put(arn, "IMPORTED", facts, (certificate, chain, key), tags=tags)
            return arn
        if self.get(arn).type != "IMPORTED":
            raise ApiError("ValidationException", f"The certificate {arn} was not imported.")
        if tags:
            raise ApiError("ValidationException", "You can't apply tags to a certificate while importing it again.")
        self._put(arn, "IMPORTED", facts, (certificate, chain, key))
        return arn

    def issue(self, domain: str, others: Iterable[str], tags: Mapping[str, str], token: str) -> str:
        """Issue one; again for the same token, it is the same."""
        row = self._database.connection.execute("select arn from certificates where token=?", (token,)).fetchone()
        if row is not None:
            return str(row["arn"])
        arn = self._arn(identity.uuid_of(token, "acm"))
        self._put(arn, "AMAZON_ISSUED", *self._issued(domain, others), tags=tags, token=token)
        return arn

    def in_use(self, arn: str) -> list[str]:
        """The identifiers of live resources that name it."""
        return sorted(record.identifier for record in self._world.all() if _names(record.properties, arn))

    def delete(self, arn: str) -> None:
        """ApiError `ResourceInUseException` while something uses it."""
        self.get(arn)
        users = self.in_use(arn)
        if users:
            raise ApiError("ResourceInUseException", f"Certificate {arn} is in use by {', '.join(users)}.")
        with self._database.transaction() as connection:
            connection.execute("delete from certificates where arn=?", (arn,))
        shutil.rmtree(self._folder / self._id(arn), ignore_errors=True)

    def tag(self, arn: str, tags: Mapping[str, str], removed: Iterable[str] = ()) -> None:
        known = {name: value for name, value in self.get(arn).tags.items() if name not in set(removed)}
        merged = {**known, **tags}
        if len(merged) > MAX_TAGS:
            raise ApiError("TooManyTagsException", f"A certificate has at most {MAX_TAGS} tags.")
        with self._database.transaction() as connection:
            connection.execute("update certificates set tags=? where arn=?", (_json(merged), arn))

    def retag(self, arn: str, tags: Mapping[str, str]) -> None:
        """Exactly these tags."""
        self.tag(arn, tags, removed=self.get(arn).tags)

    def _issued(self, domain: str, others: Iterable[str]) -> tuple[dict[str, Any], tuple[bytes, bytes, bytes]]:
        issued = self.authority.issue(domain, tuple(others))
        return _checked(*issued), tuple(issued)  # type: ignore[return-value]

    def _put(
        self,
        arn: str,
        type_: str,
        facts: Mapping[str, Any],
        files: tuple[bytes, bytes, bytes],
        tags: Mapping[str, str] | None = None,
        token: str | None = None,
    ) -> None:
        """Store a version; what the row said before counts until it says this one."""
        version = uuid.uuid4().hex
        folder = self._folder / self._id(arn) / version
        folder.mkdir(parents=True, mode=0o700)
        for name, content in zip(_FILES, files, strict=True):
            write_private(folder / name, content)
        write_private(folder / _SERVED, files[0].rstrip() + b"\n" + files[1])
        with self._database.transaction() as connection:
            connection.execute(
                "insert into certificates values (?,?,?,?,?,?,?) on conflict (arn) do update set "
                "version=excluded.version, facts=excluded.facts",
                (arn, type_, version, _json(facts), _json(tags or {}), token, time.time()),
            )
        for former in folder.parent.iterdir():
            if former.name != version:
                shutil.rmtree(former, ignore_errors=True)

    def _arn(self, identifier: str) -> str:
        return identity.arn("acm", f"certificate/{identifier}", self._region, self._account)

    def _id(self, arn: str) -> str:
        return arn.rpartition("/")[2]


def _certificate(row: Any) -> Certificate:
    facts, tags = orjson.loads(row["facts"]), orjson.loads(row["tags"])
    requested = str(row["token"] or "").startswith(REQUESTED)
    return Certificate(row["arn"], row["type"], row["version"], facts, tags, row["created"], requested)


def _names(value: Any, arn: str) -> bool:
    if isinstance(value, Mapping):
        return any(_names(item, arn) for item in value.values())
    return any(_names(item, arn) for item in value) if isinstance(value, list) else bool(value == arn)


def _json(value: Mapping[str, Any]) -> str:
    return orjson.dumps(value).decode()


def _checked(certificate: bytes, chain: bytes, key: bytes) -> dict[str, Any]:
    """The facts of a certificate; ApiError `ValidationException`, which never holds any of the key."""
    from cryptography import x509

    try:
        leaf = x509.load_pem_x509_certificate(certificate)
        issuers = x509.load_pem_x509_certificates(chain) if chain.strip() else []
    except ValueError:
        raise _invalid("The certificate or its chain is not a valid PEM certificate.") from None
    _check_key(leaf, key)
    for item, issuer in zip([leaf, *issuers], issuers, strict=False):
        try:
            item.verify_directly_issued_by(issuer)
        except Exception:  # any reason means the same: it does not sign the one before it
            raise _invalid("Could not validate the certificate with the certificate chain.") from None
    if leaf.not_valid_after_utc.timestamp() <= time.time():
        raise _invalid("The certificate has expired.")
    return _facts(leaf)


def _check_key(leaf: x509.Certificate, key: bytes) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    public = None
    with contextlib.suppress(Exception):  # whatever is wrong with it, nothing of it may get into a message
        public = load_pem_private_key(key, None).public_key().public_bytes(*form)
    if public is None:
        raise _invalid("The private key is not supported: it must be an unencrypted PEM key.")
    if public != leaf.public_key().public_bytes(*form):
        raise _invalid("The certificate and the private key do not match.")


def _facts(leaf: x509.Certificate) -> dict[str, Any]:
    from cryptography.x509 import DNSName, ExtensionNotFound, SubjectAlternativeName
    from cryptography.x509.oid import NameOID

    names: list[str] = []
    with contextlib.suppress(ExtensionNotFound):
        extension = leaf.extensions.get_extension_for_class(SubjectAlternativeName)
        names = [str(name) for name in extension.value.get_values_for_type(DNSName)]
    common = [str(item.value) for item in leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    return {
        "domain": (names or common or [""])[0],
        "names": names or common,
        "not_before": _seconds(leaf.not_valid_before_utc),
        "not_after": _seconds(leaf.not_valid_after_utc),
        "algorithm": _algorithm(leaf),
        "serial": ":".join(f"{byte:02x}" for byte in leaf.serial_number.to_bytes(20, "big").lstrip(b"\0")),
        "issuer": leaf.issuer.rfc4514_string(),
        "subject": leaf.subject.rfc4514_string(),
    }


def _seconds(moment: datetime) -> float:
    return moment.timestamp()


def _algorithm(leaf: x509.Certificate) -> str:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    key = leaf.public_key()
    if isinstance(key, RSAPublicKey):
        return f"RSA_{key.key_size}"
    if isinstance(key, EllipticCurvePublicKey):
        return f"EC_{'prime256v1' if key.curve.name == 'secp256r1' else key.curve.name}"
    raise _invalid("The key algorithm is not supported.")


def _invalid(message: str) -> ApiError:
    return ApiError("ValidationException", message)
