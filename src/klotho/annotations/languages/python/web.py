"""Routes of FastAPI, Starlette and Flask, for pictures and readers: what none of them names goes to the unit, too.
Those of Django are not looked for.

Input: the module and name of an application. Output: its routes, with those of included routers and blueprints and
their prefixes; None where it is of no framework known here. Prefixes that are no plain text are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from klotho.annotations.findings import Route
from klotho.annotations.languages.python.modules import (
    Follow,
    Module,
    assigned,
    keywords_of,
    nodes_of,
    positional_of,
    string_of,
    text_of,
)

VERBS = ("get", "post", "put", "patch", "delete", "options", "head")
SERVERS: Mapping[str, str] = {"fastapi": "asgi", "starlette": "asgi", "flask": "wsgi", "django": "wsgi"}
"""By package, the interface its applications have."""
_MADE = {
    "FastAPI": "fastapi",
    "APIRouter": "fastapi",
    "Starlette": "starlette",
    "Flask": "flask",
    "Blueprint": "flask",
    "get_wsgi_application": "django",
}
_PREFIX = {"APIRouter": "prefix", "Blueprint": "url_prefix"}
_INCLUDES = {"include_router": "prefix", "register_blueprint": "url_prefix"}


class App(NamedTuple):
    """An application, a router or a blueprint."""

    module: Module
    name: str
    made: Any
    """The call that makes it."""

    @property
    def cls(self) -> str:
        return text_of(self.made.child_by_field_name("function")).rpartition(".")[2]

    @property
    def framework(self) -> str:
        return _MADE[self.cls]


def app_of(module: Module, name: str, value: Any) -> App | None:
    """What an assignment makes; None for anything else."""
    if value is None or value.type != "call":
        return None
    app = App(module, name, value)
    return app if app.cls in _MADE and _is_imported(module, app) else None


def _is_imported(module: Module, app: App) -> bool:
    wanted = SERVERS.keys() if app.framework != "starlette" else {"starlette"}
    return any(item.module[0] in wanted and item.module[0] in (app.framework, "starlette") for item in module.imports)


def routes_of(app: App, follow: Follow) -> list[Route]:
    found: dict[tuple[str, str], Route] = {}
    for route in _walk(app, "", follow, ()):
        found.setdefault((route.method, route.path), route)
    return list(found.values())


def _walk(app: App, prefix: str, follow: Follow, above: tuple[tuple[str, str], ...]) -> Iterator[Route]:
    if (app.module.path, app.name) in above:
        return
    inner = prefix
    if app.cls in _PREFIX:
        own = keywords_of(app.made).get(_PREFIX[app.cls])
        inner = _joined(prefix, string_of(own) or "")
    if app.framework == "starlette":
        yield from _listed(app.module, keywords_of(app.made).get("routes"), inner)
    for call in nodes_of(app.module.root, ("call",)):
        function = call.child_by_field_name("function")
        if function is None or function.type != "attribute":
            continue
        if text_of(function.child_by_field_name("object")) != app.name:
            continue
        method = text_of(function.child_by_field_name("attribute"))
        if method in _INCLUDES:
            yield from _included(app, call, method, inner, follow, (*above, (app.module.path, app.name)))
        elif method in VERBS or method in ("route", "api_route", "add_api_route", "add_url_rule", "add_route"):
            yield from _decorated(app.module, call, method, inner)


def _included(
    app: App, call: Any, method: str, prefix: str, follow: Follow, above: tuple[tuple[str, str], ...]
) -> Iterator[Route]:
    given = positional_of(call)
    inner = _joined(prefix, string_of(keywords_of(call).get(_INCLUDES[method])) or "")
    router = _router(app.module, given[0], follow) if given else None
    if router is not None:
        yield from _walk(router, inner, follow, above)


def _router(module: Module, node: Any, follow: Follow) -> App | None:
    """The router that an expression names: `router`, or `pets.router` of an imported module."""
    found = follow(module, text_of(node))
    if found is None:
        return None
    home, name = found
    for statement in home.root.children:
        given, value = assigned(statement)
        if given == name:
            return app_of(home, name, value)
    return None


def _decorated(module: Module, call: Any, method: str, prefix: str) -> Iterator[Route]:
    given = positional_of(call)
    path = string_of(given[0]) if given else None
    if path is None:
        return
    at = module.source.text.span(given[0].start_byte, given[0].end_byte)
    methods = [method.upper()] if method in VERBS else _methods(keywords_of(call).get("methods")) or ["GET"]
    shape = _shape(_joined(prefix, path))
    for verb in methods if shape is not None else ():
        yield Route(verb, shape or "", at)


def _listed(module: Module, routes: Any, prefix: str) -> Iterator[Route]:
    """Starlette's list: `Route("/x", endpoint, methods=[…])` and `Mount("/p", routes=[…])`."""
    for item in routes.named_children if routes is not None and routes.type == "list" else ():
        if item.type != "call":
            continue
        name, given = text_of(item.child_by_field_name("function")).rpartition(".")[2], positional_of(item)
        path = string_of(given[0]) if given else None
        if path is None:
            continue
        if name == "Mount":
            yield from _listed(module, keywords_of(item).get("routes"), _joined(prefix, path))
        elif name == "Route":
            yield from _decorated(module, item, "route", prefix)


def _methods(node: Any) -> list[str]:
    found = [string_of(item) for item in node.named_children] if node is not None else []
    return [item.upper() for item in found if item]


_PARAMETER = re.compile(r"<(?:\w+(?:\([^)]*\))?:)?(\w+)>|\{(\w+)(?::(\w+))?\}")
_PLAIN = re.compile(r"(/([\w.~@!$&'=,;%-]|\{\w+\})+)*/?", re.ASCII)


def _shape(path: str) -> str | None:
    """As an API writes it; None for what it can't say, such as a parameter over several segments."""
    if ":path}" in path or "<path:" in path:
        return None
    plain = _PARAMETER.sub(lambda match: f"{{{match[1] or match[2]}}}", path)
    return (plain.rstrip("/") or "/") if _PLAIN.fullmatch(plain) else None


def _joined(prefix: str, path: str) -> str:
    return prefix.rstrip("/") + ("/" + path.lstrip("/") if path else "")
