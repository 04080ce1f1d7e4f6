"""Who may do what in which cache: users, user groups and caches as they are deployed, and the ACL files made of them.

Input: users with access strings and hashes of passwords, from the handlers. Output: a file that lasts (`access.json`,
written whole or not at all, for this user only), and ACL files. Refuses, as `RedisError`, what would break out of a
user's line, and what AWS refuses in an access string: passwords, `nopass`, `reset`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from klotho.localcloud.planes.redis_programs import RedisError

_WORD = re.compile(r"[^\s\0]+")
_REFUSED = ("nopass", "resetpass", "reset", "sanitize-payload", "skip-sanitize-payload")
"""Source: ElastiCache User Guide, "Role-Based Access Control": passwords are parameters of the API."""


@dataclass(frozen=True, slots=True)
class User:
    """One user as its resource says; passwords only as SHA-256, which is what an ACL file takes."""

    name: str
    rules: str
    hashes: tuple[str, ...]

    @classmethod
    def of(cls, name: str, rules: str, passwords: Sequence[str]) -> User:
        """Checked."""
        if _WORD.fullmatch(name) is None:
            raise RedisError(f"`{name}` is no user name: it holds white space")
        for word in rules.split():
            if word in _REFUSED or word[0] in "><#!":
                raise RedisError(f"`{word}` can't be in an access string")
        return cls(
            name, " ".join(rules.split()), tuple(hashlib.sha256(item.encode()).hexdigest() for item in passwords)
        )

    def line(self) -> str:
        return f"user {self.name} reset {self.rules} {' '.join(f'#{item}' for item in self.hashes)}".rstrip()


class Access:
    """The users, groups and caches of one local cloud."""

    def __init__(self, path: Path) -> None:
        self._path = path
        empty: dict[str, dict[str, Any]] = {"users": {}, "groups": {}, "caches": {}}
        self._known = json.loads(path.read_text()) if path.exists() else empty

    def user(self, user_id: str) -> User | None:
        found = self._known["users"].get(user_id)
        return None if found is None else User(found["name"], found["rules"], tuple(found["hashes"]))

    def set_user(self, user_id: str, user: User | None) -> None:
        told = None if user is None else {"name": user.name, "rules": user.rules, "hashes": list(user.hashes)}
        self._set("users", user_id, told)

    def group(self, group_id: str) -> list[str] | None:
        found: list[str] | None = self._known["groups"].get(group_id)
        return found

    def set_group(self, group_id: str, users: Sequence[str] | None) -> None:
        self._set("groups", group_id, None if users is None else list(users))

    def set_cache(self, cache: str, groups: Sequence[str]) -> None:
        self._set("caches", cache, list(groups))

    def drop_cache(self, cache: str) -> None:
        self._set("caches", cache, None)

    def write(self, cache: str, path: Path, admin: str, password: str) -> None:
        """The ACL file of a cache's server. Without a user group everybody may do everything, as on AWS."""
        groups = self._known["caches"].get(cache, [])
        ids = dict.fromkeys(item for group in groups for item in self._known["groups"].get(group, ()))
        users = [user for item in ids if (user := self.user(item)) is not None]
        lines = [User.of(admin, "on ~* &* +@all", (password,)).line()]
        if not groups:
            lines.append("user default reset on nopass ~* &* +@all")
        elif all(user.name != "default" for user in users):
            lines.append("user default reset off")
        lines += [user.line() for user in users]
        _write(path, "\n".join(lines) + "\n")

    def _set(self, part: str, key: str, value: Any) -> None:
        if value is None:
            self._known[part].pop(key, None)
        else:
            self._known[part][key] = value
        _write(self._path, json.dumps(self._known, sort_keys=True))


def _write(path: Path, text: str) -> None:
    """Whole or not at all, and for this user only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{uuid.uuid4().hex}.new")  # a server that restarts writes its own
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    draft.replace(path)
