"""JSON Web Tokens as a JWT authorizer of an HTTP API judges them, and the keys they are judged by.

Input: a token, the authorizer's issuer and audience. Output: the token's claims. Refuses, as `TokenError` with the
reason: everything that is not a token signed by the issuer's RSA key named by `kid`, for this audience, at this time.

Keys come from a local user pool without any network call, else from the issuer's discovery document. They are kept for
two hours; an unknown `kid` has them fetched again, at most every `PAUSE_S`. Source: API Gateway Developer Guide,
"Control access to HTTP APIs with JWT authorizers": RSA only, `client_id` counts where there is no `aud`, "API Gateway
can cache the public key for two hours".
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from aiohttp import ClientSession
    from jwt import PyJWK

ALGORITHMS = ("RS256", "RS384", "RS512")
KEPT_S = 7200.0
PAUSE_S = 10.0
"""Between two fetches of one issuer's keys: whoever sends tokens can't make this machine ask all the time."""
FETCH_TIMEOUT_S = 5.0
MAX_DOCUMENT_BYTES = 1024 * 1024
Keys = Mapping[str, "PyJWK"]
"""Public keys by `kid`."""
LocalKeys = Callable[[str], Keys | None]


class TokenError(Exception):
    """Why a token is refused; for the log, the caller gets no more than 401."""


class KeySets:
    """The public keys of every issuer asked about."""

    def __init__(self, local: LocalKeys) -> None:
        """`local`: the keys of an issuer that is a user pool here; None for any other."""
        self._local = local
        self._sets: dict[str, _KeySet] = {}
        self._session: ClientSession | None = None

    async def key(self, issuer: str, kid: str) -> PyJWK:
        """The issuer's key of this id; TokenError when it has none or can't be asked."""
        own = self._local(issuer)
        if own is not None:
            found = own.get(kid)
        else:
            held = self._sets.setdefault(issuer, _KeySet())
            async with held.lock:
                if held.is_stale(kid):
                    await self._refresh(issuer, held)
            found = held.keys.get(kid)
            if found is None and held.problem is not None:
                raise TokenError(f"the keys of {issuer} can't be fetched: {held.problem}")
        if found is None:
            raise TokenError(f"{issuer} has no key {kid!r}")
        return found

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _refresh(self, issuer: str, held: _KeySet) -> None:
        """Earlier keys stay in use while the issuer can't be reached."""
        held.asked = time.monotonic()
        try:
            held.keys = await self._fetch(issuer)
        except (TokenError, OSError, TimeoutError, ValueError) as error:
            held.problem = str(error) or type(error).__name__
        else:
            held.problem, held.fetched = None, held.asked

    async def _fetch(self, issuer: str) -> Keys:
        document = await self._document(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if document.get("issuer") != issuer:
            raise TokenError(f"its discovery document is of the issuer {document.get('issuer')!r}")
        uri = document.get("jwks_uri")
        if not isinstance(uri, str) or urlsplit(uri).scheme not in ("https", urlsplit(issuer).scheme):
            raise TokenError(f"its discovery document names no usable jwks_uri: {uri!r}")
        return keys_of(await self._document(uri))

    async def _document(self, url: str) -> Mapping[str, Any]:
        import aiohttp
        import orjson

        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=FETCH_TIMEOUT_S))
        try:
            async with self._session.get(url, allow_redirects=False) as answer:
                if answer.status != 200:
                    raise TokenError(f"{url} answered {answer.status}")
                body = await answer.content.read(MAX_DOCUMENT_BYTES)
                while more := await answer.content.read(MAX_DOCUMENT_BYTES):
                    body += more
                    if len(body) > MAX_DOCUMENT_BYTES:
                        raise TokenError(f"{url} answered over {MAX_DOCUMENT_BYTES} bytes")
        except aiohttp.ClientError as error:
            raise TokenError(f"{url}: {type(error).__name__}: {error}") from error
        document = orjson.loads(body)
        if not isinstance(document, dict):
            raise TokenError(f"{url} is no JSON object")
        return document


@dataclass(slots=True)
class _KeySet:
    keys: Keys = field(default_factory=dict)
    asked: float | None = None
    fetched: float = float("-inf")
    problem: str | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def is_stale(self, kid: str) -> bool:
        if self.asked is None:
            return True
        now = time.monotonic()
        wanted = kid not in self.keys or now - self.fetched > KEPT_S
        return wanted and now - self.asked > PAUSE_S


def keys_of(document: Mapping[str, Any]) -> Keys:
    """The RSA signature keys of a JWKS document; others are of no use here and are left out."""
    import jwt

    found: dict[str, PyJWK] = {}
    entries = document.get("keys")
    for entry in entries if isinstance(entries, list) else ():
        usable = isinstance(entry, dict) and entry.get("kty") == "RSA" and entry.get("use", "sig") == "sig"
        if usable and isinstance(entry.get("kid"), str):
            try:
                found[entry["kid"]] = jwt.PyJWK(entry, "RS256")
            except (jwt.PyJWTError, ValueError, TypeError, KeyError):
                continue  # one malformed key must not take the others with it
    return found


async def claims_of(token: str, issuer: str, audience: Sequence[str], keys: KeySets) -> dict[str, Any]:
    """The claims of a token that is all right; TokenError otherwise, whatever was sent."""
    import jwt

    try:
        header = jwt.get_unverified_header(token)
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in ALGORITHMS:
            raise TokenError(f"it is signed with {algorithm!r}; HTTP APIs take {', '.join(ALGORITHMS)}")
        if not isinstance(kid, str):
            raise TokenError("it names no key (kid)")
        key = await keys.key(issuer, kid)
        claims: dict[str, Any] = jwt.decode(
            token,
            key.key,
            algorithms=[algorithm],
            # Issuer and audience below, by API Gateway's rules.
            options={
                "require": ["exp"],
                "verify_aud": False,
                "verify_iss": False,
                "verify_sub": False,
                "verify_jti": False,
            },
        )
    except jwt.PyJWTError as error:
        raise TokenError(str(error)) from error
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise TokenError(f"it is no token: {type(error).__name__}") from error
    if claims.get("iss") != issuer:
        raise TokenError(f"it was issued by {claims.get('iss')!r}, not by {issuer}")
    _check_audience(claims, audience)
    return claims


def _check_audience(claims: Mapping[str, Any], audience: Sequence[str]) -> None:
    """`client_id` is looked at only where there is no `aud`: Cognito's access tokens."""
    name = "aud" if claims.get("aud") is not None else "client_id"
    given = claims.get(name)
    values = given if isinstance(given, list) else [given]
    if not any(isinstance(value, str) and value in audience for value in values):
        raise TokenError(f"its {name} is {given!r}; the authorizer takes {', '.join(audience)}")


def scopes_of(claims: Mapping[str, Any]) -> list[str]:
    """The token's scopes: `scope`, else `scp`; text with spaces, or a list."""
    given = claims.get("scope") if claims.get("scope") is not None else claims.get("scp")
    if isinstance(given, str):
        return given.split()
    return [item for item in given if isinstance(item, str)] if isinstance(given, list) else []


def shown_claims(claims: Mapping[str, Any]) -> dict[str, str]:
    """The claims as an integration gets them: all as text, lists as `[a b]`, null left out.

    As measured on AWS by others (github.com/floci-io/floci/pull/2011); its documentation is silent.
    """
    return {name: _shown(value) for name, value in claims.items() if value is not None}


def _shown(value: object) -> str:
    import orjson

    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{' '.join(_shown(item) for item in value)}]"
    return orjson.dumps(value).decode()
