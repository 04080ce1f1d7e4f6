"""As whom a stack operation acts: the caller of the API, or the service role it names.

The caller of the request that is being answered is known here while it is answered (`calling`), so that every
operation it starts can keep it in its journal: a crash does not widen anybody's rights.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from klotho.localcloud.service import Caller, session_arn

_CALLER: ContextVar[Caller | None] = ContextVar("caller", default=None)
_SERVICE_SESSION = "AWSCloudFormation"


class Actor(NamedTuple):
    """Whose rights count."""

    role_arn: str | None
    """None: this machine's own key, which may do everything."""
    user: str
    """The ARN that a denial names."""


@contextmanager
def calling(caller: Caller) -> Iterator[None]:
    """While a request of this caller is answered."""
    token = _CALLER.set(caller)
    try:
        yield
    finally:
        _CALLER.reset(token)


def actor(service_role: str | None, account: str) -> Actor:
    """Who acts from now on: the service role where there is one, else the caller."""
    if service_role is not None:
        return Actor(service_role, session_arn(Caller("", _SERVICE_SESSION, service_role), account))
    caller = _CALLER.get()
    if caller is None or caller.role_arn is None:
        return Actor(None, "")
    return Actor(caller.role_arn, session_arn(caller, account))
