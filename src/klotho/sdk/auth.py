"""`Auth`: who signs callers in, for `api.authenticates_with(…)`."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any, Literal
from urllib.parse import urlsplit

from klotho.sdk import readers as read
from klotho.sdk.arguments import Arguments
from klotho.sdk.construct import Adopted, Construct, described
from klotho.sdk.output import OutputAttribute
from klotho.sdk.stack import Stack

_ISSUER = "an issuer's https URL, such as `https://login.example.com`"


def _read_issuer(value: Any) -> str:
    """Kept to the character: a token's `iss` must be equal to it."""
    plain = read.some_text(value)
    try:
        parts = urlsplit(plain)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        raise _wrong(plain) from None
    if not host or parts.query or parts.fragment or parts.username or not plain.isprintable() or " " in plain:
        raise _wrong(plain, "copy `issuer` from its discovery document: `<issuer>/.well-known/openid-configuration`")
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)):
        return plain
    raise _wrong(plain, f"write `https://{plain.partition('://')[2]}`" if parts.scheme == "http" else None)


def _wrong(plain: str, guess: str | None = None) -> read.Wrong:
    return read.Wrong(read.Problem(_ISSUER, f'"{read.printable(plain)}"', (guess,), code="bad-issuer"))


def is_loopback(host: str) -> bool:
    """Whether this host is the machine itself."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read_audience(value: Any) -> list[str]:
    found = read.texts([value] if isinstance(value, str) else value)
    if not found or not all(item.strip() for item in found):
        raise read.wrong("the audience of your API, or a list of them", value, "a token for anybody else is refused")
    return list(dict.fromkeys(found))


_read_group = read.matching(r"[A-Za-z0-9_.+@-]{1,128}", "a name of letters, digits, `_`, `-`, `.`, `+` and `@`")


def _read_groups(value: Any) -> list[str]:
    given = read.texts(value)
    return list(dict.fromkeys(read.inside(_read_group, item, f"[{index}]") for index, item in enumerate(given)))


class OIDC(Construct):
    """An OpenID Connect provider that already exists: Auth0, Okta, Entra ID, Keycloak …"""

    KIND = "Auth.OIDC"
    _name_help = 'give one, for example `Auth.OIDC("login", issuer=…, audience=…)`'

    issuer = OutputAttribute()
    """Its issuer, as given."""

    @described(issuer=_read_issuer, audience=_read_audience)
    def __init__(
        self,
        name: str | None = None,
        *,
        issuer: str,
        audience: str | Sequence[str],
        stack: str | Stack | None = None,
        from_project: bool = False,
        existing: Adopted = None,
    ) -> None:
        """Describe a provider whose tokens an API takes.

        Args:
            name: letters, digits, `_`, `-`, `.`, starting with a letter. Default: the issuer's host.
            issuer: the provider's `issuer`, to the character as in its tokens: an https URL. Its keys are found at
                `<issuer>/.well-known/openid-configuration`; they must be RSA. `http` is taken for this machine alone,
                where a provider under test runs: AWS could not reach it.
            audience: what a token's `aud` (or, when it has none, its `client_id`) must be or hold: one or several.
            stack: has no effect: what it makes lies in the stack of the API.
            from_project: another repository of the project defines it; give only the name. Default: False.
            existing: there is nothing to adopt: the provider is found by its `issuer`.
        """

    def _default_name(self, arguments: Arguments) -> str | None:
        issuer = arguments.values.get("issuer")
        host = (urlsplit(issuer).hostname or "") if isinstance(issuer, str) else ""
        return host if host[:1].isalpha() and len(host) <= 63 else "oidc" if issuer else None


class UserPool(Construct):
    """Users that sign up and sign in with a password: a Cognito user pool with one public app client."""

    KIND = "Auth.UserPool"

    pool_id = OutputAttribute()
    """Its id, for Cognito's calls."""
    client_id = OutputAttribute()
    """The id of its app client: public, for web pages and apps that sign in."""
    issuer = OutputAttribute()
    """`iss` of its tokens."""
    arn = OutputAttribute()
    """Its ARN."""

    @described(
        sign_in=read.choice("email", "username"),
        self_sign_up=read.truth,
        password_length=read.whole(6, 99, unit="characters"),
        password_symbols=read.truth,
        plain_passwords=read.truth,
        access_minutes=read.whole(5, 1440, unit="minutes"),
        refresh_days=read.whole(1, 3650, unit="days"),
        groups=_read_groups,
        protect=read.truth,
    )
    def __init__(
        self,
        name: str,
        *,
        sign_in: Literal["email", "username"] | None = None,
        self_sign_up: bool | None = None,
        password_length: int | None = None,
        password_symbols: bool | None = None,
        plain_passwords: bool | None = None,
        access_minutes: int | None = None,
        refresh_days: int | None = None,
        groups: Sequence[str] | None = None,
        protect: bool | None = None,
        stack: str | Stack | None = None,
        from_project: bool = False,
        existing: Adopted = None,
        was: str | None = None,
    ) -> None:
        """Describe a user pool.

        Args:
            name: how services ask for it: `klotho.config.user_pools.get("people")`.
            sign_in: `"email"`, or `"username"` chosen by the user. Default: `"email"`. Can't be changed later.
            self_sign_up: False lets only code with `writes_to` make users. Default: True.
            password_length: characters at least, 6 to 99. Default: 12.
            password_symbols: True asks for a symbol besides lower and upper case letters and numbers. Default: False.
            plain_passwords: True lets clients send the password itself (USER_PASSWORD_AUTH) instead of proving that
                they know it (SRP). Default: False.
            access_minutes: how long access and ID tokens are valid, 5 to 1440 (a day). Default: 60.
            refresh_days: how long a sign-in can be renewed, 1 to 3650. Default: 30.
            groups: names of groups, the most important first; a user's are in `klotho.config.caller(…).groups`.
                Default: none.
            protect: True refuses to delete it until this is taken back. Default: False.
            stack: the deployment stack to put it into. Default: Klotho's segmentation.
            from_project: another repository of the project defines it; give only the name. Default: False.
            existing: the id or ARN of a pool to use as it is, never to change; this application has a client of its own
                in it, or `Existing(…, client=…)`; or by environment: `{"prod": "…"}`.
            was: the name it was deployed under, after a rename: it keeps its data. Default: it was not renamed.
        """
