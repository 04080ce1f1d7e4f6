"""Routes of Express applications: verbs, `route(…)`, routers nested at any depth and `use` with a prefix.

Input: the modules of a unit and the statement that listens. Output: the routes, as far as they are literal. Nothing
depends on finding all of them: what no route names goes to the unit all the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from klotho.annotations.languages.javascript.modules import (
    NAMESPACE,
    Module,
    arguments_of,
    string_of,
    text_of,
)
from klotho.annotations.languages.javascript.tree import nodes_of
from klotho.diagnostics import Span

VERBS = ("get", "post", "put", "patch", "delete", "options", "head")
_PARAMETER = re.compile(r":([A-Za-z_]\w*)")
_PLAIN = re.compile(r"(/([\w.~@!$&'=,;%-]+|:[A-Za-z_]\w*))*/?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Found:
    method: str
    """`GET`, or `ANY`."""
    path: str
    """As Express writes it, prefixes joined: `/pets/:id`."""
    span: Span

    @property
    def route(self) -> str | None:
        """As an API writes it: `/pets/{id}`; None for what it can't say, such as patterns."""
        if not _PLAIN.fullmatch(self.path):
            return None
        return _PARAMETER.sub(r"{\1}", self.path).rstrip("/") or "/"


Follow = Callable[[Module, str], Module | None]
"""The module an import of a module leads to, by its specifier; None for packages and other units."""


class Routes:
    def __init__(self, follow: Follow) -> None:
        self._follow = follow

    def listener(self, statement: Any) -> str | None:
        """The variable on which the statement calls `listen`; "" where it is no plain variable, None without."""
        for call in nodes_of(statement, ("call_expression",)):
            receiver, method = _method(call)
            if receiver is not None and method == "listen":
                return text_of(receiver) if receiver.type == "identifier" else ""
        return None

    def of(self, module: Module, variable: str) -> list[Found] | None:
        """The routes of the application a module knows by this name; None when it is no Express application."""
        home = self._router(module, variable, ())
        if home is None:
            return None
        found: dict[tuple[str, str], Found] = {}
        for item in self._walk(*home, "", ()):
            found.setdefault((item.method, item.path), item)
        return list(found.values())

    def _router(self, module: Module, name: str, seen: tuple[tuple[str, str], ...]) -> tuple[Module, str] | None:
        """Where the application or router is made that a module knows by this name."""
        if (module.path, name) in seen:
            return None
        if name in _made(module):
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

    def _walk(self, module: Module, name: str, prefix: str, above: tuple[tuple[str, str], ...]) -> Iterator[Found]:
        if (module.path, name) in above:
            return
        for call in nodes_of(module.root, ("call_expression",)):
            receiver, method = _method(call)
            if receiver is None:
                continue
            given = arguments_of(call)
            if text_of(receiver) == name and method in (*VERBS, "all") and len(given) > 1:
                yield from self._verbs(module, call, method, given[0], prefix)
            elif text_of(receiver) == name and method == "use":
                yield from self._mounted(module, given, prefix, (*above, (module.path, name)))
            elif method in (*VERBS, "all"):
                path = _route_of_chain(receiver, name)
                if path is not None:
                    yield from self._verbs(module, call, method, path, prefix)

    def _verbs(self, module: Module, call: Any, method: str, path: Any, prefix: str) -> Iterator[Found]:
        paths = path.named_children if path.type == "array" else [path]
        for item in paths:
            literal = string_of(item)
            if literal is not None:
                at = module.source.text.span(path.start_byte, path.end_byte)
                yield Found("ANY" if method == "all" else method.upper(), _joined(prefix, literal), at)

    def _mounted(
        self, module: Module, given: list[Any], prefix: str, above: tuple[tuple[str, str], ...]
    ) -> Iterator[Found]:
        literal = string_of(given[0]) if given else None
        inner = _joined(prefix, literal) if literal is not None else prefix
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


def _method(call: Any) -> tuple[Any, str]:
    function = call.child_by_field_name("function")
    if function is None or function.type != "member_expression":
        return None, ""
    return function.child_by_field_name("object"), text_of(function.child_by_field_name("property"))


def _route_of_chain(receiver: Any, name: str) -> Any:
    """The path of `app.route("/x")` below `.get(…).post(…)`."""
    while receiver is not None and receiver.type == "call_expression":
        inner, method = _method(receiver)
        if inner is not None and method == "route" and text_of(inner) == name:
            given = arguments_of(receiver)
            return given[0] if given else None
        receiver = inner
    return None


def _joined(prefix: str, path: str) -> str:
    return ("/" + "/".join(part for part in (prefix.strip("/"), path.strip("/")) if part)) or "/"
