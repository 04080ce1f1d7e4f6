"""Checks AWS Signature Version 4 on a request that has arrived: the other half of what every AWS SDK does.

Input: the raw request and a way to look up a key's secret. Output: the verified `Signer` and the decoded body.
Refuses, with AWS's error codes (`ApiError`): no or malformed signature, unknown key, wrong signature, a clock more
than 15 minutes off, a body that is not the one signed, and by name the forms not carried: presigned URLs, SigV4A and
chunk-signed uploads.

Source: "Signature Version 4 signing process" (AWS IAM User Guide) and "Authenticating requests" (Amazon S3 API).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import posixpath
import re
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote, unquote

from klotho.localcloud.service import ApiError, Caller

ALGORITHM = "AWS4-HMAC-SHA256"
MAX_SKEW_SECONDS = 15 * 60
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"

_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} +Credential=([^/,\s]+)/(\d{{8}})/([^/,\s]+)/([^/,\s]+)/aws4_request, *"
    r"SignedHeaders=([a-z0-9\-_.;]+), *Signature=([0-9a-f]{64})\s*"
)
_HEX64 = re.compile(r"[0-9a-f]{64}")

Lookup = Callable[[str], tuple[str, Caller] | None]


@dataclass(frozen=True, slots=True)
class Signer:
    """What a valid signature says."""

    caller: Caller
    service: str
    """The signing name in the credential scope."""
    region: str


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A request as it came over the wire."""

    method: str
    raw_path: str
    """Still percent-encoded, without the query."""
    raw_query: str
    headers: Mapping[str, str]
    """Names in lower case; repeated headers joined with a comma."""
    body: bytes


@dataclass(frozen=True, slots=True)
class _Authorization:
    key_id: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str


def claimed_service(headers: Mapping[str, str]) -> str | None:
    """The service an unverified Authorization header names; only for choosing the wire format of a refusal."""
    match = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    return match.group(4) if match else None


def verify(request: RawRequest, lookup: Lookup, now: float | None = None) -> tuple[Signer, bytes]:
    """The signer and the body (decoded from aws-chunked); ApiError otherwise. `now` is in seconds since 1970."""
    authorization = _parse(request)
    known = lookup(authorization.key_id)
    if known is None:
        raise ApiError("UnrecognizedClientException", "The security token included in the request is invalid.", 403)
    secret, caller = known
    stamp = request.headers.get("x-amz-date", "")
    _check_date(stamp, authorization.date, time.time() if now is None else now)
    payload = _payload_hash(request)
    key = _signing_key(secret, authorization.date, authorization.region, authorization.service)
    if not any(
        hmac.compare_digest(_sign(key, text, stamp, authorization), authorization.signature)
        for text in _canonical_requests(request, authorization, payload)
    ):
        raise ApiError(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method.",
            403,
        )
    body = _decode_chunked(request) if payload == UNSIGNED_TRAILER else request.body
    return Signer(caller, authorization.service, authorization.region), body


def _parse(request: RawRequest) -> _Authorization:
    header = request.headers.get("authorization", "")
    if not header:
        if "Signature=" in request.raw_query:
            raise ApiError("NotImplemented", "klotho's local cloud does not carry presigned URLs yet", 501)
        raise ApiError("MissingAuthenticationToken", "Missing Authentication Token", 403)
    if header.startswith("AWS4-ECDSA"):
        raise ApiError("NotImplemented", "klotho's local cloud does not carry SigV4A signatures", 501)
    match = _AUTHORIZATION.fullmatch(header)
    if match is None:
        raise ApiError("IncompleteSignature", "The Authorization header is not a complete Signature Version 4 header.")
    key_id, date, region, service, signed, signature = match.groups()
    names = tuple(signed.split(";"))
    if "host" not in names:
        raise ApiError("SignatureDoesNotMatch", "'Host' must be a 'SignedHeader' in the AWS Authorization.", 403)
    return _Authorization(key_id, date, region, service, names, signature)


def _check_date(stamp: str, scope_date: str, now: float) -> None:
    try:
        sent = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise ApiError("IncompleteSignature", "X-Amz-Date must be a date like 20260131T235959Z.") from None
    if not stamp.startswith(scope_date):
        raise ApiError("SignatureDoesNotMatch", "Date in Credential scope does not match X-Amz-Date.", 403)
    if abs(now - sent) > MAX_SKEW_SECONDS:
        raise ApiError("RequestTimeTooSkewed", f"Signature expired or not yet current: {stamp}", 403)


def _payload_hash(request: RawRequest) -> str:
    """The payload hash as signed, checked against the body where the form allows it."""
    declared = request.headers.get("x-amz-content-sha256")
    if declared in (UNSIGNED_PAYLOAD, UNSIGNED_TRAILER):
        return declared
    if declared is not None and declared.startswith("STREAMING-"):
        raise ApiError("NotImplemented", f"klotho's local cloud does not carry {declared} uploads", 501)
    actual = hashlib.sha256(request.body).hexdigest()
    if declared is not None and declared != actual:
        if not _HEX64.fullmatch(declared):
            raise ApiError("InvalidRequest", "x-amz-content-sha256 must be a SHA-256 or UNSIGNED-PAYLOAD.")
        raise ApiError("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match.")
    return actual


