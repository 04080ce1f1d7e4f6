"""Routes of net/http, chi and gin, for pictures and readers: what none of them names goes to the unit, too.

Input: the expression of what a program serves. Output: its routes, with those of mounted routers, groups and functions
that are given the router, in whatever package of the module; None where it is of no framework known here. Paths that
are no plain text, and patterns that an API can't say (hosts, parameters over several segments), are left out. Sources:
pkg.go.dev/net/http#hdr-Patterns-ServeMux, pkg.go.dev/github.com/go-chi/chi/v5, pkg.go.dev/github.com/gin-gonic/gin.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from klotho.annotations.findings import Mount, Route, Served
from klotho.annotations.languages.go.frameworks import HTTP, local_of
from klotho.annotations.languages.go.modules import (
    GoFile,
    arguments_of,
    called,
    nodes_of,
    parameters_of,
    results_of,
    string_of,
    text_of,
)
from klotho.annotations.languages.go.packages import Packages, folder_of
from klotho.annotations.languages.go.routers import DEFAULT, Place, Router, Routers, enclosing

HANDLER = "handler"
"""The framework of a mount that is one route, answered by a function of another unit."""
VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "CONNECT", "TRACE")
_CHI_VERBS = {verb.capitalize(): verb for verb in VERBS}
_SAME = {"chi": ("With", "Use", "Group", "Route"), "gin": ("Use",), "http": ()}
"""Methods that give the router that they are called on, or one with the same paths."""
_FOR_ALL = {"chi": ("Use", "NotFound", "MethodNotAllowed"), "gin": ("Use", "NoRoute", "NoMethod"), "http": ()}
_ASKED = ("ServeHTTP", "Routes", "Middlewares", "Match", "Handler", "BasePath")
"""Methods that change nothing."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a walk through an application goes."""

    owner: Callable[[str], str | None]
    """The unit that owns a file; None for those of nobody."""
    application: str
    """The file with `expose`."""
    home: str
    """Its unit."""


class _Scan(NamedTuple):
    """A part of a file in which a router has names."""

    file: GoFile
    scope: Any
    framework: str
    names: Mapping[str, str | None]
    """As they are written, `.router` for a field: what stands before the paths, None where that can't be read."""
    unit: str
    is_shared: bool = False
    """Whether it is the router of another unit's application."""


def served(packages: Packages, file: GoFile, handler: Any, reach: Reach) -> Served | None:
    """`handler`: the expression; None for the default router of net/http."""
    walk = _Walk(packages, reach)
    found = walk.routers.of(file, handler) if handler is not None else DEFAULT
    if found is None or found.framework == "other":
        return None
    return walk.router(found, found.stripped, reach.home)


def framework_named(packages: Packages, file: GoFile, handler: Any) -> tuple[str, bool] | None:
    """The framework of what is served, where its routes are not known, and whether it is refused."""
    found = Routers(packages).of(file, handler) if handler is not None else None
    return found.other if found is not None else None


