"""Routes of Express applications: verbs, `route(…)`, routers nested at any depth and `use` with a prefix.

Input: the modules of a unit and the statement that listens. Output: the routes, as far as they are literal. Nothing
depends on finding all of them: what no route names goes to the unit all the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from klotho.annotations.findings import Route
from klotho.annotations.languages.javascript.modules import (
    NAMESPACE,
    Follow,
    Module,
    arguments_of,
    method_of,
    string_of,
    text_of,
)
from klotho.annotations.languages.javascript.tree import nodes_of

VERBS = ("get", "post", "put", "patch", "delete", "options", "head")
_PARAMETER = re.compile(r":([A-Za-z_]\w*)")
_PLAIN = re.compile(r"(/([\w.~@!$&'=,;%-]+|:[A-Za-z_]\w*))*/?", re.ASCII)


class Express:
    def routes(self, follow: Follow, module: Module, variable: str) -> list[Route] | None:
        return Routers(follow, _made, "use").of(module, variable)


class Routers:
    """The routes of frameworks that mount one router on another. `made`: the variables of a module that hold one;
    `mounts`: the method that does it, `use` or `route`."""

    def __init__(self, follow: Follow, made: Callable[[Module], set[str]], mounts: str) -> None:
        self._follow, self._made, self._mounts = follow, made, mounts

    def of(self, module: Module, variable: str) -> list[Route] | None:
        home = self._router(module, variable, ())
        if home is None:
            return None
        found: dict[tuple[str, str], Route] = {}
        for item in self._walk(*home, "", ()):
            found.setdefault((item.method, item.path), item)
        return list(found.values())

    def _router(self, module: Module, name: str, seen: tuple[tuple[str, str], ...]) -> tuple[Module, str] | None:
        """Where the application or router is made that a module knows by this name."""
        if (module.path, name) in seen:
            return None
        if name in self._made(module):
            return module, name
        for item in module.imports:
            for binding in item.bindings:
                other = self._follow(module, item.specifier) if binding.local == name else None
                if other is not None:
                    return self._exported(other, binding.imported, (*seen, (module.path, name)))
        return None

    def _exported(self, module: Module, name: str, seen: tuple[tuple[str, str], ...]) -> tuple[Module, str] | None:
        export = module.exports.get(name) or (module.exports.get(NAMESPACE) if name == "default" else None)
        if export is None and name == NAMESPACE:
            export = module.exports.get("default")
        return self._router(module, export.local, seen) if export is not None and export.local else None

    def _walk(self, module: Module, name: str, prefix: str, above: tuple[tuple[str, str], ...]) -> Iterator[Route]:
        if (module.path, name) in above:
            return
        for call in nodes_of(module.root, ("call_expression",)):
            receiver, method = method_of(call)
            if receiver is None:
                continue
            given = arguments_of(call)
            if text_of(self._start(receiver)) == name and method in (*VERBS, "all") and len(given) > 1:
                yield from self._verbs(module, call, method, given[0], prefix)
            elif text_of(self._start(receiver)) == name and method == self._mounts:
                yield from self._mounted(module, given, prefix, (*above, (module.path, name)))
            elif method in (*VERBS, "all"):
                path = _route_of_chain(receiver, name)
                if path is not None:
                    yield from self._verbs(module, call, method, path, prefix)

    def _start(self, receiver: Any) -> Any:
        """`app` of `app.get(…).post(…)`."""
        while receiver.type == "call_expression":
            inner, method = method_of(receiver)
            if inner is None or method not in (*VERBS, "all", "use", self._mounts):
                break
            receiver = inner
        return receiver

    def _verbs(self, module: Module, call: Any, method: str, path: Any, prefix: str) -> Iterator[Route]:
        paths = path.named_children if path.type == "array" else [path]
        for item in paths:
            literal = string_of(item)
            route = route_of(joined(prefix, literal)) if literal is not None else None
            if route is not None:
                at = module.source.text.span(path.start_byte, path.end_byte)
                yield Route("ANY" if method == "all" else method.upper(), route, at)

    def _mounted(
        self, module: Module, given: list[Any], prefix: str, above: tuple[tuple[str, str], ...]
    ) -> Iterator[Route]:
        literal = string_of(given[0]) if given else None
        inner = joined(prefix, literal) if literal is not None else prefix
        for item in given[1:] if literal is not None else given:
            home = self._value(module, item)
            if home is not None:
                yield from self._walk(*home, inner, above)

    def _value(self, module: Module, node: Any) -> tuple[Module, str] | None:
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
            other = self._follow(module, item.specifier) if item.node == node or is_whole else None
            if other is not None:
                return self._exported(other, picked, ())
        return None


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
