"""What was deployed in express mode and is not known to be healthy yet, kept until it is.

Input: clients of a place, whose application. Output: `Unproven` values in the artifact bucket, one a stack,
`health/<project>/<environment>/<application>/<stack name>.json`. Written before the operation begins and removed when
the stack is proven or gone, so that a run that is killed anywhere leaves the next one what it needs: what the stack was
before. Refuses nothing; a note that can't be read counts as none with nothing to go back to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import quote

from klotho.deploy.deployed import DeployedStack
from klotho.deploy.place import Clients, translated

_ROOT = "health/"


@dataclass(frozen=True, slots=True)
class Before:
    """What a stack was, as far as an update back to it needs to know."""

    stack_id: str
    template: str
    parameters: Mapping[str, str]
    tags: Mapping[str, str]
    digest: str
    """What it was deployed with."""


@dataclass(frozen=True, slots=True)
class Unproven:
    """One stack."""

    stack_name: str
    digest: str
    """Of what was deployed; a note about another digest than the stack has says nothing."""
    before: Before | None = None
    """None: it was created."""


@dataclass(slots=True)
class Notes:
    """Those of one application in one environment. Its writes come from whoever holds the application's lease."""

    clients: Clients
    project: str
    environment: str
    application: str
    _read: bool = False
    _known: dict[str, Unproven] = field(default_factory=dict)

    def read(self) -> None:
        """Look what earlier runs left: one call where that is nothing, none the second time."""
        if self._read:
            return
        s3, bucket = self.clients.s3, self.clients.place.artifact_bucket
        with translated("reading which stacks are not known to be healthy"):
            pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=self._prefix)
            keys = [item["Key"] for page in pages for item in page.get("Contents", ())]
            found = [_parsed(s3.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in keys]
        self._read = True
        self._known = {note.stack_name: note for note in found if note is not None}

    def of(self, stack: DeployedStack) -> Unproven | None:
        """The note about what the stack is now; None: it is proven, or was not deployed in express mode."""
        note = self._known.get(stack.stack_name)
        if note is None or note.digest != stack.digest:
            return None
        return note if note.before is None or note.before.stack_id == stack.stack_id else None

    def write(self, note: Unproven) -> None:
        """Keep it, before what it is about begins."""
        bucket = self.clients.place.artifact_bucket
        with translated("noting what is not known to be healthy yet"):
            self.clients.s3.put_object(Bucket=bucket, Key=self._key(note.stack_name), Body=_encoded(note))
        self._known[note.stack_name] = note

    def remove(self, stack_name: str) -> None:
        """It is proven, or gone. Nothing is asked where there is no note."""
        if self._known.pop(stack_name, None) is not None:
            with translated("noting what is healthy"):
                self.clients.s3.delete_object(Bucket=self.clients.place.artifact_bucket, Key=self._key(stack_name))

    @property
    def _prefix(self) -> str:
        parts = (self.project, self.environment, self.application)
        return f"{_ROOT}{'/'.join(quote(part, safe='') for part in parts)}/"

    def _key(self, stack_name: str) -> str:
        return f"{self._prefix}{quote(stack_name, safe='')}.json"


def _encoded(note: Unproven) -> bytes:
    import orjson

    return orjson.dumps(asdict(note), option=orjson.OPT_SORT_KEYS)


def _parsed(body: bytes) -> Unproven | None:
    import orjson

    try:
        data: dict[str, Any] = orjson.loads(body)
        before = data["before"]
        return Unproven(data["stack_name"], data["digest"], Before(**before) if before else None)
    except (ValueError, KeyError, TypeError):
        return None
