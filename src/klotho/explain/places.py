"""Where a property is: from what somebody asks for to the decisions behind it.

A path is written with dots, as `Fn::GetAtt` has it. In lists an item is named as the rule named it (`login to
users_db`), by what AWS shows (`Sid`, `Name`, `Key`), or by its position. Every place of a template has a decision: one
at it or below it, else the nearest one above.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from klotho.resources import Decision, Resource, is_deferred
from klotho.resources.changes import Path

_NAMING = ("Sid", "Name", "Key", "Id")


class Place(NamedTuple):
    path: Path
    """With the names that rules gave to items of lists, and positions in lists that are one value."""
    value: Any
    """Deferred parts are in it."""

    @property
    def text(self) -> str:
        return ".".join(self.path)


class Places:
    """The properties of one resource; every question is answered in a time that does not depend on its size."""

    def __init__(self, resource: Resource) -> None:
        self._resource = resource
        self._below: dict[Path, list[Path]] = {}
        self._names: dict[Path, dict[str, None]] = {}
        for path in sorted(resource.decisions):
            for length in range(len(path) + 1):
                self._below.setdefault(path[:length], []).append(path)
                if length < len(path):
                    self._names.setdefault(path[:length], {})[path[length]] = None
        self._values: dict[Path, Any] = {place.path: place.value for place in self._walk((), resource.properties)}

    def all(self) -> Iterator[Place]:
        """Outer ones first."""
        yield from (Place(path, value) for path, value in self._values.items())

    def find(self, text: str) -> Place | None:
        """The place a text means; None when the resource has none such."""
        return next(self._matches((), self._resource.properties, text.split(".")), None)

    def at(self, path: Path) -> Place | None:
        """The place of a path as decisions write it; None where something else took it."""
        return Place(path, self._values[path]) if path in self._values else None

    def named(self, path: Path) -> Path:
        """The place by what it holds: `{"Name": "TOKEN", "Value": …}` has the value of `TOKEN`."""
        beside = self._values.get(path[:-1])
        if path[-1:] in (("Value",), ("value",)) and isinstance(beside, dict):
            name = next((beside[key] for key in ("Name", "Key", "name", "key") if key in beside), None)
            return (*path[:-1], name) if isinstance(name, str) else path
        return path

    def decisions(self, path: Path) -> list[tuple[Path, Decision]]:
        """What decides a place: all that is said at or below it, else the nearest above."""
        found = self._below.get(path, [])
        if not found:
            above = (path[:length] for length in range(len(path), 0, -1))
            found = [at for at in above if at in self._resource.decisions][:1]
        return [(at, self._resource.decisions[at]) for at in found]

    def _walk(self, path: Path, node: Any) -> Iterator[Place]:
        for name, child in self._children(path, node):
            yield Place((*path, name), child)
            yield from self._walk((*path, name), child)

    def _children(self, path: Path, node: Any) -> Iterator[tuple[str, Any]]:
        """What is directly below a place, by name."""
        if is_deferred(node):
            return
        if isinstance(node, dict):
            yield from node.items()
        elif isinstance(node, list):
            names = self._names.get(path, {})
            if len(names) == len(node):  # lists of items are sorted by name, as these are
                yield from zip(names, node, strict=True)
            else:
                yield from ((str(position), item) for position, item in enumerate(node))

    def _matches(self, path: Path, node: Any, parts: Sequence[str]) -> Iterator[Place]:
        if not parts:
            yield Place(path, node)
            return
        for end in range(len(parts), 0, -1):  # names may hold dots: the longest first
            wanted = ".".join(parts[:end])
            for position, (name, child) in enumerate(self._children(path, node)):
                if wanted == name or (type(node) is list and _means(wanted, position, child)):
                    yield from self._matches((*path, name), child, parts[end:])


def _means(wanted: str, position: int, item: Any) -> bool:
    if wanted == str(position):
        return True
    return isinstance(item, dict) and any(item.get(key) == wanted for key in _NAMING)