def _canonical_requests(request: RawRequest, authorization: _Authorization, payload: str) -> list[str]:
    """The canonical request; a second spelling when the query was not sent in canonical encoding.

    Some SDKs sign the query as they send it, others its canonical encoding; both are signed with the same key, so
    accepting either gives nothing away.
    """
    missing = [name for name in authorization.signed_headers if name not in request.headers]
    if missing:
        raise ApiError("SignatureDoesNotMatch", f"Signed header {missing[0]} is not in the request.", 403)
    headers = "".join(f"{name}:{' '.join(request.headers[name].split())}\n" for name in authorization.signed_headers)
    path = _canonical_path(request.raw_path, authorization.service)
    signed = ";".join(authorization.signed_headers)
    queries = dict.fromkeys(_canonical_queries(request.raw_query))
    return [f"{request.method}\n{path}\n{query}\n{headers}\n{signed}\n{payload}" for query in queries]


def _canonical_path(raw_path: str, service: str) -> str:
    """S3 signs the path as sent; every other service normalises it and encodes it once more."""
    if service == "s3" or raw_path in ("", "/"):
        return raw_path or "/"
    path = posixpath.normpath(raw_path)
    path = "/" + path.lstrip("/")
    if raw_path.endswith("/") and not path.endswith("/"):
        path += "/"
    return quote(path, safe="/~")


def _canonical_queries(raw_query: str) -> list[str]:
    if not raw_query:
        return [""]
    pairs = [part.partition("=")[::2] for part in raw_query.split("&") if part]
    encoded = [(quote(unquote(name), safe="-_.~"), quote(unquote(value), safe="-_.~")) for name, value in pairs]
    return ["&".join(f"{name}={value}" for name, value in sorted(spelling)) for spelling in (pairs, encoded)]


def _sign(key: bytes, canonical: str, stamp: str, authorization: _Authorization) -> str:
    scope = f"{authorization.date}/{authorization.region}/{authorization.service}/aws4_request"
    hashed = hashlib.sha256(canonical.encode("utf-8", "surrogateescape")).hexdigest()
    return hmac.new(key, f"{ALGORITHM}\n{stamp}\n{scope}\n{hashed}".encode(), "sha256").hexdigest()


@lru_cache(maxsize=1024)
def _signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _decode_chunked(request: RawRequest) -> bytes:
    """The content of an aws-chunked body with an unsigned trailer; the trailing checksum is verified."""
    body, position, parts = request.body, 0, []
    while True:
        end = body.find(b"\r\n", position)
        size_text = body[position:end].split(b";")[0] if end >= 0 else b""
        if not re.fullmatch(rb"[0-9a-fA-F]{1,8}", size_text):
            raise ApiError("IncompleteBody", "The aws-chunked body is malformed.")
        size = int(size_text, 16)
        position = end + 2
        if size == 0:
            break
        chunk = body[position : position + size]
        if len(chunk) != size or body[position + size : position + size + 2] != b"\r\n":
            raise ApiError("IncompleteBody", "The aws-chunked body ends before its length.")
        parts.append(chunk)
        position += size + 2
    content = b"".join(parts)
    declared = request.headers.get("x-amz-decoded-content-length")
    if declared is not None and declared != str(len(content)):
        raise ApiError("IncompleteBody", "x-amz-decoded-content-length is not the length of the content.")
    trailers = (line.partition(b":") for line in body[position:].split(b"\r\n") if b":" in line)
    check_content(
        {name.decode("latin-1").strip().lower(): v.decode("latin-1").strip() for name, _, v in trailers}, content
    )
    return content


def check_content(headers: Mapping[str, str], content: bytes) -> None:
    """Compare `Content-MD5` and `x-amz-checksum-*` headers (or trailers) with the content.

    ApiError `BadDigest` on a difference; `NotImplemented` for the checksums Python's standard library lacks
    (CRC32C, CRC64NVME), because an unverified checksum would be worse than a refused one.
    """
    for name, value in headers.items():
        if name == "content-md5":
            actual = hashlib.md5(content, usedforsecurity=False).digest()
        elif name == "x-amz-checksum-crc32":
            actual = zlib.crc32(content).to_bytes(4, "big")
        elif name in ("x-amz-checksum-sha1", "x-amz-checksum-sha256"):
            actual = hashlib.new(name.rpartition("-")[2], content).digest()
        elif name.startswith("x-amz-checksum-") and name not in ("x-amz-checksum-algorithm", "x-amz-checksum-mode"):
            wanted = name.removeprefix("x-amz-checksum-").upper()
            raise ApiError("NotImplemented", f"klotho's local cloud does not carry {wanted} checksums; use CRC32", 501)
        else:
            continue
        if not _same_digest(value, actual):
            raise ApiError("BadDigest", f"The {name} you specified did not match the calculated checksum.")


def _same_digest(value: str, actual: bytes) -> bool:
    try:
        return hmac.compare_digest(base64.b64decode(value, validate=True), actual)
    except (binascii.Error, ValueError):
        return False
