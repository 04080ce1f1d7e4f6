"""Routes of an API: `/orders/{id}`, and whether two attachments would serve the same request.

`attach_service(route="/orders")` serves `/orders` and everything below it. Two attachments clash when they name the
same pattern (parameter names do not matter) and share a method; a longer pattern below another one is no clash,
because the most specific route wins. Between repositories more is refused: see `contested`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

ANY = "ANY"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
_SEGMENT = re.compile(r"[A-Za-z0-9._~:@!$&'()*+,;=%-]+")
_PARAMETER = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]*\}")
Segments = tuple[str, ...]


class Route(NamedTuple):
    """A parsed route."""

    segments: Segments
    problem: str | None = None
    """Why the text is no route, None when it is one."""

    @property
    def text(self) -> str:
        return "/" + "/".join(self.segments)

    @property
    def shape(self) -> Segments:
        """The segments with every parameter as `{}`."""
        return shape_of(self.segments)


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
    given = properties.get("methods")
    named = given if isinstance(given, list | tuple) and given else [ANY]
    return frozenset(str(method).upper() for method in named)


def overlapping(one: Mapping[str, Any], other: Mapping[str, Any]) -> str | None:
    """A method both attachments would serve the same way, such as `GET`, else None."""
    first, second = parse_route(str(one.get("route", "/"))), parse_route(str(other.get("route", "/")))
    if first.shape != second.shape:
        return None
    shared = methods_of(one) & methods_of(other)
    return min(shared) if shared else None


def contested(one: Mapping[str, Any], other: Mapping[str, Any]) -> str | None:
    """A request that attachments of two repositories would both serve, `GET /orders/new` or for all methods
    `/orders/new`; None for none.

    A route below another one is no contest: the longer one wins (`/billing` beside `/`). Routes of one length are one
    also where API Gateway would tell them apart (`/orders/{id}` and `/orders/new`, all methods and `GET`): whoever
    came later would take requests from the other, who does not see it. So are routes neither of which is part of the
    other (`/{kind}/new/x` and `/orders/{id}`): which one AWS takes there is not documented.
    """
    method = common_method(one, other)
    first, second = (parse_route(str(item.get("route", "/"))).segments for item in (one, other))
    met = meet(first, second)
    if method is None or met is None:
        return None
    short, long = sorted((first, second), key=len)
    if len(short) < len(long) and covers(short, long):
        return None
    path = f"/{'/'.join(met)}"
    return path if method == ANY else f"{method} {path}"


def common_method(one: Mapping[str, Any], other: Mapping[str, Any]) -> str | None:
    """A method that both serve, `ANY` where both serve all; None when there is none."""
    first, second = methods_of(one), methods_of(other)
    if ANY in first and ANY in second:
        return ANY
    if ANY in first or ANY in second:
        return min((first | second) - {ANY}, default=ANY)
    return min(first & second, default=None)


def shape_of(segments: Iterable[str]) -> Segments:
    """The segments with every parameter as `{}`."""
    return tuple("{}" if segment.startswith("{") else segment for segment in segments)


def meet(one: Segments, other: Segments) -> Segments | None:
    """The route of the requests that both routes are about; None when there are none. Names are those of `one`."""
    joint = []
    for mine, theirs in zip(one, other, strict=False):
        if mine.startswith("{") and not theirs.startswith("{"):
            joint.append(theirs)
        elif mine == theirs or theirs.startswith("{"):
            joint.append(mine)
        else:
            return None
    return (*joint, *one[len(joint) :], *other[len(joint) :])


def covers(route: Segments, place: Segments) -> bool:
    """Whether everything at and below `place` is at or below `route`."""
    if len(route) > len(place):
        return False
    return all(mine.startswith("{") or mine == theirs for mine, theirs in zip(route, place, strict=False))
