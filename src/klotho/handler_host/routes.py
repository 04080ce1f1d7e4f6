"""Which route of an API a request took: `KLOTHO_ROUTES_…`, JSON lists of route keys such as `GET /orders/{id}`.

Input: method and path. Output: the route key and the path's parameters, as API Gateway would have found them. Source:
API Gateway Developer Guide, "Create routes for HTTP APIs": of several that match, the most specific is taken.
"""

from __future__ import annotations

import json
from urllib.parse import unquote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PREFIX = "KLOTHO_ROUTES_"


def routes_in(environment: Mapping[str, str]) -> list[str]:
    """Every route key that leads here."""
    return [key for name, text in environment.items() if name.startswith(PREFIX) for key in json.loads(text)]


def route_of(method: str, path: str, routes: Iterable[str]) -> tuple[str, dict[str, str]]:
    """`$default` and no parameters where none matches."""
    best: tuple[tuple[int, ...], str, dict[str, str]] | None = None
    for key in routes:
        wanted, _, pattern = key.partition(" ")
        if wanted not in (method, "ANY"):
            continue
        found = _matched(pattern, path)
        if found is None:
            continue
        ranks, parameters = found
        rank = (*ranks, 0 if wanted == method else 1)
        if best is None or rank < best[0]:
            best = rank, key, parameters
    return ("$default", {}) if best is None else (best[1], best[2])


def _matched(pattern: str, path: str) -> tuple[tuple[int, ...], dict[str, str]] | None:
    """How specific each segment is (0 said, 1 a parameter, 2 all the rest), and the parameters."""
    wanted, given = pattern.strip("/").split("/"), path.strip("/").split("/")
    ranks: list[int] = []
    parameters: dict[str, str] = {}
    for index, segment in enumerate(wanted):
        if segment.endswith("+}"):
            rest = given[index:]
            if not any(rest):
                return None
            parameters[segment[1:-2]] = unquote("/".join(rest))
            return (*ranks, 2), parameters
        if index >= len(given):
            return None
        if segment.startswith("{"):
            if not given[index]:
                return None
            parameters[segment[1:-1]] = unquote(given[index])
            ranks.append(1)
        elif segment == given[index]:
            ranks.append(0)
        else:
            return None
    return (tuple(ranks), parameters) if len(wanted) == len(given) else None
