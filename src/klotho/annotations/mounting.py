"""Which unit an API sends a request to, where routers of an application belong to several.

Input: the mounts of an application. Output: `Claim`s: a path and everything below it goes to a unit. Each unit has the
whole application but for the routers of the others, so a request that comes to one is answered as the original answers
it unless a router of another unit would have. What can't be told apart by its path is refused at its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from klotho.annotations.findings import Mount, Route
from klotho.diagnostics import Label, Report, Span

_VARIABLE = re.compile(r"\{\w+\}")


@dataclass(frozen=True, slots=True)
class Claim:
    path: str
    mount: Mount

    @property
    def unit(self) -> str:
        return self.mount.unit


@dataclass(slots=True)
class ServedPath:
    """A path with all of its methods."""

    path: str
    methods: dict[str, Span]
    """With the first place of each."""
    span: Span

    @property
    def shown(self) -> dict[str, Span]:
        """`GET /pets/{id}` with its place."""
        return {f"{method} {self.path}": self.methods[method] for method in sorted(self.methods)}


def routes_of(routes: Iterable[Route]) -> list[ServedPath]:
    """By path, whatever its parameters are called."""
    found: dict[str, ServedPath] = {}
    for route in routes:
        served = found.setdefault(_shape(route.path), ServedPath(route.path, {}, route.span))
        served.methods.setdefault(route.method, route.span)
    return list(found.values())


def claims(mounts: Sequence[Mount], report: Report) -> list[Claim]:
    """In the order of the mounts."""
    found = [claim for mount in mounts for claim in _of(mount, mounts, report)]
    for at, later in enumerate(found):
        for earlier in found[:at]:
            if earlier.unit != later.unit and overlap(earlier.path, later.path) and not _is_told_apart(earlier, later):
                _refuse_overlap(earlier, later, report)
                return found
    return found


def by_preference(found: Iterable[Claim]) -> list[tuple[str, str]]:
    """Paths with their units, the most specific first: the first one that fits is the one an API chooses."""
    return [(claim.path, claim.unit) for claim in sorted(found, key=lambda claim: _preference(claim.path))]


def not_claimed(routes: Iterable[Route], found: Sequence[Claim]) -> list[Route]:
    """Routes that an API may name for the application itself: below a claim, its unit answers, also for those."""
    return [
        route for route in routes if route.path == "/" or not any(overlap(route.path, claim.path) for claim in found)
    ]


def overlap(one: str, other: str) -> bool:
    """Whether some request is at or below both paths."""
    return all(mine == theirs or "{" in mine + theirs for mine, theirs in zip(_parts(one), _parts(other), strict=False))


def is_above(one: str, other: str) -> bool:
    """Whether an API gives a request to the first path where the other one is written in another way."""
    return overlap(one, other) and _preference(one) > _preference(other)


def _of(mount: Mount, mounts: Sequence[Mount], report: Report) -> Iterator[Claim]:
    if mount.prefix is None:
        message = f'the path at which a router of the unit "{mount.unit}" is mounted can\'t be read'
        helps = ("write it as a text where it is mounted, or put both files into one unit",)
        report.error("annotation-router", message, mount.span, helps=helps)
        return
    if not mount.is_contained:
        message = (
            f'`{mount.file}` of the unit "{mount.unit}" does something to all requests, not to those of its router'
        )
        helps = ("do it in the file of the application, or put both files into one unit",)
        report.error("annotation-router", message, mount.span, helps=helps)
        return
    shape = _shape(mount.prefix)
    others = [item for item in mounts if item.unit != mount.unit and item.prefix is not None]
    if shape != "/" and all(_shape(item.prefix or "") != shape for item in others):
        yield Claim(mount.prefix, mount)
        return
    if not mount.is_plain or any(route.path == "/" for route in mount.routes):
        _refuse_shared(mount, report)
        return
    paths = sorted({route.path for route in mount.routes}, key=lambda path: (len(_parts(path)), path))
    taken: list[tuple[str, ...]] = []
    for path in paths:
        parts = _parts(_shape(path))
        if not any(parts[: len(above)] == above for above in taken):
            taken.append(parts)
            yield Claim(path, mount)


def _is_told_apart(earlier: Claim, later: Claim) -> bool:
    """The API prefers the more specific path; the application prefers what is mounted first, and what is mounted by a
    router to that router's own routes as far as they leave it over."""
    if earlier.unit in later.mount.through or later.unit in earlier.mount.through:
        return _shape(earlier.path) != _shape(later.path)
    return _preference(earlier.path) < _preference(later.path)


def _preference(path: str) -> tuple[int, ...]:
    """Plain segments before variables, and longer paths before what they are below."""
    return (*(1 if "{" in part else 0 for part in _parts(path)), 2)


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in path.split("/") if part)


def _shape(path: str) -> str:
    return _VARIABLE.sub("{}", path)


def _refuse_shared(mount: Mount, report: Report) -> None:
    where = "without a prefix" if mount.prefix == "/" else "with the prefix of another unit's router"
    message = f'`{mount.file}` of the unit "{mount.unit}" is mounted {where}, and does more than serve plain routes'
    notes = ("which requests are its own can't be told by their path",)
    helps = ("mount it with a prefix of its own, or put both files into one unit",)
    report.error("annotation-router", message, mount.span, notes=notes, helps=helps)


def _refuse_overlap(earlier: Claim, later: Claim, report: Report) -> None:
    message = f'`{later.path}` of the unit "{later.unit}" can also be a path of the unit "{earlier.unit}"'
    also = [Label(earlier.mount.span, f"`{earlier.path}`, mounted before it")]
    notes = ("an API sends a request to the more specific path, the application to what is mounted first",)
    helps = ("mount the more specific one first, or give both prefixes of their own",)
    report.error("annotation-router", message, later.mount.span, also=also, notes=notes, helps=helps)
