"""What operations of users and administrators share: attributes, codes, passwords, sign-ins.

Input: the store and a clock. Output: users and `AuthenticationResult`s. Refuses, as `ApiError` in Cognito's words, what
Cognito refuses. Codes and temporary passwords are not sent: `announce` shows them in the pool's log.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import sqlite3
import string
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from klotho.localcloud.service import ApiError
from klotho.localcloud.services.cognito.errors import (
    expired_code,
    invalid,
    no_user,
    not_authorized,
    unsupported,
    wrong_code,
)
from klotho.localcloud.services.cognito.srp import verifier_of
from klotho.localcloud.services.cognito.store import Client, Pool, Store, User
from klotho.localcloud.services.cognito.tokens import access_claims, pool_named, tokens

STANDARD = frozenset(
    {
        "address", "birthdate", "email", "family_name", "gender", "given_name", "locale", "middle_name", "name",
        "nickname", "phone_number", "picture", "preferred_username", "profile", "updated_at", "website", "zoneinfo",
    }
)  # fmt: skip
"""Attributes every pool has (OpenID Connect's). Custom ones are not carried."""
CODE_S = {"sign-up": 86400.0, "reset": 3600.0}
"""Developer Guide: codes to confirm a user are valid for 24 hours, those to reset a password for one hour."""
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_USERNAME = re.compile(r"[^\s\x00-\x1f]{1,128}")


@dataclass(frozen=True, slots=True)
class People:
    """The parts that operations work with."""

    store: Store
    region: str
    clock: Callable[[], float]
    announce: Callable[[Pool, str], None]

    # ---- finding

    def client(self, asked: Mapping[str, Any]) -> Client:
        found = self.store.client(str(asked.get("ClientId")))
        if found is None:
            message = f"User pool client {asked.get('ClientId')} does not exist."
            raise ApiError("ResourceNotFoundException", message)
        if asked.get("SecretHash") is not None:
            raise not_authorized(f"Unable to verify secret hash for client {found.id}")
        return found

    def pool(self, asked: Mapping[str, Any]) -> Pool:
        return self.store.pool(str(asked.get("UserPoolId")))

    def user(self, pool: Pool, asked: Mapping[str, Any]) -> User:
        found = self.store.user(pool, text(asked, "Username"))
        if found is None:
            raise no_user()
        return found

    def signed_in(self, asked: Mapping[str, Any]) -> tuple[Pool, User, str]:
        """Pool, user and origin of an access token."""
        token = text(asked, "AccessToken")
        pool_id = pool_named(token)
        if not self.store.has_pool(pool_id):
            raise not_authorized("Invalid Access Token")
        pool = self.store.pool(pool_id)
        claims = access_claims(token, pool, self.region)
        if self.store.row("select 1 from grants where origin=?", str(claims.get("origin_jti"))) is None:
            raise not_authorized("Access Token has been revoked")
        found = self.store.user(pool, str(claims["username"]))
        if found is None:
            raise no_user()
        return pool, found, str(claims["origin_jti"])

    # ---- making and changing

    def make(self, pool: Pool, asked: Mapping[str, Any], password: str, status: str, *, by_admin: bool) -> User:
        """A new user. UsernameExistsException when there is one."""
        name = text(asked, "Username")
        attributes = attributes_of(asked.get("UserAttributes") or (), by_admin)
        sub = str(uuid.uuid4())
        if pool.settings.email_is_username:
            if not _EMAIL.fullmatch(name):
                raise invalid("Username should be an email.")
            if attributes.setdefault("email", name) != name:
                raise invalid("The email attribute must be the username in a pool that signs in by email.")
            username = sub
        elif not _USERNAME.fullmatch(name):
            raise invalid(
                "Value at 'username' failed to satisfy constraint: text without spaces, at most 128 characters"
            )
        else:
            username = name
        for needed in pool.settings.required:
            if needed not in attributes:
                raise invalid(f"Attributes did not conform to the schema: {needed}: The attribute is required")
        now = self.clock()
        verifier = verifier_of(pool.short, username, password)
        user = User(pool.id, username, sub, verifier, status, True, attributes, now, now)
        try:
            self.store.add_user(pool, name, user)
        except sqlite3.IntegrityError:
            what = "An account with the given email already exists." if username == sub else "User already exists"
            raise ApiError("UsernameExistsException", what) from None
        return user

    def change(self, pool: Pool, user: User, **changed: Any) -> User:
        found = replace(user, modified=self.clock(), **changed)
        try:
            self.store.change_user(pool, found)
        except sqlite3.IntegrityError:
            raise ApiError("AliasExistsException", "An account with the given email already exists.") from None
        return found

    def set_password(self, pool: Pool, user: User, password: str, status: str) -> User:
        pool.settings.check_password(password)
        return self.change(pool, user, verifier=verifier_of(pool.short, user.username, password), status=status)

    # ---- codes

    def send_code(self, pool: Pool, user: User, purpose: str) -> dict[str, str]:
        """A new code in the pool's log; how Cognito says where it went."""
        code = "".join(secrets.choice(string.digits) for _ in range(6))
        expires = self.clock() + CODE_S[purpose]
        self.store.run("replace into codes values (?,?,?,?,?)", pool.id, user.username, purpose, code, expires)
        email = user.attributes.get("email", user.username)
        what = "to confirm the sign-up" if purpose == "sign-up" else "to set a new password"
        self.announce(pool, f"{email}: code {code} {what} (on this machine nothing is emailed)")
        return delivery(email)

    def take_code(self, pool: Pool, user: User, purpose: str, code: object) -> None:
        """Use a code up; ExpiredCodeException, CodeMismatchException."""
        where = (pool.id, user.username, purpose)
        row = self.store.row("select * from codes where pool=? and username=? and purpose=?", *where)
        if row is None or row["expires"] < self.clock():
            raise expired_code()
        if not secrets.compare_digest(row["code"].encode(), str(code).encode("utf-8", "replace")):
            raise wrong_code()
        self.store.run("delete from codes where pool=? and username=? and purpose=?", *where)

    # ---- signing in and out

    def sign_in(self, client: Client, user: User) -> dict[str, Any]:
        """`AuthenticationResult` with all three tokens."""
        now, refresh, origin = self.clock(), secrets.token_urlsafe(96), str(uuid.uuid4())
        self.store.run("delete from grants where expires<?", now)
        self.store.run(
            "insert into grants values (?,?,?,?,?,?,?)",
            origin, client.pool.id, client.id, user.username, hashed(refresh), now, now + client.settings.refresh_s,
        )  # fmt: skip
        groups = self.store.groups_of(client.pool, user.username)
        found = tokens(self.region, client, user, groups, origin, now, now)
        return {**found, "RefreshToken": refresh}

    def renew(self, client: Client, refresh: object) -> dict[str, Any]:
        """`AuthenticationResult` for a refresh token, which stays the same."""
        row = self.store.row("select * from grants where refresh=? and client=?", hashed(str(refresh)), client.id)
        if row is None:
            raise not_authorized("Invalid Refresh Token")
        if row["expires"] < self.clock():
            raise not_authorized("Refresh Token has expired")
        user = self.store.user(client.pool, row["username"])
        if user is None or not user.enabled:
            raise not_authorized("User is disabled." if user else "Invalid Refresh Token")
        groups = self.store.groups_of(client.pool, user.username)
        return tokens(self.region, client, user, groups, row["origin"], row["signed_in"], self.clock())

    def sign_out(self, pool: Pool, user: User) -> None:
        """End every sign-in: its tokens can't be renewed any more, nor used with Cognito itself."""
        self.store.run("delete from grants where pool=? and username=?", pool.id, user.username)


def hashed(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def text(asked: Mapping[str, Any], name: str) -> str:
    """A parameter that must be text and not empty."""
    value = asked.get(name)
    if not isinstance(value, str) or not value or "\0" in value:
        raise invalid(f"Missing required parameter {name}" if value is None else f"{name} must be a text")
    return value


def attributes_of(given: Iterable[Any], by_admin: bool) -> dict[str, str]:
    """Attributes by name; only an administrator may say that an address is verified."""
    found: dict[str, str] = {}
    for item in given:
        name, value = (item.get("Name"), item.get("Value", "")) if isinstance(item, dict) else (None, None)
        if not isinstance(name, str) or not isinstance(value, str):
            raise invalid("UserAttributes must be a list of Name and Value")
        if name == "email_verified" and by_admin:
            value = "true" if value.lower() == "true" else "false"
        elif name in ("email_verified", "sub"):
            raise not_authorized(f"A client attempted to write unauthorized attribute: {name}")
        elif name.startswith("custom:"):
            raise unsupported(f"the custom attribute {name}")
        elif name not in STANDARD:
            raise invalid(f"Attributes did not conform to the schema: {name}: Attribute does not exist in the schema.")
        if name == "email" and not _EMAIL.fullmatch(value):
            raise invalid("Invalid email address format.")
        found[name] = value
    return found


def delivery(email: str) -> dict[str, str]:
    """`CodeDeliveryDetails`, with the address veiled as Cognito does."""
    local, _, domain = email.partition("@")
    return {"AttributeName": "email", "DeliveryMedium": "EMAIL", "Destination": f"{local[:1]}***@{domain[:1]}***"}
