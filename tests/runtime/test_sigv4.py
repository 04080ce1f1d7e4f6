"""Our signatures are botocore's signatures."""

from __future__ import annotations

import datetime
import hashlib
from unittest import mock
from urllib.parse import quote, urlencode

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from klotho.runtime.sigv4 import host_header, sign

NOW = 1_700_000_000.0
PATHS = st.lists(st.text(max_size=8), max_size=4).map(lambda parts: "/" + "/".join(quote(p, safe="~") for p in parts))
QUERIES = st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=3).map(
    lambda pairs: urlencode(pairs, quote_via=quote)
)
HEADER_VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=126) | st.just(" "), max_size=20).map(str.strip)


def botocore_authorization(
    method: str, url: str, headers: dict[str, str], body: bytes, service: str, token: str | None
) -> str:
    request = AWSRequest(method, url, dict(headers), body)
    kind = botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth
    signer = kind(Credentials("AKIA", "secret/+", token), service, "eu-west-1")
    moment = datetime.datetime.fromtimestamp(NOW, datetime.UTC)
    with mock.patch.object(botocore.auth, "get_current_datetime", return_value=moment.replace(tzinfo=None)):
        signer.add_auth(request)
    return request.headers["Authorization"]


def ours(
    method: str, url: str, headers: dict[str, str], body: bytes, service: str, token: str | None
) -> dict[str, str]:
    return sign(
        method, url, headers, body, service=service, region="eu-west-1",
        access_key="AKIA", secret_key="secret/+", session_token=token, now=NOW,
    )  # fmt: skip


@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    path=PATHS,
    query=QUERIES,
    body=st.binary(max_size=50),
    header=HEADER_VALUES,
    token=st.sampled_from([None, "token=="]),
    service=st.sampled_from(["dynamodb", "lambda", "secretsmanager"]),
)
def test_any_request_is_signed_as_botocore_signs_it(
    method: str, path: str, query: str, body: bytes, header: str, token: str | None, service: str
) -> None:
    url = f"https://{service}.eu-west-1.amazonaws.com{path}" + (f"?{query}" if query else "")
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Custom": header, "User-Agent": "changes on the way"}
    expected = botocore_authorization(method, url, headers, body, service, token)
    assert ours(method, url, headers, body, service, token)["Authorization"] == expected


@pytest.mark.parametrize("path", ["/bucket/a//b/../c", "/bucket/%C3%A9%20x", "/"])
def test_s3_paths_are_signed_as_they_are(path: str) -> None:
    url = f"http://127.0.0.1:4566{path}"
    sent = ours("PUT", url, {}, b"data", "s3", None)
    assert sent["X-Amz-Content-SHA256"] == hashlib.sha256(b"data").hexdigest()
    assert sent["Authorization"] == botocore_authorization("PUT", url, {}, b"data", "s3", None)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://a.example:443/x", "a.example"),
        ("http://a.example:443/x", "a.example:443"),
        ("http://127.0.0.1:80", "127.0.0.1"),
        ("http://[::1]:4566/", "[::1]:4566"),
    ],
)
def test_the_host_header_has_a_port_only_where_it_is_not_the_schemes_own(url: str, host: str) -> None:
    assert host_header(url) == host


def test_a_header_given_for_host_or_date_does_not_end_up_twice() -> None:
    sent = ours("GET", "https://a.example/", {"host": "evil", "x-amz-date": "19700101T000000Z"}, b"", "lambda", None)
    assert [name for name in sent if name.lower() in ("host", "x-amz-date")] == ["Host", "X-Amz-Date"]
    assert sent["Host"] == "a.example"
