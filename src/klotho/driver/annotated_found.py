"""What was found of annotated code, unit by unit, with the place of each thing: what `klotho compile` shows.

Input: a build. Output: `UnitFound`s in the order of their names; with `statements`, also the statement that each
annotation stands on, which is the shape that was recognised.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from klotho.annotations.findings import construct_name
from klotho.application import ConstructId, Relationship
from klotho.diagnostics import Diagnostic, Report, Span
from klotho.driver.build import Build

if TYPE_CHECKING:
    from klotho.annotations.pages import UnitPage

_SERVICES = ("Compute.Function", "Compute.Container")


@dataclass(frozen=True, slots=True)
class RouteFound:
    api: str
    text: str
    """`GET /pets/{id}`; "everything else" for the rest."""
    at: Span | None


@dataclass(frozen=True, slots=True)
class UseFound:
    """A resource that a unit uses."""

    name: str
    kind: str
    verbs: tuple[str, ...]
    """`reads_from`."""
    at: Span | None
    """The annotation, of those with its id the one in the unit."""
    statement: str = ""
    """What it stands on; "" unless asked for."""


@dataclass(frozen=True, slots=True)
class UnitFound:
    name: str
    runs_on: str
    """The implementation: `lambda`."""
    files: list[str]
    assets: list[str]
    routes: list[RouteFound] = field(default_factory=list)
    uses: list[UseFound] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    """`<unit>: <file> <function>`."""
    warnings: list[Diagnostic] = field(default_factory=list)
    """In its files."""


def units_found(built: Build, *, statements: bool = False) -> list[UnitFound]:
    standing = _statements(built) if statements else {}
    return [_unit(built, page, standing) for page in built.pages]


def _unit(built: Build, page: UnitPage, standing: Mapping[tuple[str, int], str]) -> UnitFound:
    names = built.ids.get("execution_units", {}).get(page.name, ())
    service = names[0] if names else ConstructId(f"Compute.Function/{construct_name(page.name)}")
    relations = built.application.relationships
    own = {*page.files, *page.assets}
    return UnitFound(
        page.name,
        built.choices.get(service, ""),
        page.files,
        page.assets,
        list(_routes(built, page)),
        list(_uses(built, own, (item for item in relations if item.actor == service), standing)),
        page.calls,
        [item for item in built.diagnostics if item.span is not None and item.span.file in own],
    )


def _routes(built: Build, page: UnitPage) -> Iterable[RouteFound]:
    for api, texts in page.routes.items():
        id_ = ConstructId(f"API/{construct_name(api)}")
        for text in texts:
            yield RouteFound(api, text, page.places.get((api, text)))
        exposed = built.application.by_id.get(id_)
        yield RouteFound(api, "everything else", exposed.span if exposed is not None else None)


def _uses(
    built: Build, own: Collection[str], relations: Iterable[Relationship], standing: Mapping[tuple[str, int], str]
) -> Iterable[UseFound]:
    """`own`: the unit's files. What units of two languages share stands in the files of each."""
    used: dict[ConstructId, list[Relationship]] = {}
    for item in relations:
        if item.target.partition("/")[0] not in _SERVICES:
            used.setdefault(item.target, []).append(item)
    for target, items in used.items():
        if target in built.application.by_id:
            construct = built.application.construct(target)
            here = (item.span for item in items if item.span is not None and item.span.file in own)
            at = next(here, construct.span)
            statement = standing.get((at.file, at.line), "") if at is not None else ""
            yield UseFound(construct.name, construct.kind, tuple(item.verb for item in items), at, statement)


def _statements(built: Build) -> dict[tuple[str, int], str]:
    """By the place of an annotation, the first line of what it stands on."""
    from klotho.annotations.reading import read_code_base

    found = {}
    for source in read_code_base(built.program.folder, Report()).annotated.values():
        for annotation in source.annotations:
            after = source.text.content[annotation.end :].decode("utf-8", "replace").lstrip()
            found[source.path, annotation.span.line] = after.partition("\n")[0].rstrip()
    return found
