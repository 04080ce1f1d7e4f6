"""Which route of an HTTP API answers a request.

Input: route keys (`GET /users/{id}`, `ANY /files/{proxy+}`, `$default`) and then methods and paths. Output: the
route and its path parameters. Refuses, as `RouteKeyError`, keys that API Gateway would not take, and two keys that
answer the same requests.

AWS selects "the route with the most-specific match, using the following priority: 1. Full match for a route and
method. 2. Match for a route and method with a greedy path variable ({proxy+}). 3. The $default route." (API Gateway
docs, "Create routes for HTTP APIs"). At each segment fixed text wins over a variable; a method wins over ANY.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

DEFAULT = "$default"
ANY = "ANY"
_METHODS = frozenset(("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", ANY))
_VARIABLE = re.compile(r"\{([A-Za-z0-9._-]+)(\+?)\}")
Target = TypeVar("Target")


class RouteKeyError(ValueError):
    """A route key that API Gateway would refuse."""


@dataclass(frozen=True, slots=True)
class RouteKey:
    """A route key taken apart; `$default` has no method and no segments."""

    text: str
    method: str
    segments: tuple[str, ...]

    @property
    def shape(self) -> tuple[str, tuple[str, ...]]:
        """Equal for keys that answer the same requests, whatever their variables are called."""
        return self.method, tuple(_VARIABLE.sub(r"{\2}", segment) for segment in self.segments)


def parse(text: str) -> RouteKey:
    """Take a route key apart; `RouteKeyError` when API Gateway would not take it."""
    if text == DEFAULT:
        return RouteKey(text, "", ())
    method, _, path = text.partition(" ")
    if method not in _METHODS or not path.startswith("/"):
        raise RouteKeyError(
            f"The provided route key is not formatted properly for HTTP protocol. Format should be "
            f'"<HTTP METHOD> /<RESOURCE PATH>" or "$default": {text}'
        )
    if path != "/" and path.endswith("/"):
        raise RouteKeyError(f"A route key must not end with `/`: {text}")
    segments = tuple(path[1:].split("/"))
    names: set[str] = set()
    for position, segment in enumerate(segments):
        variable = _VARIABLE.fullmatch(segment)
        if variable is None and ("{" in segment or "}" in segment):
            raise RouteKeyError(f"Path variables must be whole path segments: {text}")
        if variable is not None and variable[2] and position != len(segments) - 1:
            raise RouteKeyError(f"A greedy path variable must be the last path segment: {text}")
        if variable is not None and variable[1] in names:
            raise RouteKeyError(f"Path variable names must be unique: {text}")
        if variable is not None:
            names.add(variable[1])
    return RouteKey(text, method, segments)


@dataclass(slots=True)
class _Node(Generic[Target]):
    fixed: dict[str, _Node[Target]] = field(default_factory=dict)
    variable: _Node[Target] | None = None
    full: dict[str, tuple[RouteKey, Target]] = field(default_factory=dict)
    """By method: routes that end here."""
    greedy: dict[str, tuple[RouteKey, Target]] = field(default_factory=dict)
    """By method: routes whose `{name+}` begins here."""


@dataclass(frozen=True, slots=True)
class Match(Generic[Target]):
    key: RouteKey
    target: Target
    parameters: Mapping[str, str]


class RouteTable(Generic[Target]):
    """All routes of one API, as a tree of path segments."""

    def __init__(self, routes: Mapping[str, Target]) -> None:
        self._root: _Node[Target] = _Node()
        self._default: tuple[RouteKey, Target] | None = None
        for text, target in routes.items():
            self._add(parse(text), target)

    def match(self, method: str, segments: Sequence[str]) -> Match[Target] | None:
        """The route for a method and the path's segments (what follows each `/`); None for 404."""
        found = self._full(self._root, method, segments, 0) or self._greedy(self._root, method, segments, 0)
        if found is None:
            found = self._default
            return None if found is None else Match(found[0], found[1], {})
        return Match(found[0], found[1], _parameters(found[0], segments))

    def _add(self, key: RouteKey, target: Target) -> None:
        if key.text == DEFAULT:
            self._default = (key, target)
            return
        node = self._root
        for segment in key.segments:
            variable = _VARIABLE.fullmatch(segment)
            if variable is None:
                node = node.fixed.setdefault(segment, _Node())
            elif variable[2]:
                node.greedy[key.method] = (key, target)
                return
            else:
                if node.variable is None:
                    node.variable = _Node()
                node = node.variable
        node.full[key.method] = (key, target)

    def _full(
        self, node: _Node[Target], method: str, segments: Sequence[str], at: int
    ) -> tuple[RouteKey, Target] | None:
        if at == len(segments):
            return node.full.get(method) or node.full.get(ANY)
        child = node.fixed.get(segments[at])
        found = None if child is None else self._full(child, method, segments, at + 1)
        if found is None and node.variable is not None and segments[at]:
            found = self._full(node.variable, method, segments, at + 1)
        return found

    def _greedy(
        self, node: _Node[Target], method: str, segments: Sequence[str], at: int
    ) -> tuple[RouteKey, Target] | None:
        if at == len(segments):
            return None
        child = node.fixed.get(segments[at])
        found = None if child is None else self._greedy(child, method, segments, at + 1)
        if found is None and node.variable is not None and segments[at]:
            found = self._greedy(node.variable, method, segments, at + 1)
        if found is None and (segments[at] or at + 1 < len(segments)):
            found = node.greedy.get(method) or node.greedy.get(ANY)
        return found


def _parameters(key: RouteKey, segments: Sequence[str]) -> dict[str, str]:
    parameters = {}
    for position, segment in enumerate(key.segments):
        if segment.startswith("{"):
            name = segment[1:-1]
            if name.endswith("+"):
                parameters[name[:-1]] = "/".join(segments[position:])
            else:
                parameters[name] = segments[position]
    return parameters
