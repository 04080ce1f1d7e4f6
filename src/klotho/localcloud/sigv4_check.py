"""Checks AWS Signature Version 4 on a request that has arrived: the other half of what every AWS SDK does.

Input: the raw request and a way to look up a key's secret. Output: the verified `Signer` and the decoded body.
Refuses, with AWS's error codes (`ApiError`): no or malformed signature, unknown key, wrong signature, a clock more
than 15 minutes off, a body that is not the one signed, and by name the forms not carried: presigned URLs, SigV4A and
chunk-signed uploads.

Source: "Signature Version 4 signing process" (AWS IAM User Guide) and "Authenticating requests" (Amazon S3 API).
"""

from __future__ import annotations

import hashlib
import hmac
import posixpath
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote, unquote

from klotho.localcloud import aws_chunked
from klotho.localcloud.service import ApiError, Caller

ALGORITHM = "AWS4-HMAC-SHA256"
MAX_SKEW_SECONDS = 15 * 60
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
MAX_EXPIRY_S = 7 * 24 * 3600
"""Of a presigned URL. "The maximum is 604800 (seven days)"."""

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
    trailers: Mapping[str, str] = field(default_factory=dict)
    """What came behind an aws-chunked body, by names in lower case."""


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
    stamp: str
    """When it was signed, like 20260131T235959Z."""
    expires: int | None = None
    """Of a presigned URL: seconds it is good for."""


def claimed_service(headers: Mapping[str, str]) -> str | None:
    """The service an unverified Authorization header names; only for choosing the wire format of a refusal."""
    match = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    return match.group(4) if match else None


def is_presigned(raw_query: str) -> bool:
    """Whether the signature is in the URL."""
    return "X-Amz-Signature=" in raw_query


def verify(
    request: RawRequest, lookup: Lookup, now: float | None = None, presigned_for: str = "s3"
) -> tuple[Signer, bytes]:
    """The signer and the body (decoded from aws-chunked); ApiError otherwise. `now` is in seconds since 1970;
    `presigned_for`: the one service whose presigned URLs are taken."""
    authorization = _presigned(request, presigned_for) if is_presigned(request.raw_query) else _parse(request)
    known = lookup(authorization.key_id)
    if known is None:
        raise ApiError("UnrecognizedClientException", "The security token included in the request is invalid.", 403)
    secret, caller = known
    _check_date(authorization, time.time() if now is None else now)
    unsigned = authorization.expires is not None and presigned_for == "s3"
    payload = UNSIGNED_PAYLOAD if unsigned else _payload_hash(request)
    key = _signing_key(secret, authorization.date, authorization.region, authorization.service)
    if not any(
        hmac.compare_digest(_sign(key, text, authorization), authorization.signature)
        for text in _canonical_requests(request, authorization, payload)
    ):
        raise ApiError(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method.",
            403,
        )
    body, trailers = _content(request, authorization, key)
    return Signer(caller, authorization.service, authorization.region, trailers), body


def _content(request: RawRequest, authorization: _Authorization, key: bytes) -> tuple[bytes, Mapping[str, str]]:
    """The body, and the trailers of a chunked one."""
    form = request.headers.get("x-amz-content-sha256", "")
    if form not in aws_chunked.FORMS:
        return request.body, {}
    if form == aws_chunked.UNSIGNED_TRAILER:
        return aws_chunked.decode(request.body, request.headers)

    def sign(kind: str, lines: str) -> str:
        text = f"{kind}\n{authorization.stamp}\n{_scope(authorization)}\n{lines}"
        return hmac.new(key, text.encode(), "sha256").hexdigest()

    return aws_chunked.decode(request.body, request.headers, authorization.signature, sign)


def _parse(request: RawRequest) -> _Authorization:
    header = request.headers.get("authorization", "")
    if not header:
        if "Signature=" in request.raw_query and "AWSAccessKeyId=" in request.raw_query:
            raise ApiError(
                "InvalidRequest",
                "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256. "
                'klotho: in boto3, make the client with Config(signature_version="s3v4")',
            )
        raise ApiError("MissingAuthenticationToken", "Missing Authentication Token", 403)
    if header.startswith("AWS4-ECDSA"):
        raise ApiError("NotImplemented", "klotho's local cloud does not carry SigV4A signatures", 501)
    match = _AUTHORIZATION.fullmatch(header)
    if match is None:
        raise ApiError("IncompleteSignature", "The Authorization header is not a complete Signature Version 4 header.")
    key_id, date, region, service, signed, signature = match.groups()
    stamp = request.headers.get("x-amz-date", "")
    return _Authorization(key_id, date, region, service, _names(signed), signature, stamp)