class _Walk:
    def __init__(self, packages: Packages, reach: Reach) -> None:
        self.packages, self.reach, self.routers = packages, reach, Routers(packages)
        self._seen: set[tuple[Any, ...]] = set()

    def router(self, router: Router, prefix: str | None, unit: str) -> Served:
        found = Served()
        if router.framework == "default":
            for file in self.packages.files(self.packages.paths):
                local = local_of(file, HTTP)
                if local is not None:
                    found.add(self._default(file, local, prefix, unit))
        for place in router.places:
            for file, names in self._named(place, prefix):
                scope = place.scope if file.path == place.file.path else file.root
                found.add(self.scan(_Scan(file, scope, router.framework, names, unit)))
        return found

    def _named(self, place: Place, prefix: str | None) -> Iterator[tuple[GoFile, dict[str, str | None]]]:
        """The files that see what is held in a place, and what they call it."""
        if place.scope.parent is not None:
            yield place.file, {place.name: prefix}
            return
        folder = folder_of(place.file.path)
        for file in self.packages.in_folder(folder):
            yield file, {place.name: prefix}
        for file in self.packages.files(self.packages.paths) if not place.name.startswith(".") else ():
            local = next((item.local for item in file.imports if self.packages.folder(item.path) == folder), None)
            if local is not None and f"{local}.{place.name}" in file.selected:
                yield file, {f"{local}.{place.name}": prefix}

    def _default(self, file: GoFile, local: str, prefix: str | None, unit: str) -> Served:
        owner = self.reach.owner(file.path)
        calls = [call for call in nodes_of(file.root, ("call_expression",)) if called(call)[0] == local]
        calls = [call for call in calls if called(call)[1] in ("Handle", "HandleFunc")]
        found = Served()
        for call in calls:
            scan = _Scan(file, file.root, "http", {local: prefix}, owner or unit)
            routes = self._method(scan, call, called(call)[1], prefix)
            function = enclosing(call)
            name = text_of(function.child_by_field_name("name")) if function is not None else ""
            if owner is None or owner == unit:
                found.add(routes)
            else:
                found.add_moved(routes, self._mount(owner, file, name, prefix, file, call, "default"))
        return found

    def scan(self, scan: _Scan) -> Served:
        """What a part of a file does with a router."""
        key = (scan.file.path, scan.scope.start_byte, *sorted(scan.names.items(), key=str))
        found = Served()
        if key in self._seen:
            return found
        self._seen.add(key)
        names = self._aliases(scan)
        for name in (item for item in names if item.startswith(".") and item not in scan.names):
            for file in self.packages.in_folder(folder_of(scan.file.path)):
                found.add(self.scan(scan._replace(file=file, scope=file.root, names={name: names[name]})))
        scan = scan._replace(names={name: names[name] for name in names if name in scan.names or name[0] != "."})
        for call in nodes_of(scan.scope, ("call_expression",)):
            function = call.child_by_field_name("function")
            if function is not None and function.type == "selector_expression":
                on = self._prefix(scan, function.child_by_field_name("operand"))
                if on is not None:
                    found.add(self._method(scan, call, text_of(function.child_by_field_name("field")), on[0]))
                    continue
            for at, item in enumerate(arguments_of(call)):
                given = self._prefix(scan, item)
                if given is not None and not self._is_handed_on(scan, call):
                    found.add(self._given(scan, call, at, given[0]))
        return found

    def _aliases(self, scan: _Scan) -> dict[str, str | None]:
        """The names with further ones of the same part: `api := r.Group("/api")`."""
        names = dict(scan.names)
        for left, value in _assigned(scan.scope):
            held = self._prefix(scan._replace(names=names), value)
            if held is not None:
                names.setdefault(left, held[0])
        return names

    def _prefix(self, scan: _Scan, node: Any) -> tuple[str | None] | None:
        """What stands before the paths of the router that an expression is; None for another expression."""
        if node is None:
            return None
        if node.type == "identifier":
            name = text_of(node)
            return (scan.names[name],) if name in scan.names and not _is_hidden(node, name, scan.scope) else None
        if node.type == "selector_expression":
            name, field = text_of(node), f".{text_of(node.child_by_field_name('field'))}"
            return next(((scan.names[item],) for item in (name, field) if item in scan.names), None)
        if node.type in ("parenthesized_expression", "unary_expression") and node.named_children:
            return self._prefix(scan, node.named_children[-1])
        function = node.child_by_field_name("function") if node.type == "call_expression" else None
        if function is None or function.type != "selector_expression":
            return None
        on = self._prefix(scan, function.child_by_field_name("operand"))
        name, given = text_of(function.child_by_field_name("field")), arguments_of(node)
        if on is not None and scan.framework == "gin" and name == "Group" and given:
            return (_joined(on[0], self.routers.text(scan.file, given[0])),)
        return on if on is not None and name in _SAME.get(scan.framework, ()) else None

    def _method(self, scan: _Scan, call: Any, name: str, prefix: str | None) -> Served:
        """What a method of the router does."""
        if scan.framework == "http":
            found = self._of_http(scan, call, name, prefix)
        elif scan.framework == "chi":
            found = self._of_chi(scan, call, name, prefix)
        else:
            found = self._of_gin(scan, call, name, prefix)
        if name in _FOR_ALL.get(scan.framework, ()) and scan.is_shared:
            found.is_contained = False
        return found

    def _of_http(self, scan: _Scan, call: Any, name: str, prefix: str | None) -> Served:
        given = arguments_of(call)
        if name not in ("Handle", "HandleFunc") or len(given) != 2:
            return Served(is_plain=name in _ASKED)
        inner = self._mounted(scan, given[1], prefix, call) if name == "Handle" else None
        if inner is not None:
            return inner
        method, path = self._pattern(self.routers.text(scan.file, given[0]))
        return self._route(scan, call, method, _joined(prefix, path))

    def _pattern(self, pattern: str | None) -> tuple[str, str | None]:
        """Method and path of a pattern of net/http. Before Go 1.22 it is a path and nothing else."""
        if pattern is None or (self.packages.go_version < (1, 22) and re.search(r"[ {]", pattern)):
            return "ANY", None
        method, space, path = pattern.partition(" ")
        method, path = (method, path.lstrip()) if space else ("ANY", pattern)
        if not path.startswith("/") or re.search(r"\{\w+\.\.\.\}", path):
            return method, None
        return method, path.replace("{$}", "")

    def _of_chi(self, scan: _Scan, call: Any, name: str, prefix: str | None) -> Served:
        given = arguments_of(call)
        first = _joined(prefix, self.routers.text(scan.file, given[0])) if given else None
        if name in _CHI_VERBS and given:
            return self._route(scan, call, _CHI_VERBS[name], first)
        if name in ("Handle", "HandleFunc") and given:
            return self._route(scan, call, "ANY", first)
        if name in ("Method", "MethodFunc") and len(given) == 3:
            path = _joined(prefix, self.routers.text(scan.file, given[1]))
            return self._route(scan, call, _verb(given[0]), path)
        if name == "Route" and len(given) == 2:
            return self._within(scan, call, given[1], first)
        if name == "Group" and len(given) == 1:
            return self._within(scan, call, given[0], prefix)
        if name == "Mount" and len(given) == 2:
            return self._mounted(scan, given[1], first, call) or Served(is_plain=False)
        return Served(is_plain=name in (*_SAME["chi"], *_ASKED))

    def _of_gin(self, scan: _Scan, call: Any, name: str, prefix: str | None) -> Served:
        given = arguments_of(call)
        if name in VERBS and given:
            return self._route(scan, call, name, _joined(prefix, self.routers.text(scan.file, given[0])))
        if name == "Any" and given:
            return self._route(scan, call, "ANY", _joined(prefix, self.routers.text(scan.file, given[0])))
        if name in ("Handle", "Match") and len(given) >= 2:
            path, found = _joined(prefix, self.routers.text(scan.file, given[1])), Served()
            listed = nodes_of(given[0], ("interpreted_string_literal", "selector_expression"))
            for item in [given[0]] if name == "Handle" else listed:
                found.add(self._route(scan, call, _verb(item), path))
            return found
        return Served(is_plain=name in (*_SAME["gin"], "Group", "Run", *_ASKED))

    def _route(self, scan: _Scan, call: Any, method: str | None, path: str | None) -> Served:
        shape = _shape(path) if path is not None else None
        is_known = shape is not None and method is not None
        found = Served(
            [Route(method or "", shape or "", _span(scan.file, call))] if is_known else [], is_plain=is_known
        )
        handler = self._handler(scan, call)
        if handler is None:
            return found
        file, name, owner = handler
        moved = Served()
        moved.add_moved(found, self._mount(owner, file, name, "/" if is_known else None, scan.file, call, HANDLER))
        return moved

    def _handler(self, scan: _Scan, call: Any) -> tuple[GoFile, str, str] | None:
        """What of another unit's file a route is answered by: the file, the function, method or variable, the unit."""
        for node in nodes_of(call.child_by_field_name("arguments"), ("identifier", "selector_expression")):
            if enclosing(node) != enclosing(call):
                continue
            for file, function in self.routers.functions(scan.file, node):
                owner = self.reach.owner(file.path)
                if owner is not None and owner != scan.unit and _is_handler(function):
                    return file, text_of(function.child_by_field_name("name")), owner
            for file, name in self.routers.variables(scan.file, node):
                owner = self.reach.owner(file.path)
                if owner is not None and owner != scan.unit and _holds_handler(file, name):
                    return file, name, owner
        return None

    def _within(self, scan: _Scan, call: Any, function: Any, prefix: str | None) -> Served:
        """A function that is given a router: `r.Route("/pets", func(r chi.Router) { … })`."""
        if function.type == "func_literal":
            name = next((name for name, _ in parameters_of(function)), "")
            return self.scan(scan._replace(scope=function, names={name: prefix}))
        found = self.routers.functions(scan.file, function)
        return self._followed(scan, call, found, 0, prefix, is_own=True)

    def _given(self, scan: _Scan, call: Any, at: int, prefix: str | None) -> Served:
        """A function of the module that is called with a router; what another module does with it is not known."""
        found = self.routers.functions(scan.file, call.child_by_field_name("function"))
        given = arguments_of(call)[at]
        is_own = given.type == "call_expression" and called(given)[1] == "Group"  # made for this call alone
        return self._followed(scan, call, found, at, prefix, is_own)

    def _followed(
        self,
        scan: _Scan,
        call: Any,
        found: list[tuple[GoFile, Any]],
        at: int,
        prefix: str | None,
        is_own: bool = False,
    ) -> Served:
        """`is_own`: whether the router is one for what this function adds, and not the caller's."""
        if not found:
            return Served(is_plain=False)
        file, function = found[0]
        given = parameters_of(function)
        if at >= len(given):
            return Served(is_plain=False)
        owner, unit = self.reach.owner(file.path), scan.unit
        crosses = owner is not None and owner != unit
        inner = _Scan(file, function, scan.framework, {given[at][0]: prefix}, (owner if crosses else None) or unit)
        shared = crosses or scan.is_shared
        routes = self.scan(inner._replace(is_shared=shared and not is_own))
        if not crosses or owner is None:
            return routes
        moved = Served()
        name = text_of(function.child_by_field_name("name"))
        moved.add_moved(routes, self._mount(owner, file, name, prefix, scan.file, call, scan.framework))
        return moved

    def _mounted(self, scan: _Scan, handler: Any, prefix: str | None, call: Any) -> Served | None:
        """The routes of a handler that is a router itself; None for another one."""
        router = self.routers.of(scan.file, handler)
        if router is None or not router.places or router.framework in ("other", "plain"):
            return None
        before = prefix if scan.framework == "chi" else _joined(prefix, router.stripped)
        made = self._maker(scan, handler)
        if made is None:
            return self.router(router, before, scan.unit)
        file, name, owner = made
        moved, routes = Served(), self.router(router, before, owner)
        moved.add_moved(routes, self._mount(owner, file, name, before, scan.file, handler, router.framework))
        return moved

    def _maker(self, scan: _Scan, handler: Any) -> tuple[GoFile, str, str] | None:
        """What of another unit's file an expression takes a router from: the file, the name, the unit."""
        for node in nodes_of(handler, ("call_expression", "selector_expression", "identifier")):
            function = node.child_by_field_name("function") if node.type == "call_expression" else None
            for file, found in self.routers.functions(scan.file, function):
                owner = self.reach.owner(file.path)
                if owner is not None and owner != scan.unit:
                    return file, text_of(found.child_by_field_name("name")), owner
            variable = self._variable(scan, node)
            if variable is not None:
                return variable
        return None

    def _variable(self, scan: _Scan, node: Any) -> tuple[GoFile, str, str] | None:
        router = self.routers.of(scan.file, node) if node.type != "call_expression" else None
        for place in router.places if router is not None else ():
            owner = self.reach.owner(place.file.path)
            if place.scope.parent is None and owner is not None and owner != scan.unit:
                return place.file, place.name, owner
        return None

    def _mount(
        self, owner: str, file: GoFile, name: str, prefix: str | None, at: GoFile, node: Any, framework: str
    ) -> Mount:
        place = _shape(prefix or "/") if prefix is not None else None
        mount = Mount(owner, file.path, name, place, _span(at, node), self.reach.application)
        return replace(mount, framework=framework)

    def _is_handed_on(self, scan: _Scan, call: Any) -> bool:
        """Whether a call listens or wraps a router without adding anything to it: what is not of this module."""
        before, name = called(call)
        return name.startswith(("ListenAndServe", "Serve")) or before == local_of(scan.file, HTTP)


