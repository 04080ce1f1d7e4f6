"""Tokens of EKS, as the function makes them and as the local cloud checks them."""

from __future__ import annotations

import base64

import pytest

from klotho.applier.api import token
from klotho.localcloud.planes.kubernetes.token import TokenError, caller_of
from klotho.localcloud.service import Caller

NOW = 1_790_000_000.0
CALLER = Caller("AKIAONE", "unit", "arn:aws:iam::000000000000:role/one")
SECRETS = {"AKIAONE": ("secret", CALLER)}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in (("ACCESS_KEY_ID", "AKIAONE"), ("SECRET_ACCESS_KEY", "secret"), ("REGION", "eu-west-1")):
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    return token("main", NOW)


def test_who_signed_it_is_let_in(made: str) -> None:
    assert caller_of(made, "main", SECRETS.get, NOW + 60) == CALLER


def test_botocore_makes_the_same_token(made: str) -> None:
    """`aws eks get-token` signs so."""
    from botocore.auth import SigV4QueryAuth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    url = "https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15"
    request = AWSRequest("GET", url, headers={"x-k8s-aws-id": "main"})
    SigV4QueryAuth(Credentials("AKIAONE", "secret"), "sts", "eu-west-1", expires=60).add_auth(request)
    theirs = f"k8s-aws-v1.{base64.urlsafe_b64encode(request.url.encode()).decode().rstrip('=')}"
    assert caller_of(theirs, "main", SECRETS.get) == CALLER
    ours = base64.urlsafe_b64decode(made.removeprefix("k8s-aws-v1.") + "==").decode()
    assert {part.partition("=")[0] for part in ours.partition("?")[2].split("&")} == {
        part.partition("=")[0] for part in request.url.partition("?")[2].split("&")
    }


@pytest.mark.parametrize(
    ("cluster", "later", "secret", "why"),
    [
        ("other", 60, "secret", "another cluster"),
        ("main", 1000, "secret", "expired"),
        ("main", -400, "secret", "expired"),
        ("main", 60, "another", "another key"),
    ],
)
def test_others_are_not(made: str, cluster: str, later: int, secret: str, why: str) -> None:
    with pytest.raises(TokenError, match=why):
        caller_of(made, cluster, {"AKIAONE": (secret, CALLER)}.get, NOW + later)


@pytest.mark.parametrize("text", ["", "abc", "k8s-aws-v1.%%%", "k8s-aws-v1.aGVsbG8"])
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(TokenError):
        caller_of(text, "main", SECRETS.get, NOW)
