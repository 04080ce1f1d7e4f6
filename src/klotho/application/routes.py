"""Routes of an API: `/orders/{id}`, and whether two attachments would serve the same request.

`attach_service(route="/orders")` serves `/orders` and everything below it. Two attachments clash when they name the
same pattern (parameter names do not matter) and share a method; a longer pattern below another one is no clash,
because the most specific route wins.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
_SEGMENT = re.compile(r"[A-Za-z0-9._~:@!$&'()*+,;=%-]+")
_PARAMETER = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]*\}")


class Route(NamedTuple):
    """A parsed route."""

    segments: tuple[str, ...]
    problem: str | None = None
    """Why the text is no route, None when it is one."""

    @property
    def text(self) -> str:
        return "/" + "/".join(self.segments)

    @property
    def shape(self) -> tuple[str, ...]:
        """The segments with every parameter as `{}`."""
        return tuple("{}" if segment.startswith("{") else segment for segment in self.segments)


@lru_cache(maxsize=65536)
def parse_route(text: str) -> Route:
    """The route; a trailing slash means the same as none."""
    if not text.startswith("/"):
        return Route((), "it does not start with `/`")
    segments = tuple(segment for segment in text.strip("/").split("/") if segment) if text != "/" else ()
    if "//" in text:
        return Route((), "it has an empty segment")
    for segment in segments:
        if segment.startswith("{") and segment.endswith("+}"):
            return Route((), "everything below a route is served already, so `{name+}` is not written")
        if not (_PARAMETER.fullmatch(segment) or _SEGMENT.fullmatch(segment)):
            return Route((), f"`{segment}` is neither a plain segment nor a parameter such as `{{id}}`")
    parameters = [segment for segment in segments if segment.startswith("{")]
    if len(set(parameters)) < len(parameters):
        return Route((), "a parameter's name stands twice")
    return Route(segments)


def methods_of(properties: Mapping[str, Any]) -> frozenset[str]:
    """The methods an attachment serves; `ANY` when none were given."""
    given = properties.get("methods") or ["ANY"]
    return frozenset(str(method).upper() for method in given)


def overlapping(one: Mapping[str, Any], other: Mapping[str, Any]) -> str | None:
    """A method both attachments would serve the same way, such as `GET`, else None."""
    first, second = parse_route(str(one.get("route", "/"))), parse_route(str(other.get("route", "/")))
    if first.shape != second.shape:
        return None
    shared = methods_of(one) & methods_of(other)
    return min(shared) if shared else None
