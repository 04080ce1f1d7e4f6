"""The tokens of a user pool, and the keys that sign them.

Input: a pool, a client, a user. Output: access and ID tokens as Cognito makes them, and the public keys. Refuses, as
`ApiError` NotAuthorizedException, an access token that is not the pool's own and valid.

Source: Cognito Developer Guide, "Understanding the access token" and "Understanding the identity (ID) token": RS256,
another key for each of the two.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from klotho.localcloud.services.cognito.errors import not_authorized
from klotho.localcloud.services.cognito.store import Client, Pool, User

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from jwt import PyJWK

SELF_SERVICE = "aws.cognito.signin.user.admin"
"""The one scope of tokens that the API gives, as on AWS; others come from managed login, which is not carried."""


def new_keys() -> dict[str, str]:
    """Private keys in PEM, by the kind of token they sign. Takes a moment: call it off the event loop."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    def pem() -> str:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        plain = serialization.NoEncryption()
        return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode()

    return {"access": pem(), "id": pem()}


@functools.lru_cache(maxsize=64)
def _private(pem: str) -> RSAPrivateKey:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    found: RSAPrivateKey = load_pem_private_key(pem.encode(), None)  # type: ignore[assignment]
    return found


@functools.lru_cache(maxsize=64)
def _document(pem: str) -> Mapping[str, str]:
    import jwt

    public: dict[str, str] = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(_private(pem).public_key()))
    kid = base64.b64encode(hashlib.sha256(public["n"].encode()).digest()).decode()
    return {"alg": "RS256", "e": public["e"], "kid": kid, "kty": "RSA", "n": public["n"], "use": "sig"}


def jwks(pool: Pool) -> dict[str, Any]:
    """The public keys, as `<issuer>/.well-known/jwks.json` lists them."""
    return {"keys": [dict(_document(pool.keys[name])) for name in ("id", "access")]}


def public_keys(pool: Pool) -> dict[str, PyJWK]:
    """The same by `kid`."""
    import jwt

    return {key["kid"]: jwt.PyJWK(key, "RS256") for key in jwks(pool)["keys"]}


def issuer_of(region: str, pool_id: str) -> str:
    return f"https://cognito-idp.{region}.amazonaws.com/{pool_id}"


def tokens(
    region: str, client: Client, user: User, groups: list[str], origin: str, signed_in: float, now: float
) -> dict[str, Any]:
    """A fresh access and ID token, as `AuthenticationResult` without the refresh token."""
    pool, issuer, event = client.pool, issuer_of(region, client.pool.id), str(uuid.uuid4())
    shared: dict[str, Any] = {
        "sub": user.sub,
        "iss": issuer,
        "origin_jti": origin,
        "event_id": event,
        "auth_time": int(signed_in),
    }
    if groups:
        shared["cognito:groups"] = groups
    access = {
        **shared, "client_id": client.id, "token_use": "access", "scope": SELF_SERVICE, "username": user.username,
    }  # fmt: skip
    identity = {
        **_attributes(user), **shared, "aud": client.id, "token_use": "id", "cognito:username": user.username,
    }  # fmt: skip
    return {
        "AccessToken": _signed(pool, "access", access, now, client.settings.access_s),
        "IdToken": _signed(pool, "id", identity, now, client.settings.id_s),
        "ExpiresIn": client.settings.access_s,
        "TokenType": "Bearer",
    }


def _attributes(user: User) -> dict[str, Any]:
    """The user's attributes as claims; `email_verified` is a boolean there."""
    found: dict[str, Any] = dict(user.attributes)
    if "email_verified" in found:
        found["email_verified"] = found["email_verified"] == "true"
    return found


def _signed(pool: Pool, kind: str, claims: Mapping[str, Any], now: float, seconds: int) -> str:
    import jwt

    times = {"iat": int(now), "exp": int(now) + seconds, "jti": str(uuid.uuid4())}
    kid = _document(pool.keys[kind])["kid"]
    return jwt.encode({**claims, **times}, _private(pool.keys[kind]), algorithm="RS256", headers={"kid": kid})


def pool_named(token: object) -> str:
    """The id of the pool that a token says it is of; nothing is verified."""
    import jwt

    try:
        claims = jwt.decode(str(token), options={"verify_signature": False})
        return str(claims["iss"]).rpartition("/")[2]
    except (jwt.PyJWTError, ValueError, KeyError, RecursionError):
        raise not_authorized("Invalid Access Token") from None


def access_claims(token: object, pool: Pool, region: str) -> dict[str, Any]:
    """The claims of a valid access token of this pool."""
    import jwt

    try:
        found: dict[str, Any] = jwt.decode(
            str(token),
            _private(pool.keys["access"]).public_key(),
            algorithms=["RS256"],
            issuer=issuer_of(region, pool.id),
            options={"verify_aud": False},
        )
    except jwt.ExpiredSignatureError:
        raise not_authorized("Access Token has expired") from None
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise not_authorized("Invalid Access Token") from None
    if found.get("token_use") != "access":
        raise not_authorized("Invalid Access Token")
    return found