def _assigned(scope: Any) -> Iterator[tuple[str, Any]]:
    """What is set to what: variables by their names, fields as `.router`."""
    for item in nodes_of(scope, ("short_var_declaration", "assignment_statement", "var_spec", "keyed_element")):
        if item.type == "keyed_element":
            parts = item.named_children
            if len(parts) == 2 and parts[1].named_children:
                yield f".{text_of(parts[0])}", parts[1].named_children[0]
            continue
        left = item.child_by_field_name("left") or item.child_by_field_name("name")
        right = item.child_by_field_name("right") or item.child_by_field_name("value")
        if left is not None and right is not None and len(right.named_children) == 1:
            name = text_of(left.named_children[0] if left.type == "expression_list" else left)
            value = right.named_children[0] if right.type == "expression_list" else right
            yield f".{name.rpartition('.')[2]}" if "." in name else name, value


def _is_handler(function: Any) -> bool:
    """Whether a function answers a request, or gives one that does; one that is given another is a middleware."""
    given = [kind for _, kind in parameters_of(function)]
    if any(kind.endswith((".Handler", ".HandlerFunc")) for kind in given):
        return False
    return any(kind.endswith((".ResponseWriter", ".Context")) and "context." not in kind for kind in given) or any(
        kind.endswith((".Handler", ".HandlerFunc")) or kind.startswith("func(") for kind in results_of(function)
    )


