"""What is found of an application's units, for people: `klotho compile` shows it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from klotho.annotations.mounting import ServedPath
from klotho.diagnostics import Span


@dataclass
class UnitPage:
    """What was found of a unit, for people."""

    name: str
    files: list[str]
    routes: dict[str, list[str]] = field(default_factory=dict)
    """By the API's id: `GET /pets/{id}`; whatever else comes goes to the unit, too."""
    stores: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    """`adopt.adopt` of another unit, `<unit>: <file> <function>`."""
    assets: list[str] = field(default_factory=list)
    """Files that it has without importing them."""
    places: dict[tuple[str, str], Span] = field(default_factory=dict)
    """Where a route is said, by the API's id and the route as it is shown."""

    def serves(self, api: str, paths: Iterable[ServedPath]) -> None:
        shown = self.routes.setdefault(api, [])
        for path in paths:
            shown += path.shown
            self.places |= {(api, text): span for text, span in path.shown.items()}


@dataclass(frozen=True, slots=True)
class StaticPage:
    """What was found of a static unit, for people."""

    name: str
    index: str
    files: list[str]
    """As they are served."""
    sources: list[str]
    """Of the program."""
