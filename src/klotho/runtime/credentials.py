"""AWS credentials of this process: from the environment (Lambda, local cloud) or the container endpoint (ECS,
EKS).

Profiles, SSO and EC2 instance metadata are not supported: a deployed service never needs them. Credentials of the
container endpoint are kept and fetched again five minutes before they expire.
"""

from __future__ import annotations

import os
import threading
import time
from urllib.parse import urlsplit

from klotho.runtime.errors import CredentialsError

REFRESH_BEFORE_SECONDS = 300.0
"""How long before they expire credentials are fetched again."""

_CONTAINER_HOST = "http://169.254.170.2"
_PLAIN_HTTP_HOSTS = frozenset({"localhost", "169.254.170.2", "169.254.170.23", "fd00:ec2::23"})


class Credentials:
    """An access key; `expires` in seconds since 1970, None for credentials that do not expire here."""

    __slots__ = ("access_key", "expires", "secret_key", "session_token")

    def __init__(
        self, access_key: str, secret_key: str, session_token: str | None = None, expires: float | None = None
    ) -> None:
        self.access_key = access_key
        self.secret_key = secret_key
        self.session_token = session_token
        self.expires = expires

    def __repr__(self) -> str:
        return f"Credentials({self.access_key!r}, ***)"


_lock = threading.Lock()
_kept: dict[str, Credentials] = {}


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()  # another thread of the parent may have held it


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def current() -> Credentials:
    """The credentials to sign with now. Raises CredentialsError saying where it looked."""
    access_key, secret_key = os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_SECRET_ACCESS_KEY")
    if access_key and secret_key:
        return Credentials(access_key, secret_key, os.environ.get("AWS_SESSION_TOKEN") or None)
    url = _container_url()
    if url is None:
        raise CredentialsError(
            "no AWS credentials: neither AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY nor "
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI are set. Under `klotho up`, on ECS and on Lambda "
            "they are set for you; to run a command with a service's environment use "
            "`klotho exec SERVICE -- COMMAND`."
        )
    with _lock:
        known = _kept.get(url)
        if known is None or _seconds_left(known) < REFRESH_BEFORE_SECONDS:
            _kept[url] = known = _refreshed(url, known)
        return known


def forget() -> None:
    """Drop kept credentials, for instance because AWS said that they have expired."""
    with _lock:
        _kept.clear()


def _seconds_left(credentials: Credentials) -> float:
    return float("inf") if credentials.expires is None else credentials.expires - time.time()


def _refreshed(url: str, known: Credentials | None) -> Credentials:
    try:
        return _fetch(url)
    except CredentialsError:
        if known is not None and _seconds_left(known) > 0:
            return known  # still good for a while: the endpoint may be back by then
        raise


def _container_url() -> str | None:
    relative = os.environ.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
    if relative:
        return f"{_CONTAINER_HOST}{relative}"
    full = os.environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI")
    if not full:
        return None
    parts = urlsplit(full)
    host = parts.hostname or ""
    allowed = parts.scheme == "https" or host in _PLAIN_HTTP_HOSTS or host.startswith("127.") or host == "::1"
    if parts.scheme not in ("http", "https") or not allowed:
        # The same rule as the AWS SDKs: never ask a stranger for credentials in the clear.
        raise CredentialsError(
            f"AWS_CONTAINER_CREDENTIALS_FULL_URI names {host!r}: without https only loopback and the ECS and EKS "
            "credential addresses are allowed"
        )
    return full


def _authorization() -> dict[str, str]:
    path = os.environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
    if path:
        try:
            with open(path, encoding="utf-8") as file:  # noqa: PTH123  # pathlib costs milliseconds at import
                token = file.read().strip()
        except OSError as error:
            raise CredentialsError(f"cannot read AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: {error}") from error
    else:
        token = os.environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", "")
    if "\r" in token or "\n" in token:
        raise CredentialsError("the container authorization token holds a line break")
    return {"Authorization": token} if token else {}


def _fetch(url: str) -> Credentials:
    from klotho.runtime.transport import TransportError, send

    headers = {"Accept": "application/json", **_authorization()}
    problem = ""
    for attempt in range(3):
        if attempt:
            time.sleep(0.1 * 2**attempt)
        try:
            response = send("GET", url, headers, b"", connect_timeout=2.0, read_timeout=2.0)
        except TransportError as error:
            problem = str(error)
            continue
        if response.status == 200:
            return _parsed(response.body)
        problem = f"HTTP status {response.status}"
        if response.status < 500:
            break
    raise CredentialsError(f"the container credentials endpoint gave no credentials: {problem}")


def _parsed(body: bytes) -> Credentials:
    import json
    from datetime import datetime

    try:
        answer = json.loads(body)
        expiration = answer.get("Expiration")
        expires = None if expiration is None else datetime.fromisoformat(expiration).timestamp()
        return Credentials(answer["AccessKeyId"], answer["SecretAccessKey"], answer.get("Token"), expires)
    except (ValueError, KeyError, TypeError, AttributeError):
        problem = "the container credentials endpoint's answer is not understood"
    # Raised outside of the handler, so that no traceback shows the answer's text.
    raise CredentialsError(problem)