def _holds_handler(file: GoFile, name: str) -> bool:
    """Whether a variable of a package holds what answers a request, as far as its declaration tells."""
    for spec in nodes_of(file.root, ("var_spec",)):
        if name in [text_of(item) for item in spec.children_by_field_name("name")]:
            return "Handler" in text_of(spec) or "func(" in text_of(spec)
    return False


def _verb(node: Any) -> str | None:
    """`http.MethodGet`, `"GET"`."""
    text = string_of(node)
    if text is None and node.type == "selector_expression":
        text = text_of(node.child_by_field_name("field")).removeprefix("Method")
    return text.upper() if text is not None and text.upper() in VERBS else None


def _is_hidden(node: Any, name: str, scope: Any) -> bool:
    """Whether a parameter of a function within the scope has the name."""
    found = enclosing(node)
    while found is not None and found != scope:
        if any(given == name for given, _ in parameters_of(found)):
            return True
        found = enclosing(found)
    return False


def _span(file: GoFile, node: Any) -> Any:
    return file.source.text.span(node.start_byte, node.end_byte)


def _joined(prefix: str | None, path: str | None) -> str | None:
    if prefix is None or path is None:
        return None
    return prefix.rstrip("/") + ("/" + path.lstrip("/") if path else "")


_PARAMETER = re.compile(r"\{(\w+)(?::[^{}]*)?\}|(?<=/):(\w+)")
_SAID_BY_AN_API = re.compile(r"(/([\w.~@!$&'=,;%-]|\{\w+\})+)*/?", re.ASCII)


def _shape(path: str) -> str | None:
    """As an API writes it; None for what it can't say."""
    plain = _PARAMETER.sub(lambda match: f"{{{match[1] or match[2]}}}", path)
    return (plain.rstrip("/") or "/") if _SAID_BY_AN_API.fullmatch(plain) else None
