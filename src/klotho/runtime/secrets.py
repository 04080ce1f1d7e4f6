"""Secret values by reference: an ARN in, the secret's text out, kept in memory for a limited time.

A value is fetched again once it is older than KLOTHO_SECRET_TTL_SECONDS (default 300), so that rotation is
honoured without a restart. When Secrets Manager cannot be reached then, the old value is used on and the next
attempt made 30 seconds later; a refusal (access denied, secret deleted) is raised. Values appear in no repr
and in no error.
"""

from __future__ import annotations

import os
import threading
import time

from klotho.runtime.errors import AwsError, ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_TTL_SECONDS = 300.0
RETRY_AFTER_SECONDS = 30.0
"""How long a value that could not be renewed is used on before the next attempt."""


NOT_SET = "klotho-not-set-"
"""How the id of a version begins that `klotho secret rm` leaves: it stands for no value."""
NO_VALUE = "ResourceNotFoundException"
NO_VALUE_TEXT = "Secrets Manager can't find the specified secret value"
"""What Secrets Manager says of a secret that exists and has no value."""


class _Kept:
    __slots__ = ("at", "text", "ttl")

    def __init__(self, text: str, at: float, ttl: float) -> None:
        self.text = text
        self.at = at
        self.ttl = ttl


def fetch_secret(arn: str) -> str:
    """The current text of a secret in Secrets Manager. Raises AwsError, or ConfigError for a binary secret."""
    from klotho.runtime.aws import call, region_of_arn

    answer = call("secretsmanager", "GetSecretValue", {"SecretId": arn}, region=region_of_arn(arn))
    if str(answer.get("VersionId", "")).startswith(NOT_SET):
        raise AwsError("secretsmanager", NO_VALUE, f"{NO_VALUE_TEXT}: it was removed", status=400)
    text = answer.get("SecretString")
    if not isinstance(text, str):
        raise ConfigError(f"the secret {arn} has no text: binary secrets are not supported")
    return text


class SecretCache:
    """Secrets by ARN, each fetched once however many threads ask; `clock` in seconds."""

    def __init__(self, fetch: Callable[[str], str] = fetch_secret, clock: Callable[[], float] = time.time) -> None:
        # The wall clock and not the monotonic one: that one stands still while a Lambda environment is frozen, and a
        # value could then live for hours.
        self._fetch = fetch
        self._clock = clock
        self._kept: dict[str, _Kept] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    def get(self, arn: str) -> str:
        """The secret's text, from memory if it is young enough."""
        kept = self._young(arn)
        if kept is not None:
            return kept
        with self._guard:
            lock = self._locks.setdefault(arn, threading.Lock())
        with lock:
            return self._young(arn) or self._renew(arn)

    def forget(self, arn: str | None = None) -> None:
        """Drop one value, or all."""
        if arn is None:
            self._kept.clear()
        else:
            self._kept.pop(arn, None)

    def after_fork(self) -> None:
        """Locks may have been held by a thread that does not exist in the child."""
        self._locks = {}
        self._guard = threading.Lock()

    def _young(self, arn: str) -> str | None:
        kept = self._kept.get(arn)
        # A negative age means that the clock was set back: then nothing is known about the value's age.
        return kept.text if kept is not None and 0 <= self._clock() - kept.at < kept.ttl else None

    def _renew(self, arn: str) -> str:
        old = self._kept.get(arn)
        try:
            text = self._fetch(arn)
        except AwsError as error:
            if old is None or 400 <= error.status < 500:
                raise
            self._kept[arn] = _Kept(old.text, self._clock(), RETRY_AFTER_SECONDS)
            return old.text
        self._kept[arn] = _Kept(text, self._clock(), ttl_seconds())
        return text


def ttl_seconds() -> float:
    """How long a value is used before it is fetched again. Raises ConfigError if the variable is not a number ≥ 0."""
    text = os.environ.get("KLOTHO_SECRET_TTL_SECONDS", "")
    if not text:
        return DEFAULT_TTL_SECONDS
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise ConfigError(f"KLOTHO_SECRET_TTL_SECONDS must be a number of seconds, 0 or more, not {text!r}")
    return seconds


cache = SecretCache()
"""The secrets of this process."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=cache.after_fork)
