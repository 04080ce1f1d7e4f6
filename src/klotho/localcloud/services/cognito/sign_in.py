"""Signing in: InitiateAuth, RespondToAuthChallenge, and their Admin forms.

Flows: USER_SRP_AUTH, USER_PASSWORD_AUTH, ADMIN_USER_PASSWORD_AUTH, REFRESH_TOKEN_AUTH; challenges: PASSWORD_VERIFIER,
NEW_PASSWORD_REQUIRED. Refuses by name: CUSTOM_AUTH, USER_AUTH, MFA, remembered devices. Not limited here: attempts.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Any

import orjson

from klotho.localcloud.service import ApiError
from klotho.localcloud.services.cognito.errors import invalid, no_user, not_authorized, unsupported
from klotho.localcloud.services.cognito.people import People, attributes_of, text
from klotho.localcloud.services.cognito.srp import (
    N,
    Verifier,
    is_password,
    is_proof,
    server_number,
    verifier_of,
)
from klotho.localcloud.services.cognito.store import Client, User

SESSION_S = 180.0
"""AuthSessionValidity: three minutes by default."""
_RENEWING = ("REFRESH_TOKEN_AUTH", "REFRESH_TOKEN")
_BY_PASSWORD = {
    "USER_PASSWORD_AUTH": "ALLOW_USER_PASSWORD_AUTH",
    "ADMIN_USER_PASSWORD_AUTH": "ALLOW_ADMIN_USER_PASSWORD_AUTH",
    "ADMIN_NO_SRP_AUTH": "ALLOW_ADMIN_USER_PASSWORD_AUTH",
}
Asked = Mapping[str, Any]


def initiate(people: People, asked: Asked) -> dict[str, Any]:
    """InitiateAuth."""
    if str(asked.get("AuthFlow")).startswith("ADMIN_"):
        raise invalid(f"Initiate Auth method not supported: {asked['AuthFlow']}")
    return _begin(people, people.client(asked), asked)


def admin_initiate(people: People, asked: Asked) -> dict[str, Any]:
    """AdminInitiateAuth."""
    return _begin(people, _admin_client(people, asked), asked)


def respond(people: People, asked: Asked) -> dict[str, Any]:
    """RespondToAuthChallenge."""
    return _answer(people, people.client(asked), asked)


def admin_respond(people: People, asked: Asked) -> dict[str, Any]:
    """AdminRespondToAuthChallenge."""
    return _answer(people, _admin_client(people, asked), asked)


def _admin_client(people: People, asked: Asked) -> Client:
    client = people.client(asked)
    if client.pool.id != people.pool(asked).id:
        raise ApiError("ResourceNotFoundException", f"User pool client {client.id} does not exist.")
    return client


def _begin(people: People, client: Client, asked: Asked) -> dict[str, Any]:
    flow, given = str(asked.get("AuthFlow")), _texts(asked.get("AuthParameters"))
    if given.get("SECRET_HASH"):
        raise not_authorized(f"Unable to verify secret hash for client {client.id}")
    if flow in _RENEWING:
        _allowed(client, "ALLOW_REFRESH_TOKEN_AUTH", flow)
        return {"ChallengeParameters": {}, "AuthenticationResult": people.renew(client, given.get("REFRESH_TOKEN"))}
    if flow == "USER_SRP_AUTH":
        _allowed(client, "ALLOW_USER_SRP_AUTH", flow)
        return _challenge(people, client, text(given, "USERNAME"), text(given, "SRP_A"))
    if flow not in _BY_PASSWORD:
        raise unsupported(f"the flow {flow}")
    _allowed(client, _BY_PASSWORD[flow], flow)
    user = _known(people, client, text(given, "USERNAME"))
    if not is_password(user.verifier, client.pool.short, user.username, text(given, "PASSWORD")):
        raise not_authorized()
    return _proved(people, client, user)


def _allowed(client: Client, flow: str, asked: str) -> None:
    if flow not in client.settings.flows:
        raise invalid(f"{asked} flow not enabled for this client")


def _known(people: People, client: Client, name: str) -> User:
    """The user; whether there is none is told only by a client that does not hide it."""
    user = people.store.user(client.pool, name)
    if user is None:
        verifier_of(client.pool.short, name, "")  # takes as long as for a user
        raise not_authorized() if client.settings.hides_users else no_user()
    return user


def _challenge(people: People, client: Client, name: str, number: str) -> dict[str, Any]:
    """PASSWORD_VERIFIER: the server's numbers; for a user there is not, numbers that look alike."""
    try:
        usable = int(number, 16) % N != 0
    except ValueError:
        usable = False
    if not usable:
        raise invalid("SRP_A must be a hexadecimal number that the group's prime does not divide")
    user = people.store.user(client.pool, name)
    if user is None and not client.settings.hides_users:
        raise no_user()
    username, verifier = (user.username, user.verifier) if user else (name, _nobody(client, name))
    secret, block = secrets.randbits(256), secrets.token_bytes(512)
    facts = {"client": client.id, "secret": f"{secret:x}", "number": number, "known": user is not None}
    _remember(people, client, username, "PASSWORD_VERIFIER", facts, hashlib.sha256(block).hexdigest())
    return {
        "ChallengeName": "PASSWORD_VERIFIER",
        "ChallengeParameters": {
            "SALT": verifier.salt,
            "SECRET_BLOCK": base64.b64encode(block).decode(),
            "SRP_B": f"{server_number(verifier, secret):x}",
            "USERNAME": username,
            "USER_ID_FOR_SRP": username,
        },
    }


