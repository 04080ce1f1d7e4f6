"""Secrets with versions and stages, kept in the state database.

Input: in-process `create`, `value`, `put`, `delete`, or Secrets Manager's JSON 1.1 API. Output: values and metadata.
Refuses by name: rotation, replication, secrets scheduled for deletion, a token used again with another value.
Values are in the state database only (mode 0600): in no log, error message or template.

Source: AWS Secrets Manager API Reference.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from klotho.localcloud import identity
from klotho.localcloud.database import Database
from klotho.localcloud.service import ApiError

CURRENT, PREVIOUS = "AWSCURRENT", "AWSPREVIOUS"
DAY_SECONDS = 86_400
MAX_VALUE_BYTES = 65_536
"""Quota "secret value size"."""

_TABLES = """
create table if not exists secrets (
    arn text primary key, name text not null unique, description text, kms_key_id text, tags text not null,
    created real not null, changed real not null, deleted real, deletes real
);
create table if not exists secret_versions (
    arn text not null references secrets (arn), version text not null, text_value text, binary_value blob,
    stages text not null, created real not null, primary key (arn, version)
);
"""


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret without its values."""

    arn: str
    name: str
    description: str | None
    kms_key_id: str | None
    tags: Mapping[str, str]
    created: float
    """Times are seconds since 1970."""
    changed: float
    deleted: float | None
    """When deletion was asked for; None for a secret that can be read."""
    deletes: float | None
    """When it will be gone for good."""


@dataclass(frozen=True, slots=True)
class Version:
    """One value of a secret: text or bytes."""

    id: str
    text: str | None
    binary: bytes | None
    stages: tuple[str, ...]
    created: float

    def __repr__(self) -> str:
        return f"Version({self.id}, stages={self.stages})"  # never the value: a repr ends up in logs


def _not_found() -> ApiError:
    return ApiError("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")


