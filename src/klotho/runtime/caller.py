"""Who called: a Lambda event or a request's headers in, a `Caller` out, None when nobody vouched for the caller.

The API has checked the token before: here it is only read. A container is told by the header `x-klotho-caller`, which
the API overwrites in every request, whatever a client sent. Whoever reaches the code without the API could say the
same, so `KLOTHO_CALLER` says whether anybody can: `api` (`adapter` in a container on Lambda) when nobody can, `also:`
and their names when somebody can, which is refused (`CallerNotVouchedError`). Without it no API in front of the code
authenticates. Never raises for what a client may send.
"""

from __future__ import annotations

import json
import os
from base64 import urlsafe_b64decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_HEADER = "x-klotho-caller"
_VARIABLE = "KLOTHO_CALLER"
_BY_ADAPTER = "adapter"
_CONTEXT = "x-amzn-request-context"
"""What a container on Lambda is told by: AWS's adapter puts the event's `requestContext` there in every request."""


class Caller:
    """Who called, as the API's authenticator says."""

    __slots__ = ("by", "claims", "context")

    def __init__(self, by: str, claims: Mapping[str, Any], context: Mapping[str, Any]) -> None:
        self.by = by
        """`jwt` when a token was checked, `function` when a function or container of your own let the caller in."""
        self.claims = claims
        """The token's claims. In a function all are text, as API Gateway hands them over."""
        self.context = context
        """What your own function or container answered; in a container empty."""

    def __repr__(self) -> str:
        return f"<Caller {self.subject or self.by!r}>"

    @property
    def subject(self) -> str:
        """The token's `sub`: who it is, for good. Empty without a token."""
        return str(self.claims.get("sub") or "")

    @property
    def email(self) -> str | None:
        """The token's `email`; None when it has none, as Cognito's access tokens."""
        found = self.claims.get("email")
        return found if isinstance(found, str) else None

    @property
    def scopes(self) -> list[str]:
        """The token's `scope`, or `scp`."""
        return _listed(self.claims.get("scope") or self.claims.get("scp"))

    @property
    def groups(self) -> list[str]:
        """The groups of a user pool that the user belongs to (`cognito:groups`)."""
        return _listed(self.claims.get("cognito:groups"))


def caller_of(request: Any) -> Caller | None:
    """From a Lambda event with `requestContext`, or from headers: a mapping, or pairs of name and value."""
    items = getattr(request, "items", None)
    pairs = list(items() if callable(items) else request)
    if not _vouched():
        return None
    context = next((value for name, value in pairs if name == "requestContext"), None)
    if isinstance(context, dict):
        return _of_event(context.get("authorizer"))
    headers: dict[str, list[str]] = {}
    for name, value in pairs:
        headers.setdefault(_text(name).lower(), []).append(_text(value))
    if os.environ.get(_VARIABLE) == _BY_ADAPTER:
        return _of_event(_authorizer(headers.get(_CONTEXT, [])))
    said = headers.get(_HEADER, [])
    if said == ["function"]:
        return Caller("function", {}, {})
    if said != ["jwt"]:
        return None
    claims = claims_in(headers.get("authorization", []))
    return None if claims is None else Caller("jwt", claims, {})


def _vouched() -> bool:
    """Whether an API vouches for callers; CallerNotVouchedError where others could say the same."""
    told = os.environ.get(_VARIABLE, "")
    if told.startswith("also:"):
        from klotho.runtime.errors import CallerNotVouchedError

        unit, others = os.environ.get("KLOTHO_UNIT", "this service"), told.removeprefix("also:").replace(",", ", ")
        raise CallerNotVouchedError(
            f"nobody can say who called {unit}: {others} can reach it without the API that checks tokens, and could "
            "say anything. Check the token in the code, or give those callers a service of their own"
        )
    return told in ("api", _BY_ADAPTER)


def _of_event(authorizer: Any) -> Caller | None:
    if not isinstance(authorizer, dict):
        return None
    if isinstance(authorizer.get("jwt"), dict):
        return Caller("jwt", authorizer["jwt"].get("claims") or {}, {})
    if "lambda" in authorizer:
        return Caller("function", {}, authorizer["lambda"] or {})
    return None


def _authorizer(context: list[str]) -> Any:
    """What the API says in the context that the adapter hands on."""
    try:
        found = json.loads(context[0]) if len(context) == 1 else None
    except (ValueError, RecursionError):
        return None
    return found.get("authorizer") if isinstance(found, dict) else None


def claims_in(authorization: list[str]) -> Mapping[str, Any] | None:
    """The claims of the token that the API has checked; None for what is no token."""
    parts = authorization[0].split()[-1].split(".") if len(authorization) == 1 and authorization[0].strip() else []
    if len(parts) != 3:
        return None
    try:
        found = json.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _listed(value: Any) -> list[str]:
    """A list, or the text `[a b]` or `a b` that API Gateway makes of one."""
    if isinstance(value, list):
        return [str(item) for item in value]
    if not isinstance(value, str):
        return []
    return (value[1:-1] if value.startswith("[") and value.endswith("]") else value).split()


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
