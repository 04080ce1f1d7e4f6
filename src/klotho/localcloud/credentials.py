"""Who may call the local endpoint: access keys for the deployer and for every compute unit.

Input: the state database. Output: `AccessKey`s to hand out, and the secret and `Caller` behind a key id. Keys are
random and live only in the state database (mode 0600 in a folder of mode 0700). Refuses nothing: an unknown key id
is `None`, and the endpoint says so in AWS's words.
"""

from __future__ import annotations

import secrets
import string
import time
from dataclasses import dataclass, field

from klotho.localcloud.database import Database
from klotho.localcloud.service import ApiError, Caller

DEPLOYER = "deployer"

_TABLE = """
create table if not exists access_keys (
    id text primary key, secret text not null, name text not null, role_arn text, unique (name, role_arn)
)
"""
_ID_ALPHABET = string.ascii_uppercase + "234567"


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A long-term key pair, as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY carry it."""

    id: str
    """20 characters starting with `AKIA`, as AWS's are."""
    secret: str = field(repr=False)
    """40 characters."""


@dataclass(frozen=True, slots=True)
class Session:
    """Temporary credentials."""

    key: AccessKey
    token: str = field(repr=False)
    expires: float
    """Seconds since 1970."""


class Credentials:
    """Hands out access keys and recognises them again, also after a restart."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.connection.execute(_TABLE)
        database.path.parent.chmod(0o700)
        database.path.chmod(0o600)
        self._callers: dict[str, tuple[str, Caller]] = {}
        self._keys: dict[tuple[str, str | None], AccessKey] = {}
        self._sessions: dict[str, Session] = {}
        for row in database.connection.execute("select id, secret, name, role_arn from access_keys"):
            self._remember(AccessKey(row["id"], row["secret"]), row["name"], row["role_arn"])

    def deployer(self) -> AccessKey:
        """The key the CLI deploys with; made on first use."""
        return self._of(DEPLOYER, None)

    def issue(self, name: str, role_arn: str) -> AccessKey:
        """The key of a compute unit: always the same for the same construct name and execution role.

        ValueError for an empty role: only the deployer has none, and it may do everything.
        """
        if not role_arn:
            raise ValueError(f"{name}: a compute unit's key needs the role it runs under")
        return self._of(name, role_arn)

    def assume(self, name: str, role_arn: str, seconds: int) -> Session:
        """Temporary credentials of somebody who takes a role; they end with the local cloud, too."""
        key = _new_key("ASIA")
        session = Session(key, secrets.token_urlsafe(60), time.time() + seconds)
        self._sessions[key.id] = session
        self._callers[key.id] = (key.secret, Caller(key.id, name, role_arn, session=True))
        return session

    def check_session(self, access_key_id: str, token: str | None) -> None:
        """ApiError when a request with temporary credentials lacks their token, or they have expired."""
        session = self._sessions.get(access_key_id)
        if session is None:
            return
        if token is None or not secrets.compare_digest(token, session.token):
            raise ApiError("InvalidClientTokenId", "The security token included in the request is invalid.", 403)
        if time.time() > session.expires:
            raise ApiError("ExpiredToken", "The security token included in the request is expired", 403)

    def caller_of(self, access_key_id: str) -> tuple[str, Caller] | None:
        """The secret and the caller behind a key id; None when it was never issued here."""
        return self._callers.get(access_key_id)

    def _of(self, name: str, role_arn: str | None) -> AccessKey:
        known = self._keys.get((name, role_arn))
        if known is not None:
            return known
        key = _new_key("AKIA")
        with self._database.transaction() as connection:
            connection.execute(
                "insert into access_keys (id, secret, name, role_arn) values (?,?,?,?)",
                (key.id, key.secret, name, role_arn),
            )
        self._remember(key, name, role_arn)
        return key

    def _remember(self, key: AccessKey, name: str, role_arn: str | None) -> None:
        self._keys[name, role_arn] = key
        self._callers[key.id] = (key.secret, Caller(key.id, name, role_arn))


def _new_key(prefix: str) -> AccessKey:
    return AccessKey(prefix + "".join(secrets.choice(_ID_ALPHABET) for _ in range(16)), secrets.token_urlsafe(30))
