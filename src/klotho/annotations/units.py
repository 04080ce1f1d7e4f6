"""Cuts a code base into execution units: each is its entries and everything they import.

Input: the annotated files, and what each file imports. Output: `Unit`s. Files that nobody owns are shared: each unit
that imports one gets a copy. An import of a file that another unit owns is remote and not followed. A unit that owns
a router of an application is a guest of it: it has the application, too, and serves the router within it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from klotho.annotations.findings import Mount
from klotho.annotations.model import Annotation
from klotho.annotations.reading import CodeBase
from klotho.diagnostics import Label, Report, Span

MAIN = "main"
"""The unit of what no annotation gives to another."""


@dataclass
class Unit:
    name: str
    entries: list[str]
    span: Span | None
    """The annotation that names it."""
    files: list[str] = field(default_factory=list)
    remote: dict[str, str] = field(default_factory=dict)
    """Files of other units that it imports: the unit by file."""
    hosts: list[str] = field(default_factory=list)
    """Files with `expose` of other units: applications that it serves a router of."""
    served: list[tuple[str, str]] = field(default_factory=list)
    """Paths of the application that belong to a router's unit, with the unit; the most specific first. Filled in when
    all mounts are known. Whoever gets a request for another unit's path hands it on."""


def owners(code: CodeBase, report: Report) -> dict[str, Annotation]:
    """The annotation that gives each file to a unit; those for all units, or without an id, give it to none."""
    found: dict[str, Annotation] = {}
    for source, annotation in code.all("execution_unit"):
        if annotation.id is None or annotation.directives.get("all_units") is True:
            continue
        first = found.setdefault(source.path, annotation)
        if first is not annotation and first.id != annotation.id:
            also = [Label(first.span, f'it belongs to "{first.id}"')]
            message = "a file belongs to one execution unit"
            report.error("annotation-unit", message, annotation.span, text="and here to another", also=also)
    return found


def refuse_second(unit: str, first: Annotation, second: Annotation, report: Report) -> None:
    """Of two `expose` in one unit."""
    message, also = (
        f'the unit "{unit}" serves one application, and this is another one',
        [Label(first.span, "the first")],
    )
    helps = ("take one of the comments away, or let the other application be another unit",)
    report.error("annotation-unit", message, second.span, text="the second", also=also, helps=helps)


def split(
    code: CodeBase,
    owned: Mapping[str, Annotation],
    mounts: Iterable[Mount],
    imports: Callable[[str], Iterable[str]],
    fallback: str | None,
    begins_by: str,
) -> list[Unit]:
    """The units by name. `imports`: the files of the code base that one imports. `fallback`: where the program
    begins when no annotation says so (`main` of package.json); `begins_by`: how to say it."""
    report = code.report
    by_name: dict[str, Unit] = {}
    for path, annotation in sorted(owned.items()):
        assert annotation.id is not None
        by_name.setdefault(annotation.id, Unit(annotation.id, [], annotation.span)).entries.append(path)
    if not by_name and all(
        item.capability == "static_unit" for file in code.annotated.values() for item in file.annotations
    ):
        return []  # nothing runs: it is files for browsers only
    exposing = {source.path for source, _ in code.all("expose")}
    unowned = sorted(path for path in exposing if path not in owned)
    if not by_name or unowned:
        entries = unowned or ([fallback] if fallback is not None else [])
        if fallback is not None and fallback not in owned and not unowned:
            entries = [fallback]
        if not entries:
            message = "nothing says where this program begins"
            report.error("annotation-unit", message, helps=(begins_by,))
        if MAIN in by_name:
            by_name[MAIN].entries = sorted({*by_name[MAIN].entries, *entries})
        else:
            by_name[MAIN] = Unit(MAIN, entries, None)
    given = list(mounts)
    for unit in by_name.values():
        _close(unit, imports, owned, [item for item in given if item.unit == unit.name])
    return [by_name[name] for name in sorted(by_name)]


def _close(
    unit: Unit,
    imports: Callable[[str], Iterable[str]],
    owned: Mapping[str, Annotation],
    mounts: Iterable[Mount],
) -> None:
    own: set[str | None] = {None, unit.name}
    for mount in mounts:
        host = owned.get(mount.application)
        own |= {host.id if host is not None else MAIN, *mount.through}
        if mount.application not in (*unit.entries, *unit.hosts):
            unit.hosts.append(mount.application)
    waiting = [*unit.entries, *unit.hosts]
    seen = set(waiting)
    while waiting:
        for path in imports(waiting.pop()):
            owner = owned[path].id if path in owned else None
            if owner is not None and owner not in own:
                unit.remote[path] = owner
            elif path not in seen:
                seen.add(path)
                waiting.append(path)
    unit.files = sorted(seen)
