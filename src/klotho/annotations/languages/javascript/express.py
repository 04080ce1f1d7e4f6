"""Routes of Express applications: verbs, `route(…)`, routers nested at any depth and `use` with a prefix.

Input: the modules of a unit and the statement that listens. Output: the routes, as far as they are literal. Nothing
depends on finding all of them: what no route names goes to the unit all the same. A router of another unit is a mount.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from klotho.annotations.findings import Mount, Route, Served
from klotho.annotations.languages.javascript.modules import (
    NAMESPACE,
    Module,
    arguments_of,
    declared,
    method_of,
    string_of,
    text_of,
)
from klotho.annotations.languages.javascript.reach import Reach
from klotho.annotations.languages.javascript.tree import nodes_of

VERBS = ("get", "post", "put", "patch", "delete", "options", "head")
_PARAMETER = re.compile(r":([A-Za-z_]\w*)")
_HANDLERS = ("function_expression", "arrow_function", "function_declaration", "call_expression")
_PLAIN = re.compile(r"(/([\w.~@!$&'=,;%-]+|:[A-Za-z_]\w*))*/?", re.ASCII)


class Express:
    def served(self, reach: Reach, module: Module, variable: str) -> Served | None:
        return Routers(reach, _made, "use", "express").of(module, variable)


class _Home(NamedTuple):
    """Where an application or router is made."""

    module: Module
    name: str
    """Its variable."""
    export: str
    """What other modules import it as."""


class Routers:
    """What applications of frameworks serve that mount one router on another. `made`: the variables of a module that
    hold one; `mounts`: the method that does it, `use` or `route`."""

    def __init__(self, reach: Reach, made: Callable[[Module], set[str]], mounts: str, framework: str) -> None:
        self._reach, self._made, self._mounts, self._framework = reach, made, mounts, framework

    def of(self, module: Module, variable: str) -> Served | None:
        home = self._router(module, variable, ())
        return None if home is None else self._walk(home, "", (), self._reach.home)

    def _router(self, module: Module, name: str, seen: tuple[tuple[str, str], ...], export: str = "") -> _Home | None:
        """The application or router that a module knows by this name."""
        if (module.path, name) in seen:
            return None
        if name in self._made(module):
            return _Home(module, name, export)
        for item in module.imports:
            for binding in item.bindings:
                other = self._reach.follow(module, item.specifier) if binding.local == name else None
                if other is not None:
                    return self._exported(other, binding.imported, (*seen, (module.path, name)))
        return None

    def _exported(self, module: Module, name: str, seen: tuple[tuple[str, str], ...]) -> _Home | None:
        export = module.exports.get(name) or (module.exports.get(NAMESPACE) if name == "default" else None)
        if export is None and name == NAMESPACE:
            export = module.exports.get("default")
        return self._router(module, export.local, seen, name) if export is not None and export.local else None

    def _walk(self, home: _Home, prefix: str, above: tuple[tuple[str, str], ...], unit: str) -> Served:
        module, name, found = home.module, home.name, Served()
        if (module.path, name) in above:
            return found
        for call in nodes_of(module.root, ("call_expression",)):
            receiver, method = method_of(call)
            if receiver is None:
                continue
            given = arguments_of(call)
            if text_of(self._start(receiver)) == name and method in (*VERBS, "all") and len(given) > 1:
                found.add(_verbs(module, method, given[0], prefix))
            elif text_of(self._start(receiver)) == name and method == self._mounts:
                found.add(self._mounted(module, given, prefix, (*above, (module.path, name)), unit))
            elif text_of(self._start(receiver)) == name and method == "use":
                found.is_plain = False
            elif method in (*VERBS, "all"):
                path = _route_of_chain(receiver, name)
                if path is not None:
                    found.add(_verbs(module, method, path, prefix))
        return found

    def _start(self, receiver: Any) -> Any:
        """`app` of `app.get(…).post(…)`."""
        while receiver.type == "call_expression":
            inner, method = method_of(receiver)
            if inner is None or method not in (*VERBS, "all", "use", self._mounts):
                break
            receiver = inner
        return receiver

    def _mounted(
        self, module: Module, given: list[Any], prefix: str, above: tuple[tuple[str, str], ...], unit: str
    ) -> Served:
        """`use("/pets", …, router)`; what is no router that can be followed is a function that may do anything."""
        found, path = Served(), _path_of(module, given[0]) if given else None
        inner = prefix if path is None else joined(prefix, path)
        for item in given[1:] if path is not None else given:
            home = self._value(module, item)
            if home is None:
                found.is_plain = False
                continue
            owner = self._reach.crosses(home.module, unit)
            more = self._walk(home, inner, above, owner or unit)
            if owner is None:
                found.add(more)
                continue
            at = module.source.text.span(item.start_byte, item.end_byte)
            place = route_of(inner or "/") if path is not None or _is_handler(module, given[0]) else None
            application, framework = self._reach.application, self._framework
            file = home.module.path
            found.add_moved(more, Mount(owner, file, home.export, place, at, application, framework=framework))
        return found

    def _value(self, module: Module, node: Any) -> _Home | None:
        """The router an expression is: a name, `users.router`, or `require("./users")`."""
        if node.type == "identifier":
            return self._router(module, text_of(node), ())
        picked = NAMESPACE
        if node.type == "member_expression":
            picked, node = text_of(node.child_by_field_name("property")), node.child_by_field_name("object")
        for item in module.imports:
            is_whole = any(
                binding.local == text_of(node) and binding.imported == NAMESPACE for binding in item.bindings
            )
            other = self._reach.follow(module, item.specifier) if item.node == node or is_whole else None
            if other is not None:
                return self._exported(other, picked, ())
        return None


def _verbs(module: Module, method: str, path: Any, prefix: str) -> Served:
    found = Served()
    for item in path.named_children if path.type == "array" else [path]:
        literal = string_of(item)
        route = route_of(joined(prefix, literal)) if literal is not None else None
        if route is None:
            found.is_plain = False
            continue
        at = module.source.text.span(path.start_byte, path.end_byte)
        found.routes.append(Route("ANY" if method == "all" else method.upper(), route, at))
    return found


def _path_of(module: Module, node: Any) -> str | None:
    """The path a router is mounted at: a text, or a constant that is one; None for anything else."""
    value = declared(module, text_of(node)) if node.type == "identifier" else node
    return string_of(value)


def _is_handler(module: Module, node: Any) -> bool:
    """Whether an argument that is no literal is a function or a router for certain, and no path."""
    if node.type == "identifier":
        node = declared(module, text_of(node))
        return node is None or node.type in (*_HANDLERS, "new_expression")
    return node.type in _HANDLERS


def _made(module: Module) -> set[str]:
    """Variables that hold `express()`, `express.Router()` or `Router()`."""
    makers: set[str] = set()
    for item in module.imports:
        for binding in item.bindings if item.specifier == "express" else ():
            if binding.imported == "Router":
                makers.add(binding.local)
            elif binding.imported in (NAMESPACE, "default"):
                makers |= {binding.local, f"{binding.local}.Router"}
    makers |= {'require("express")', "require('express')", 'require("express").Router', "require('express').Router"}
    found = set()
    for node in nodes_of(module.root, ("variable_declarator",)):
        value = node.child_by_field_name("value")
        if value is not None and value.type in ("call_expression", "new_expression"):
            maker = value.child_by_field_name("function") or value.child_by_field_name("constructor")
            if text_of(maker) in makers:
                found.add(text_of(node.child_by_field_name("name")))
    return found


def _route_of_chain(receiver: Any, name: str) -> Any:
    """The path of `app.route("/x")` below `.get(…).post(…)`."""
    while receiver is not None and receiver.type == "call_expression":
        inner, method = method_of(receiver)
        if inner is not None and method == "route" and text_of(inner) == name:
            given = arguments_of(receiver)
            return given[0] if given else None
        receiver = inner
    return None


def route_of(path: str) -> str | None:
    """As an API writes it; None for what it can't say, such as patterns."""
    if not _PLAIN.fullmatch(path):
        return None
    return _PARAMETER.sub(r"{\1}", path).rstrip("/") or "/"


def joined(prefix: str, path: str) -> str:
    return ("/" + "/".join(part for part in (prefix.strip("/"), path.strip("/")) if part)) or "/"
