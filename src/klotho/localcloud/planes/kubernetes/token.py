"""Who calls a cluster, by the token of EKS: a signed question to STS that is never asked.

Input: the token, the cluster's name, and who has which key. Output: the caller. Refuses, as `TokenError`: another form,
an unknown key, a wrong signature, another cluster's name, a question older than 15 minutes. Source:
aws-iam-authenticator, "API Authorization from Outside a Cluster".
"""

from __future__ import annotations

import base64
import binascii
import calendar
import hmac
import time
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from klotho.localcloud.service import Caller
from klotho.runtime.sigv4 import presign

PREFIX = "k8s-aws-v1."
CLUSTER_HEADER = "x-k8s-aws-id"
LONGEST_S = 900
_SKEW_S = 300
_SIGNED = {"Action": "GetCallerIdentity", "Version": "2011-06-15"}

Lookup = Callable[[str], tuple[str, Caller] | None]
"""The secret of a key and whose it is."""


class TokenError(Exception):
    """Nobody is let in by this token; the text says why and holds nothing of it."""


def caller_of(token: str, cluster: str, lookup: Lookup, now: float | None = None) -> Caller:
    """Who signed the token."""
    url = _decoded(token)
    parts = urlsplit(url)
    asked = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    if any(asked.get(name) != value for name, value in _SIGNED.items()) or not str(parts.hostname).startswith("sts."):
        raise TokenError("the token is no question to STS who is calling")
    scope = asked.get("X-Amz-Credential", "").split("/")
    known = lookup(scope[0])
    if known is None or len(scope) != 5 or asked.get("X-Amz-SignedHeaders") != f"host;{CLUSTER_HEADER}":
        raise TokenError("the token's key is not known, or it does not name a cluster")
    secret, caller = known
    sent = _seconds(asked.get("X-Amz-Date", ""))
    if not -_SKEW_S <= (time.time() if now is None else now) - sent <= LONGEST_S:
        raise TokenError("the token has expired")
    expected = presign(
        "GET",
        f"{parts.scheme}://{parts.netloc}{parts.path}?Action=GetCallerIdentity&Version=2011-06-15",
        {CLUSTER_HEADER: cluster},
        region=scope[2],
        access_key=scope[0],
        secret_key=secret,
        session_token=asked.get("X-Amz-Security-Token"),
        expires=int(asked.get("X-Amz-Expires", "0") or 0),
        service="sts",
        now=sent,
    )
    if not hmac.compare_digest(expected.rpartition("=")[2], asked.get("X-Amz-Signature", "")):
        raise TokenError("the token's signature does not match: another key, or another cluster's name")
    return caller


def _decoded(token: str) -> str:
    text = token.removeprefix(PREFIX)
    try:
        if text == token:
            raise ValueError
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (ValueError, binascii.Error):
        raise TokenError(f"the token is not one of EKS, which begin with {PREFIX}") from None


def _seconds(stamp: str) -> int:
    try:
        return calendar.timegm(time.strptime(stamp, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        raise TokenError("the token does not say when it was signed") from None
