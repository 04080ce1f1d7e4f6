"""The signature check against botocore's own signer."""

from __future__ import annotations

import hashlib
import time
from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from klotho.localcloud.aws_chunked import UNSIGNED_TRAILER
from klotho.localcloud.service import ApiError, Caller
from klotho.localcloud.services.s3.checksums import check_content
from klotho.localcloud.sigv4_check import RawRequest, verify

CALLER = Caller("AKIATEST", "deployer")
SECRET = "wJalrXUtnFEMI/K7MDENG"


def lookup(key_id: str) -> tuple[str, Caller] | None:
    return (SECRET, CALLER) if key_id == "AKIATEST" else None


def signed(method: str, path: str, query: str, body: bytes, service: str, headers: dict[str, str]) -> RawRequest:
    url = f"http://127.0.0.1:4000{path}" + (f"?{query}" if query else "")
    request = AWSRequest(method, url, {"host": "127.0.0.1:4000", **headers}, body)
    auth = S3SigV4Auth if service == "s3" else SigV4Auth
    auth(Credentials("AKIATEST", SECRET), service, "eu-west-1").add_auth(request)
    names = {name.lower(): value for name, value in request.headers.items()}
    parts = urlsplit(url)
    return RawRequest(method, parts.path, parts.query, names, body)


names = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@settings(max_examples=100, deadline=None)
@given(
    service=st.sampled_from(["s3", "lambda", "logs"]),
    segments=st.lists(names.filter(lambda name: name not in (".", "..")), max_size=4),
    query=st.lists(st.tuples(names, names), max_size=4),
    body=st.binary(max_size=50),
    header=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20),
)
def test_whatever_botocore_signs_is_verified(
    service: str, segments: list[str], query: list[tuple[str, str]], body: bytes, header: str
) -> None:
    path = "/" + "/".join(quote(segment, safe="~") for segment in segments if segment)
    text = "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in query)
    request = signed("POST", path, text, body, service, {"x-amz-meta-test": f" {header}  x "})
    signer, found = verify(request, lookup)
    assert (signer.caller, signer.service, signer.region, found) == (CALLER, service, "eu-west-1", body)


@pytest.mark.parametrize("change", ["method", "path", "query", "body", "header"])
def test_any_change_after_signing_is_refused(change: str) -> None:
    request = signed("PUT", "/bucket/key", "a=1", b"body", "s3", {"x-amz-meta-a": "1"})
    changed = RawRequest(
        "POST" if change == "method" else request.method,
        "/bucket/other" if change == "path" else request.raw_path,
        "a=2" if change == "query" else request.raw_query,
        {**request.headers, "x-amz-meta-a": "2"} if change == "header" else request.headers,
        b"other" if change == "body" else request.body,
    )
    with pytest.raises(ApiError) as refused:
        verify(changed, lookup)
    assert refused.value.code == ("XAmzContentSHA256Mismatch" if change == "body" else "SignatureDoesNotMatch")


def test_a_signature_is_good_for_fifteen_minutes() -> None:
    request = signed("GET", "/", "", b"", "sts", {})
    assert verify(request, lookup, time.time() + 14 * 60)
    with pytest.raises(ApiError, match="RequestTimeTooSkewed"):
        verify(request, lookup, time.time() + 16 * 60)


def chunked(content: bytes, trailer: bytes = b"", size: int = 7) -> bytes:
    chunks = [content[i : i + size] for i in range(0, len(content), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in chunks) + b"0\r\n" + trailer + b"\r\n"


def upload(body: bytes, length: int) -> RawRequest:
    headers = {"x-amz-decoded-content-length": str(length), "x-amz-trailer": "x-amz-checksum-sha256"}

    class Unsigned(S3SigV4Auth):
        def payload(self, request: AWSRequest) -> str:
            return UNSIGNED_TRAILER

    request = AWSRequest("PUT", "http://127.0.0.1:4000/b/k", {"host": "127.0.0.1:4000", **headers}, body)
    Unsigned(Credentials("AKIATEST", SECRET), "s3", "eu-west-1").add_auth(request)
    names = {name.lower(): value for name, value in request.headers.items()} | {
        "x-amz-content-sha256": UNSIGNED_TRAILER
    }
    return RawRequest("PUT", "/b/k", "", names, body)


@given(content=st.binary(max_size=40), size=st.integers(1, 9))
def test_an_aws_chunked_body_is_decoded(content: bytes, size: int) -> None:
    import base64

    digest = base64.b64encode(hashlib.sha256(content).digest())
    body = chunked(content, b"x-amz-checksum-sha256:" + digest + b"\r\n", size)
    signer, found = verify(upload(body, len(content)), lookup)
    assert (found, signer.trailers) == (content, {"x-amz-checksum-sha256": digest.decode()})


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (chunked(b"content", b"x-amz-checksum-crc32:AAAAAA==\r\n"), "MalformedTrailerError"),
        (b"7\r\ncont", "IncompleteBody"),
        (b"zz\r\n", "IncompleteBody"),
        (b"", "IncompleteBody"),
        (chunked(b"conten"), "IncompleteBody"),
    ],
)
def test_a_damaged_aws_chunked_body_is_refused(body: bytes, code: str) -> None:
    with pytest.raises(ApiError) as refused:
        verify(upload(body, 7), lookup)
    assert refused.value.code == code


def test_checksums_are_compared_with_the_content() -> None:
    check_content({"x-amz-checksum-crc32": "NhCmhg==", "content-md5": "XUFAKrxLKna5cZ2REBfFkg=="}, b"hello")
    with pytest.raises(ApiError, match="BadDigest"):
        check_content({"content-md5": "not base64"}, b"hello")
