"""Routes of FastAPI, Starlette and Flask, for pictures and readers: what none of them names goes to the unit, too.
Those of Django are not looked for.

Input: the module and name of an application. Output: its routes, with those of included routers and blueprints and
their prefixes; None where it is of no framework known here. Prefixes that are no plain text are left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from klotho.annotations.findings import Mount, Route, Served
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
_FOR_ALL = ("before_app", "after_app", "teardown_app", "app_", "record")
"""How methods of a blueprint begin that are about the whole application."""
_MOST_HOPS = 8
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


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a walk through an application goes."""

    follow: Follow
    owner: Callable[[str], str | None]
    """The unit that owns a file; None for those of nobody."""
    application: str
    """The file with the application."""
    home: str
    """Its unit."""


def served(app: App, reach: Reach) -> Served:
    return _walk(app, "", reach, (), reach.home)


def _walk(app: App, prefix: str, reach: Reach, above: tuple[tuple[str, str], ...], unit: str) -> Served:
    found = Served()
    if (app.module.path, app.name) in above:
        return found
    found.is_contained = app.cls != "Blueprint" or not _is_for_all(app)
    if app.framework == "starlette":
        found.add(_listed(app.module, keywords_of(app.made).get("routes"), prefix))
    for call in nodes_of(app.module.root, ("call",)):
        function = call.child_by_field_name("function")
        if function is None or function.type != "attribute":
            continue
        if text_of(function.child_by_field_name("object")) != app.name:
            continue
        method = text_of(function.child_by_field_name("attribute"))
        if method in _INCLUDES:
            found.add(_included(app, call, method, prefix, reach, (*above, (app.module.path, app.name)), unit))
        elif method in VERBS or method in ("route", "api_route", "add_api_route", "add_url_rule", "add_route"):
            found.add(_decorated(app.module, call, method, prefix))
        elif method in ("mount", "websocket"):
            found.is_plain = False
    return found


def _is_for_all(blueprint: App) -> bool:
    """Whether it does something to the whole application: `@pets.before_app_request`."""
    return any(
        text_of(node.child_by_field_name("object")) == blueprint.name
        and text_of(node.child_by_field_name("attribute")).startswith(_FOR_ALL)
        for node in nodes_of(blueprint.module.root, ("attribute",))
    )


def _included(
    app: App, call: Any, method: str, prefix: str, reach: Reach, above: tuple[tuple[str, str], ...], unit: str
) -> Served:
    named, moved = keywords_of(call), Served()
    given = positional_of(call) or [named[name] for name in ("router", "blueprint") if name in named]
    router = _router(app.module, given[0], reach.follow) if given else None
    if router is None:
        return Served(is_plain=False)
    inner, is_known = _prefix_of(router, named.get(_INCLUDES[method]), method)
    owner = reach.owner(router.module.path)
    crosses = owner is not None and owner != unit
    more = _walk(router, _joined(prefix, inner), reach, above, (owner if crosses else None) or unit)
    if not crosses:
        return more
    assert owner is not None
    place = _shape(_joined(prefix, inner) or "/") if is_known else None
    at = app.module.source.text.span(given[0].start_byte, given[0].end_byte)
    mount = Mount(owner, router.module.path, router.name, place, at, reach.application)
    moved.add_moved(more, replace(mount, framework=_empty(router)))
    return moved


def _prefix_of(router: App, given: Any, method: str) -> tuple[str, bool]:
    """What stands before the paths of an included router, and whether it can be read. FastAPI puts the router's own
    after that of the inclusion; Flask's `url_prefix` takes its place."""
    own = keywords_of(router.made).get(_PREFIX.get(router.cls, ""))
    parts = [given if given is not None else own] if method == "register_blueprint" else [given, own]
    texts = [string_of(part) for part in parts if part is not None]
    inner = ""
    for text in texts:
        inner = _joined(inner, text or "")
    return inner, None not in texts


def _empty(router: App) -> str:
    """What makes one without routes: a class of a package, and what it is given."""
    if router.framework == "fastapi":
        return "fastapi APIRouter ()"
    given = positional_of(router.made)
    title = string_of(given[0]) if given else string_of(keywords_of(router.made).get("name"))
    return f"flask Blueprint ({(title or router.name)!r}, __name__)"


def _router(module: Module, node: Any, follow: Follow) -> App | None:
    """The router that an expression names: `router`, or `pets.router` of an imported module."""
    name = text_of(node)
    for _ in range(_MOST_HOPS):  # from a package that hands on what a module of it makes
        found = follow(module, name)
        if found is None:
            return None
        module, name = found
        for statement in module.root.children:
            given, value = assigned(statement)
            if given == name:
                return app_of(module, name, value)
    return None


def _decorated(module: Module, call: Any, method: str, prefix: str) -> Served:
    given = positional_of(call)
    path = string_of(given[0]) if given else string_of(keywords_of(call).get("path"))
    shape = _shape(_joined(prefix, path)) if path is not None else None
    if shape is None:
        return Served(is_plain=False)
    at = module.source.text.span(call.start_byte, call.end_byte)
    methods = [method.upper()] if method in VERBS else _methods(keywords_of(call).get("methods")) or ["GET"]
    return Served([Route(verb, shape, at) for verb in methods])


def _listed(module: Module, routes: Any, prefix: str) -> Served:
    """Starlette's list: `Route("/x", endpoint, methods=[…])` and `Mount("/p", routes=[…])`."""
    found = Served()
    for item in routes.named_children if routes is not None and routes.type == "list" else ():
        if item.type != "call":
            continue
        name, given = text_of(item.child_by_field_name("function")).rpartition(".")[2], positional_of(item)
        path = string_of(given[0]) if given else None
        if path is None:
            continue
        if name == "Mount":
            found.add(_listed(module, keywords_of(item).get("routes"), _joined(prefix, path)))
        elif name == "Route":
            found.add(_decorated(module, item, "route", prefix))
    return found


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
