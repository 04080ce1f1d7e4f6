"""AWS Signature Version 4 for one request: method, URL, headers and body in; the headers to send out.

Pure: no clock unless `now` is left out, no network. It signs a whole body, or its hash; streaming (chunked) signatures
and Signature Version 4A are not supported. `presign` puts the signature into a URL. Rules as in
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
import time
from urllib.parse import quote, urlsplit

TYPE_CHECKING = False  # importing `typing` costs more than this whole module
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ALGORITHM = "AWS4-HMAC-SHA256"

# Proxies and tracers change these on the way, so a signature over them breaks for no good reason.
_UNSIGNED = frozenset({"authorization", "connection", "expect", "transfer-encoding", "user-agent", "x-amzn-trace-id"})


def sign(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    service: str,
    region: str,
    access_key: str,
    secret_key: str,
    session_token: str | None = None,
    payload_hash: str | None = None,
    now: float | None = None,
) -> dict[str, str]:
    """The headers to send with this request: those given, and Host, X-Amz-Date, Authorization (and the
    session token).

    `url` must already be percent-encoded as it goes over the wire. `service` is the signing name (`dynamodb`).
    `payload_hash`: the SHA-256 of a body that is not in memory. `now` is in seconds since 1970 (default: the clock).
    """
    parts = urlsplit(url)
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() if now is None else now))
    payload_hash = payload_hash or hashlib.sha256(body).hexdigest()
    sent = {name: value for name, value in headers.items() if name.lower() not in {"host", "x-amz-date"}}
    sent["Host"] = host_header(url)
    sent["X-Amz-Date"] = moment
    if session_token:
        sent["X-Amz-Security-Token"] = session_token
    if service == "s3":
        sent["X-Amz-Content-SHA256"] = payload_hash
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    lower = {name.lower(): value for name, value in sent.items()}
    signed = sorted(lower.keys() - _UNSIGNED)
    canonical = canonical_request(method, parts.path, parts.query, lower, signed, payload_hash, service=service)
    sent["Authorization"] = (
        f"{ALGORITHM} Credential={access_key}/{scope}, SignedHeaders={';'.join(signed)}, "
        f"Signature={signature(canonical, moment, scope, secret_key)}"
    )
    return sent


def presign(
    method: str,
    url: str,
    headers: Mapping[str, str],
    *,
    region: str,
    access_key: str,
    secret_key: str,
    session_token: str | None = None,
    expires: int,
    service: str = "s3",
    now: float | None = None,
) -> str:
    """The URL with a signature in its query, good for `expires` seconds; whoever has it sends these headers.

    The body is not signed for S3, and empty for every other service.

    Only S3 takes a body with it. Rules as in https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
    """
    parts = urlsplit(url)
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() if now is None else now))
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    lower = {name.lower(): value for name, value in headers.items()} | {"host": host_header(url)}
    signed = sorted(lower)
    given = {
        "X-Amz-Algorithm": ALGORITHM,
        "X-Amz-Credential": f"{access_key}/{scope}",
        "X-Amz-Date": moment,
        "X-Amz-Expires": str(expires),
        "X-Amz-SignedHeaders": ";".join(signed),
        **({"X-Amz-Security-Token": session_token} if session_token else {}),
    }
    added = "&".join(f"{name}={quote(value, safe='-_.~')}" for name, value in given.items())
    query = f"{parts.query}&{added}" if parts.query else added
    payload = "UNSIGNED-PAYLOAD" if service == "s3" else hashlib.sha256(b"").hexdigest()
    canonical = canonical_request(method, parts.path, query, lower, signed, payload, service=service)
    address = f"{parts.scheme}://{parts.netloc}{parts.path}"
    return f"{address}?{query}&X-Amz-Signature={signature(canonical, moment, scope, secret_key)}"


def host_header(url: str) -> str:
    """The Host header for a URL: a port only when it is not the scheme's own; IPv6 addresses keep their
    brackets."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if ":" in host:
        host = f"[{host}]"
    default = {"http": 80, "https": 443}.get(parts.scheme)
    return host if parts.port in (None, default) else f"{host}:{parts.port}"


def canonical_request(
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    signed_headers: Iterable[str],
    payload_hash: str,
    *,
    service: str,
) -> str:
    """The text that is signed. `path` and `query` as on the wire; `headers` with names in lower case."""
    names = sorted(signed_headers)
    lines = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in names)
    return "\n".join(
        (
            method.upper(),
            _canonical_path(path, service),
            _canonical_query(query),
            lines,
            ";".join(names),
            payload_hash,
        )
    )


def signature(canonical: str, moment: str, scope: str, secret_key: str) -> str:
    """The signature, in hexadecimal.

    `moment` like `20240131T235959Z`; `scope` like `20240131/us-east-1/lambda/aws4_request`.
    """
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = f"AWS4{secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    text = f"{ALGORITHM}\n{moment}\n{scope}\n{digest}"
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _canonical_path(path: str, service: str) -> str:
    if service == "s3":
        # S3 keys may hold `//` and `..`, so S3 alone signs the path exactly as it is on the wire.
        return path or "/"
    kept: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del kept[-1:]
        elif part not in ("", "."):
            kept.append(part)
    trailing = "/" if kept and path.endswith("/") else ""
    # Encoded a second time on purpose: that is the rule for every service but S3.
    return quote(f"/{'/'.join(kept)}{trailing}", safe="/~")


def _canonical_query(query: str) -> str:
    pairs = [part.partition("=") for part in query.split("&") if part]
    return "&".join(f"{name}={value}" for name, value in sorted((name, value) for name, _, value in pairs))
