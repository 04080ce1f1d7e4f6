"""What each application of a project needs of the project's own stack.

Input: a store, names, templates. Output: claims. A claim is written before the stack is changed and narrowed after the
application has been deployed, so that nobody takes away what somebody else is about to use. Refuses, by a `Failure`
that says where it lies and what to do, a claim that is damaged or of a newer Klotho; it is never overwritten by chance.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from klotho.diagnostics import Failure
from klotho.stores import Store, key_part

SCHEMA = 1
FOLDER = ".needs"
"""Beside the entries; no application has a name that begins with a dot there (`key_part`)."""
_ATTEMPTS = 50


@dataclass(frozen=True, slots=True)
class Claim:
    """What one application needs."""

    application: str
    template: Mapping[str, Any]
    where: str = ""
    """Where the application's program is, for people."""
    line: str = ""
    """The line that speaks of the network, if one does: `/home/ann/shop/infra.py:7`."""
    klotho: str = ""
    """The version that wrote it."""

    def to_bytes(self) -> bytes:
        content = {
            "schema": SCHEMA,
            "application": self.application,
            "template": dict(self.template),
            "where": self.where,
            "line": self.line,
            "klotho": self.klotho,
        }
        return _json({**content, "checksum": _digest(content)})


class Claims:
    """Of one project in one environment."""

    def __init__(self, store: Store, project: str, environment: str) -> None:
        self._store = store
        self._project, self._environment = project, environment
        self._prefix = f"{key_part(project)}/{key_part(environment)}/{FOLDER}/"

    def all(self) -> dict[str, Claim]:
        """By application, sorted."""
        found = {}
        for name in self._store.list(self._prefix):
            application = unquote(name.rpartition("/")[2])
            held = self._store.read(name)
            if held is not None:
                found[application] = self._parsed(name, application, held.body)
        return found

    def write(self, claim: Claim) -> None:
        """In the place of the application's earlier one. Whoever writes holds the project's lease."""
        name, body = self._name(claim.application), claim.to_bytes()
        for _ in range(_ATTEMPTS):
            held = self._store.read(name)
            if held is not None and held.body == body:
                return
            done = self._store.create(name, body) if held is None else self._store.replace(name, body, held.etag)
            if done is not None:
                return
        raise Failure(
            "registry-busy",
            f"what `{claim.application}` needs could not be written: somebody else writes it all the time",
            helps=("run `klotho up` again",),
        )

    def withdraw(self, application: str) -> bool:
        """The application needs nothing any more. False when it had claimed nothing."""
        name = self._name(application)
        held = self._store.read(name)
        return held is not None and self._store.delete(name, held.etag)

    def _name(self, application: str) -> str:
        return f"{self._prefix}{key_part(application)}"

    def _parsed(self, name: str, application: str, body: bytes) -> Claim:
        import orjson

        try:
            data = orjson.loads(body)
            if not isinstance(data, dict) or not isinstance(data.get("schema"), int):
                raise ValueError("it has no `schema` number")
            if data["schema"] > SCHEMA:
                raise self._newer(name, application, data)
            content = {key: value for key, value in data.items() if key != "checksum"}
            if data.get("checksum") != _digest(content) or data["application"] != application:
                raise ValueError("its checksum does not fit: it was changed by hand, or cut off")
            if not all(isinstance(data["template"][key], dict) for key in ("Resources", "Parameters", "Outputs")):
                raise ValueError("it holds no template")
            return Claim(application, data["template"], str(data["where"]), str(data["line"]), str(data["klotho"]))
        except (ValueError, KeyError, TypeError) as error:
            raise self._damaged(name, application, error) from error

    def _newer(self, name: str, application: str, data: Mapping[str, Any]) -> Failure:
        version = f"Klotho {data['klotho']}" if data.get("klotho") else "a newer Klotho"
        return Failure(
            "registry-newer",
            f"what `{application}` needs of project `{self._project}`, {self._environment}, is of a newer Klotho",
            notes=(f"it is {self._store.address(name)}, and stays as it is",),
            helps=(f"install {version}, or a newer one",),
        )

    def _damaged(self, name: str, application: str, error: Exception) -> Failure:
        address = self._store.address(name)
        return Failure(
            "registry-damaged",
            f"what `{application}` needs of project `{self._project}`, {self._environment}, can't be read",
            notes=(str(error), f"it is {address}, and stays as it is"),
            helps=(f"delete it, and run `klotho up` where `{application}` is: that writes it again",),
        )


def _digest(data: Any) -> str:
    return hashlib.sha256(_json(data)).hexdigest()


def _json(data: Any) -> bytes:
    import orjson

    return orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