class SecretsManager:
    """All secrets of one local cloud."""

    def __init__(self, database: Database, region: str, account: str = identity.ACCOUNT) -> None:
        self._database = database
        self._region = region
        self._account = account
        database.connection.executescript(_TABLES)

    def arn_for(self, name: str, token: str) -> str:
        """The ARN a secret made with this token has: its six-character suffix stands for the token."""
        return identity.arn("secretsmanager", f"secret:{name}-{suffix(token)}", self._region, self._account)

    def create(
        self,
        name: str,
        value: str | bytes | None,
        token: str,
        description: str | None = None,
        *,
        kms_key_id: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> str:
        """Make a secret and return its ARN; again with the same token, nothing is changed.

        ApiError `ResourceExistsException` when the name is taken by another secret, `InvalidRequestException` when
        that one is scheduled for deletion.
        """
        _check_size(value)
        self._purge()
        arn = self.arn_for(name, token)
        row = self._database.connection.execute("select arn, deleted from secrets where name=?", (name,)).fetchone()
        if row is not None and row["arn"] == arn and row["deleted"] is None:
            return arn
        if row is not None and row["deleted"] is not None:
            raise ApiError(
                "InvalidRequestException",
                "You can't create this secret because a secret with this name is already scheduled for deletion.",
            )
        if row is not None:
            raise ApiError("ResourceExistsException", f"The operation failed because the secret {name} already exists.")
        now = time.time()
        with self._database.transaction() as connection:
            connection.execute(
                "insert into secrets values (?,?,?,?,?,?,?,null,null)",
                (arn, name, description, kms_key_id, _json(tags or {}), now, now),
            )
            if value is not None:
                self.put(arn, value, token)
        return arn

    def value(self, arn_or_name: str) -> str:
        """The current text value; ApiError `ResourceNotFoundException` when there is none."""
        text = self.version(arn_or_name).text
        if text is None:
            raise ApiError("ResourceNotFoundException", "The current value of the secret is binary, not text.")
        return text

    def put(
        self, arn_or_name: str, value: str | bytes, token: str, stages: tuple[str, ...] | None = None
    ) -> tuple[str, tuple[str, ...]]:
        """Add a version and return its id (made from the token) and stages; by default it becomes the current one.

        The same token and value again change nothing; the same token with another value is
        ApiError `ResourceExistsException`.
        """
        _check_size(value)
        secret = self.live(arn_or_name)
        version = version_id(token)
        text, binary = (value, None) if isinstance(value, str) else (None, value)
        existing = self._versions(secret.arn).get(version)
        if existing is not None:
            if (existing.text, existing.binary) != (text, binary):
                raise ApiError("ResourceExistsException", "A version with this token and another value already exists.")
            return existing.id, existing.stages
        now = time.time()
        with self._database.transaction() as connection:
            connection.execute(
                "insert into secret_versions values (?,?,?,?,?,?)", (secret.arn, version, text, binary, "[]", now)
            )
            connection.execute("update secrets set changed=? where arn=?", (now, secret.arn))
            for stage in stages or (CURRENT,):
                self._move(secret.arn, stage, version)
            # What no label leads to is kept by its id only, so that a token used again is still known.
            connection.execute(
                "update secret_versions set text_value=null, binary_value=null where arn=? and stages='[]'",
                (secret.arn,),
            )
        return version, self._versions(secret.arn)[version].stages

    def delete(self, arn_or_name: str, recovery_days: int | None = None) -> Secret:
        """Delete at once, or after `recovery_days` (7 to 30) during which `restore` brings it back."""
        secret = self.find(arn_or_name)
        now = time.time()
        with self._database.transaction() as connection:
            if recovery_days is None:
                self._erase(secret.arn)
            elif secret.deleted is not None:
                raise ApiError("InvalidRequestException", "You can't perform this operation on a deleted secret.")
            else:
                deletes = now + recovery_days * DAY_SECONDS
                connection.execute("update secrets set deleted=?, deletes=? where arn=?", (now, deletes, secret.arn))
                return self.find(secret.arn)
        return secret

    def restore(self, arn_or_name: str) -> Secret:
        """Cancel a scheduled deletion."""
        secret = self.find(arn_or_name)
        with self._database.transaction() as connection:
            connection.execute("update secrets set deleted=null, deletes=null where arn=?", (secret.arn,))
        return self.find(secret.arn)

    def describe(
        self,
        arn_or_name: str,
        *,
        description: str | None = None,
        kms_key_id: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Change the metadata that is given; None leaves it as it is."""
        secret = self.live(arn_or_name)
        with self._database.transaction() as connection:
            connection.execute(
                "update secrets set description=?, kms_key_id=?, tags=?, changed=? where arn=?",
                (
                    secret.description if description is None else description,
                    secret.kms_key_id if kms_key_id is None else kms_key_id,
                    _json(secret.tags if tags is None else tags),
                    time.time(),
                    secret.arn,
                ),
            )

    def find(self, arn_or_name: str) -> Secret:
        """A secret by name, ARN, or ARN without its suffix, also one scheduled for deletion."""
        self._purge()
        prefix = identity.arn("secretsmanager", "secret:", self._region, self._account)
        name = arn_or_name.removeprefix(prefix)
        row = self._database.connection.execute(
            "select * from secrets where arn=? or name=?", (arn_or_name, name)
        ).fetchone()
        if row is None:
            raise _not_found()
        return _secret(row)

    def live(self, arn_or_name: str) -> Secret:
        """As `find`, but ApiError `InvalidRequestException` for one that is scheduled for deletion."""
        secret = self.find(arn_or_name)
        if secret.deleted is not None:
            raise ApiError(
                "InvalidRequestException",
                "You can't perform this operation on the secret because it was marked for deletion.",
            )
        return secret

    def version(self, arn_or_name: str, version: str | None = None, stage: str | None = None) -> Version:
        """A version by id, by stage, or the current one."""
        secret = self.live(arn_or_name)
        wanted_stage = stage or (None if version else CURRENT)
        for found in self.versions(secret.arn):
            if version in (None, found.id) and (wanted_stage is None or wanted_stage in found.stages):
                return found
        what = f"version: {version}" if version else f"staging label: {wanted_stage}"
        raise ApiError("ResourceNotFoundException", f"Secrets Manager can't find the specified secret value for {what}")

    def versions(self, arn: str) -> list[Version]:
        """All versions of a secret that still have a stage, oldest first."""
        return [version for version in self._versions(arn).values() if version.stages]

    def list(self, include_deleted: bool = False) -> list[Secret]:
        """All secrets by name."""
        self._purge()
        secrets = [_secret(row) for row in self._database.connection.execute("select * from secrets order by name")]
        return [secret for secret in secrets if include_deleted or secret.deleted is None]

    def _versions(self, arn: str) -> dict[str, Version]:
        rows = self._database.connection.execute(
            "select * from secret_versions where arn=? order by created, rowid", (arn,)
        )
        return {
            row["version"]: Version(
                row["version"],
                row["text_value"],
                row["binary_value"],
                tuple(orjson.loads(row["stages"])),
                row["created"],
            )
            for row in rows
        }

    def _move(self, arn: str, stage: str, version: str) -> None:
        """Move a stage to a version; what was current becomes the previous one, as AWS does."""
        was_current = None
        for found in self._versions(arn).values():
            if stage in found.stages and found.id != version:
                was_current = found.id if stage == CURRENT else was_current
                self._set_stages(arn, found, tuple(s for s in found.stages if s != stage))
        target = self._versions(arn)[version]
        self._set_stages(arn, target, (*target.stages, stage))
        if was_current is not None:
            self._move(arn, PREVIOUS, was_current)

    def _set_stages(self, arn: str, version: Version, stages: tuple[str, ...]) -> None:
        self._database.connection.execute(
            "update secret_versions set stages=? where arn=? and version=?",
            (_json(list(dict.fromkeys(stages))), arn, version.id),
        )

    def _purge(self) -> None:
        """Erase what is past its recovery window."""
        due = self._database.connection.execute("select arn from secrets where deletes <= ?", (time.time(),)).fetchall()
        for row in due:
            with self._database.transaction():
                self._erase(row["arn"])

    def _erase(self, arn: str) -> None:
        self._database.connection.execute("delete from secret_versions where arn=?", (arn,))
        self._database.connection.execute("delete from secrets where arn=?", (arn,))


def suffix(token: str) -> str:
    """The six characters AWS appends to a secret's name in its ARN, here derived from the token."""
    return identity.digest(token, 6, "secret")


def version_id(token: str) -> str:
    """A client's request token is the version's id (32 to 64 characters); any other token is turned into one."""
    return token if 32 <= len(token) <= 64 else identity.uuid_of(token, "secret-version")


def _check_size(value: str | bytes | None) -> None:
    size = len(value.encode("utf-8", "replace") if isinstance(value, str) else value or b"")
    if size > MAX_VALUE_BYTES:
        raise ApiError("ValidationException", f"a secret value has at most {MAX_VALUE_BYTES} bytes, this has {size}")


def _secret(row: Any) -> Secret:
    return Secret(
        arn=row["arn"],
        name=row["name"],
        description=row["description"],
        kms_key_id=row["kms_key_id"],
        tags=orjson.loads(row["tags"]),
        created=row["created"],
        changed=row["changed"],
        deleted=row["deleted"],
        deletes=row["deletes"],
    )


def _json(value: object) -> str:
    return orjson.dumps(value if not isinstance(value, Mapping) else dict(value)).decode()
