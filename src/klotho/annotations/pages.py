"""What is found of an application's units, for people: `klotho compile` shows it."""

from __future__ import annotations

from dataclasses import dataclass, field


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


@dataclass(frozen=True, slots=True)
class StaticPage:
    """What was found of a static unit, for people."""

    name: str
    index: str
    files: list[str]
    """As they are served."""
    sources: list[str]
    """Of the program."""
