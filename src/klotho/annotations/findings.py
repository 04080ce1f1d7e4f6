"""What a language finds in a unit and what it writes for it: values that know no language.

`compiling` turns them into constructs and relationships; what they mean for the code stays in the language's folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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
class Mount:
    """A router that an application mounts and that another unit owns: that unit serves it, within a copy of the
    application, so that what stands before and after it holds there, too."""

    unit: str
    """That owns the router."""
    file: str
    """The router's."""
    name: str
    """Of the export, in the language's own words."""
    prefix: str | None
    """As an API writes it: `/pets`, `/` without one; None where it can't be read."""
    span: Span
    """Where it is mounted."""
    application: str
    """The file with `expose`."""
    through: tuple[str, ...] = ()
    """Units whose routers mount it, from the application on."""
    routes: tuple[Route, ...] = ()
    is_plain: bool = True
    """Whether these are all routes it has, and whether it does nothing else."""
    is_contained: bool = True
    """Whether what it does is about its own paths, and not about all of the application."""
    framework: str = ""
    """In the language's own words: what is written for it in other units depends on it."""


@dataclass
class Served:
    """What an application or router serves."""

    routes: list[Route] = field(default_factory=list)
    mounts: list[Mount] = field(default_factory=list)
    is_plain: bool = True
    is_contained: bool = True

    def add(self, inner: Served) -> None:
        self.routes += inner.routes
        self.mounts += inner.mounts
        self.is_plain = self.is_plain and inner.is_plain
        self.is_contained = self.is_contained and inner.is_contained

    def add_moved(self, inner: Served, mount: Mount) -> None:
        """A router of another unit, which may mount others itself."""
        plain, contained = inner.is_plain, inner.is_contained
        self.mounts.append(replace(mount, routes=tuple(inner.routes), is_plain=plain, is_contained=contained))
        self.mounts += [replace(item, through=(mount.unit, *item.through)) for item in inner.mounts]


@dataclass(frozen=True, slots=True)
class Exposure:
    """Something a unit serves. Routes are for pictures and readers: what none of them names goes to the unit, too."""

    annotation: Annotation
    routes: tuple[Route, ...]
    known: bool = True
    """Whether the framework is known, so that routes could be looked for."""
    mounts: tuple[Mount, ...] = ()
    """Routers of other units."""
    framework: str | None = None
    """The name of one whose routes are not known."""
    is_refused: bool = False
    """Whether applications of that framework can't be compiled; the language says so at its line."""


def exposure_of(annotation: Annotation, served: Served | None, named: tuple[str, bool] | None = None) -> Exposure:
    """`served`: None for an application whose routes are not known; `named`: its framework then, and whether that is
    refused."""
    if served is None and named is not None:
        return Exposure(annotation, (), known=False, framework=named[0], is_refused=named[1])
    found = served or Served()
    routes: dict[tuple[str, str], Route] = {}
    for item in found.routes:
        routes.setdefault((item.method, item.path), item)
    return Exposure(annotation, tuple(routes.values()), served is not None, tuple(found.mounts))


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
    """Of the environment of the unit's process, set before the code is loaded: what of the construct is in each, as the
    runtime names it."""
    layout: str = ""
    """How the code names what it keeps: who shares a bucket must do it in one way."""


FROM_THE_PROGRAM = "with files named from the program's folder on"
"""A layout, that of languages whose files are those of one file system."""


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
    assets: tuple[str, ...] = ()
    """Files among them that no import leads to: a function's package must be told of them."""
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
    build: tuple[tuple[str, ...], ...] = ()
    """Commands to run before each start."""
    paths: tuple[str, ...] = ()
    """Folders, relative to the program's, that Python looks for modules in."""
    folder: str = ""
    """The folder it is started in, relative to the program's."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Further variables; `{port}` is what `PORT` says, as in `start`."""
    random: tuple[str, ...] = ()
    """Patterns of what is another in each answer or copy of a file, in bodies and headers: it is not compared."""
    listens: str = "let it listen on `$PORT`"
    """What to do where it does not."""


def variables(findings: Findings) -> dict[str, tuple[str, str, str]]:
    """By variable of the environment, where its value is: the runtime's group, the construct's name, the value's."""
    held = {
        variable: (
            "secrets" if item.kind == "Secret" else "datastores",
            construct_name(item.annotation.id or ""),
            value,
        )
        for item in findings.resources
        for variable, value in item.variables.items()
    }
    return dict(sorted(held.items()))


def construct_name(id: str) -> str:
    """The name of a unit, table or API: `/` and `:` are no characters of a name."""
    return id.replace("/", "-").replace(":", "-")


def edited(content: bytes, edits: list[Edit]) -> bytes:
    """The file with its edits; they do not overlap."""
    # Of several at one place the first one given comes first in the file.
    for edit in sorted(reversed(edits), key=lambda item: item.start, reverse=True):
        content = content[: edit.start] + edit.text + content[edit.end :]
    return content
