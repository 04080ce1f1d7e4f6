"""What a language finds in a unit and what it writes for it: values that know no language.

`compiling` turns them into constructs and relationships; what they mean for the code stays in the language's folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from klotho.annotations.model import Annotation
from klotho.diagnostics import Span


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    """`GET`, or `ANY`."""
    path: str
    """As an API writes it: `/pets/{id}`."""
    span: Span


@dataclass(frozen=True, slots=True)
class Exposure:
    """Something a unit serves. Routes are for pictures and readers: what none of them names goes to the unit, too."""

    annotation: Annotation
    routes: tuple[Route, ...]
    known: bool = True
    """Whether the framework is known, so that routes could be looked for."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Bytes of a file and what stands there in the unit; it moves no line."""

    path: str
    start: int
    end: int
    text: bytes


@dataclass(frozen=True, slots=True)
class Resource:
    """Something a unit uses: a store, a bucket, a secret, a topic."""

    annotation: Annotation
    kind: str
    """Of the construct: `Databases.KeyValue`."""
    verbs: tuple[str, ...]
    """What the unit does with it: `reads_from`; a topic may be published to and subscribed to."""
    properties: Mapping[str, Any] = field(default_factory=dict)
    """Of the construct."""
    name: str | None = None
    """Of the construct, where one annotation asks for several; default: the annotation's id."""
    edits: tuple[Edit, ...] = ()
    shims: tuple[str, ...] = ()
    """What the unit's code needs beside it, in the language's own words."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Environment variables of the unit's process, by name: what of the store is in each, as the runtime names it."""


@dataclass
class Findings:
    """What the annotations of a unit's files ask for. What nothing came of is reported by `compiling`."""

    exposures: list[Exposure] = field(default_factory=list)
    resources: list[Resource] = field(default_factory=list)
    remote: dict[str, list[str]] = field(default_factory=dict)
    """Functions that the unit calls, by the other unit's file."""
    assets: list[str] = field(default_factory=list)
    """Further files that the unit has as they are."""

    @property
    def listened(self) -> set[str]:
        """The topics that the unit listens to, by the names of their constructs."""
        return {
            item.name or construct_name(item.annotation.id or "")
            for item in self.resources
            if "subscribes_to" in item.verbs
        }


@dataclass(frozen=True, slots=True)
class UnitCode:
    """A unit as it is packed."""

    files: Mapping[str, bytes]
    handler: str = ""
    """As a function's `handler` says it, from the unit's folder. A container has a Dockerfile among its files."""
    start: tuple[str, ...] = ()
    """What a container runs."""


@dataclass(frozen=True, slots=True)
class Original:
    """How the uncompiled application is run on this machine, in a copy of its folder, with `PORT` set."""

    start: tuple[str, ...]
    install: tuple[tuple[str, ...], ...] = ()
    """Commands to run before; `uv` is the one that comes with Klotho."""
    installed: str = ""
    """The file or folder that says that they need not be run."""
    paths: tuple[str, ...] = ()
    """Folders, relative to the program's, that Python looks for modules in."""
    listens: str = "let it listen on `$PORT`"
    """What to do where it does not."""


def construct_name(id: str) -> str:
    """The name of a unit, table or API: `/` and `:` are no characters of a name."""
    return id.replace("/", "-").replace(":", "-")


def edited(content: bytes, edits: list[Edit]) -> bytes:
    """The file with its edits; they do not overlap."""
    # Of several at one place the first one given comes first in the file.
    for edit in sorted(reversed(edits), key=lambda item: item.start, reverse=True):
        content = content[: edit.start] + edit.text + content[edit.end :]
    return content