def _names(signed: str) -> tuple[str, ...]:
    names = tuple(signed.split(";"))
    if "host" not in names:
        raise ApiError("SignatureDoesNotMatch", "'Host' must be a 'SignedHeader' in the AWS Authorization.", 403)
    return names


def _presigned(request: RawRequest, carried: str) -> _Authorization:
    """The signature of a presigned URL. Carried for S3, as on AWS in practice, and for tokens of databases."""
    if "authorization" in request.headers:
        raise ApiError("InvalidArgument", "Only one auth mechanism allowed")
    pairs = [part.partition("=")[::2] for part in request.raw_query.split("&") if part]
    given = {unquote(name): unquote(value) for name, value in pairs}
    if len([name for name, _ in pairs if unquote(name) in _PRESIGNED]) > len(set(given) & _PRESIGNED):
        raise ApiError("AuthorizationQueryParametersError", "A query parameter of the signature comes twice.")
    missing = sorted(_PRESIGNED - set(given))
    scope = given.get("X-Amz-Credential", "").split("/")
    if missing or given["X-Amz-Algorithm"] != ALGORITHM or len(scope) != 5 or scope[4] != "aws4_request":
        text = f"The presigned URL is not complete{f': {missing[0]} is missing' if missing else ''}."
        raise ApiError("AuthorizationQueryParametersError", text)
    expires = given["X-Amz-Expires"]
    if not expires.isdecimal() or not 1 <= int(expires) <= MAX_EXPIRY_S:
        text = f"X-Amz-Expires must be a number from 1 to {MAX_EXPIRY_S}"
        raise ApiError("AuthorizationQueryParametersError", text)
    key_id, date, region, service, _ = scope
    if service != carried:
        raise ApiError("NotImplemented", f"klotho's local cloud does not carry presigned URLs of {service} yet", 501)
    names = _names(given["X-Amz-SignedHeaders"])
    return _Authorization(
        key_id, date, region, service, names, given["X-Amz-Signature"], given["X-Amz-Date"], int(expires)
    )


_PRESIGNED = frozenset(
    {
        "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-Signature",
        "X-Amz-SignedHeaders",
    }
)  # fmt: skip


def _check_date(authorization: _Authorization, now: float) -> None:
    stamp = authorization.stamp
    try:
        sent = _seconds(stamp)
    except ValueError:
        raise ApiError("IncompleteSignature", "X-Amz-Date must be a date like 20260131T235959Z.") from None
    if not stamp.startswith(authorization.date):
        raise ApiError("SignatureDoesNotMatch", "Date in Credential scope does not match X-Amz-Date.", 403)
    if authorization.expires is None and abs(now - sent) > MAX_SKEW_SECONDS:
        raise ApiError("RequestTimeTooSkewed", f"Signature expired or not yet current: {stamp}", 403)
    if authorization.expires is not None:
        if now > sent + authorization.expires:
            raise ApiError("AccessDenied", "Request has expired", 403)
        if sent > now + MAX_SKEW_SECONDS:
            raise ApiError("AccessDenied", "Request is not yet valid", 403)


def _payload_hash(request: RawRequest) -> str:
    """The payload hash as signed, checked against the body where the form allows it."""
    declared = request.headers.get("x-amz-content-sha256")
    if declared is not None and (declared == UNSIGNED_PAYLOAD or declared in aws_chunked.FORMS):
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
    unsigned = "&".join(part for part in request.raw_query.split("&") if not part.startswith("X-Amz-Signature="))
    queries = dict.fromkeys(_canonical_queries(unsigned if authorization.expires is not None else request.raw_query))
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


def _scope(authorization: _Authorization) -> str:
    return f"{authorization.date}/{authorization.region}/{authorization.service}/aws4_request"


def _sign(key: bytes, canonical: str, authorization: _Authorization) -> str:
    hashed = hashlib.sha256(canonical.encode("utf-8", "surrogateescape")).hexdigest()
    return hmac.new(
        key, f"{ALGORITHM}\n{authorization.stamp}\n{_scope(authorization)}\n{hashed}".encode(), "sha256"
    ).hexdigest()


@lru_cache(maxsize=128)
def _seconds(stamp: str) -> float:
    """Since 1970. Calls of the same second share their stamp, and reading it was a tenth of a whole call."""
    return datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()


@lru_cache(maxsize=1024)
def _signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