def _nobody(client: Client, name: str) -> Verifier:
    """The same salt each time for a name, as a user would have."""
    key = client.pool.keys["access"].encode()
    salt = int.from_bytes(hmac.digest(key, name.encode("utf-8", "surrogatepass"), "sha256")[:16], "big")
    return verifier_of(client.pool.short, name, secrets.token_hex(16), salt)


def _answer(people: People, client: Client, asked: Asked) -> dict[str, Any]:
    name, given = str(asked.get("ChallengeName")), _texts(asked.get("ChallengeResponses"))
    if name == "PASSWORD_VERIFIER":
        return _verify(people, client, given)
    if name == "NEW_PASSWORD_REQUIRED":
        return _new_password(people, client, asked, given)
    raise unsupported(f"the challenge {name}")


def _verify(people: People, client: Client, given: Mapping[str, str]) -> dict[str, Any]:
    try:
        block = base64.b64decode(text(given, "PASSWORD_CLAIM_SECRET_BLOCK"), validate=True)
        signature = base64.b64decode(text(given, "PASSWORD_CLAIM_SIGNATURE"), validate=True)
    except (binascii.Error, ValueError):
        raise not_authorized() from None
    username, facts = _recall(people, client, "PASSWORD_VERIFIER", hashlib.sha256(block).hexdigest())
    user = people.store.user(client.pool, username) if facts["known"] else None
    timestamp = text(given, "TIMESTAMP")
    if user is None or not is_proof(
        user.verifier,
        int(facts["secret"], 16),
        facts["number"],
        client.pool.short,
        username,
        block,
        timestamp,
        signature,
    ):
        raise not_authorized()
    return _proved(people, client, user)


def _proved(people: People, client: Client, user: User) -> dict[str, Any]:
    """The password was right: tokens, or what is still to be done."""
    if not user.enabled:
        raise not_authorized("User is disabled.")
    if user.status == "UNCONFIRMED":
        raise ApiError("UserNotConfirmedException", "User is not confirmed.")
    if user.status == "RESET_REQUIRED":
        raise ApiError("PasswordResetRequiredException", "Password reset required for the user")
    if user.status == "FORCE_CHANGE_PASSWORD":
        session = secrets.token_urlsafe(96)
        facts = {"client": client.id}
        _remember(people, client, user.username, "NEW_PASSWORD_REQUIRED", facts, _id(session))
        parameters = {
            "USER_ID_FOR_SRP": user.username,
            "requiredAttributes": "[]",
            "userAttributes": orjson.dumps(dict(user.attributes)).decode(),
        }
        return {"ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": session, "ChallengeParameters": parameters}
    return {"ChallengeParameters": {}, "AuthenticationResult": people.sign_in(client, user)}


def _new_password(people: People, client: Client, asked: Asked, given: Mapping[str, str]) -> dict[str, Any]:
    password = client.pool.settings.check_password(given.get("NEW_PASSWORD"))
    changes = {key.partition(".")[2]: value for key, value in given.items() if key.startswith("userAttributes.")}
    changed = attributes_of(({"Name": key, "Value": value} for key, value in changes.items()), by_admin=False)
    username, _ = _recall(people, client, "NEW_PASSWORD_REQUIRED", _id(text(asked, "Session")))
    user = people.store.user(client.pool, username)
    if user is None:
        raise not_authorized("Invalid session for the user.")
    user = people.set_password(client.pool, user, password, "CONFIRMED")
    if changed:
        user = people.change(client.pool, user, attributes={**user.attributes, **changed})
    return {"ChallengeParameters": {}, "AuthenticationResult": people.sign_in(client, user)}


def _remember(people: People, client: Client, username: str, challenge: str, facts: Any, session: str) -> None:
    now = people.clock()
    people.store.run("delete from sessions where expires<?", now)
    people.store.run(
        "insert into sessions values (?,?,?,?,?,?)",
        session, client.pool.id, username, challenge, orjson.dumps(facts).decode(), now + SESSION_S,
    )  # fmt: skip


def _recall(people: People, client: Client, challenge: str, session: str) -> tuple[str, dict[str, Any]]:
    """Username and facts of a challenge, which can be answered once."""
    row = people.store.row("select * from sessions where id=? and challenge=?", session, challenge)
    facts = orjson.loads(row["facts"]) if row is not None else {}
    if row is None or row["expires"] < people.clock() or facts["client"] != client.id:
        raise not_authorized("Invalid session for the user.")
    people.store.run("delete from sessions where id=?", session)
    return row["username"], facts


def _id(session: str) -> str:
    return hashlib.sha256(session.encode("utf-8", "surrogatepass")).hexdigest()


def _texts(given: object) -> dict[str, str]:
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise invalid("AuthParameters and ChallengeResponses must map names to texts")
    return given
