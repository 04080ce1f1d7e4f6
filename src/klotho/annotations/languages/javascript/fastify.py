"""Routes of Fastify applications: verbs, `route({ method, url })` and plugins registered with a prefix at any depth.

Input: the modules of a unit and the variable that listens. Output: the routes, as far as they are literal. A plugin is
a function that is handed over by name or written there; one wrapped in `fastify-plugin` or loaded by a package is not
followed: what it serves goes to the unit all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from klotho.annotations.findings import Route
from klotho.annotations.languages.javascript.express import VERBS, joined, route_of
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

_FUNCTIONS = ("function_declaration", "function_expression", "arrow_function")


class Fastify:
    def routes(self, follow: Follow, module: Module, variable: str) -> list[Route] | None:
        if variable not in _made(module):
            return None
        found: dict[tuple[str, str], Route] = {}
        for item in _walk(follow, module, module.root, variable, "", ()):
            found.setdefault((item.method, item.path), item)
        return list(found.values())


def _made(module: Module) -> set[str]:
    """Variables that hold `Fastify(…)`, `fastify(…)` or `require("fastify")(…)`."""
    makers = {"require('fastify')", 'require("fastify")'}
    for item in module.imports:
        if item.specifier == "fastify":
            makers |= {
                binding.local for binding in item.bindings if binding.imported in (NAMESPACE, "default", "fastify")
            }
    found = set()
    for node in nodes_of(module.root, ("variable_declarator",)):
        value = node.child_by_field_name("value")
        is_call = value is not None and value.type == "call_expression"
        if is_call and text_of(value.child_by_field_name("function")) in makers:
            found.add(text_of(node.child_by_field_name("name")))
    return found


def _walk(
    follow: Follow, module: Module, scope: Any, name: str, prefix: str, above: tuple[int, ...]
) -> Iterator[Route]:
    """What a scope that knows the application by this name adds to it."""
    if scope.id in above:
        return
    for call in nodes_of(scope, ("call_expression",)):
        receiver, method = method_of(call)
        given = arguments_of(call)
        if receiver is None or not given or text_of(receiver) != name or _hides(call, scope, name):
            continue
        if method in (*VERBS, "all"):
            yield from _route(module, given[0], "ANY" if method == "all" else method.upper(), prefix)
        elif method == "route":
            url = _option(given[0], "url") or _option(given[0], "path")
            for verb in _methods(_option(given[0], "method")):
                yield from _route(module, url, verb, prefix)
        elif method == "register":
            inner = string_of(_option(given[1], "prefix")) if len(given) > 1 else None
            for other, plugin in _plugin(follow, module, given[0]):
                first = _first_parameter(plugin)
                if first is not None:
                    yield from _walk(follow, other, plugin, first, joined(prefix, inner or ""), (*above, scope.id))


def _hides(call: Any, scope: Any, name: str) -> bool:
    """Whether a function between the call and the scope has a parameter of this name: then it is another one."""
    node = call.parent
    while node is not None and node != scope:
        if node.type in _FUNCTIONS and _first_parameter(node) == name:
            return True
        node = node.parent
    return False


def _route(module: Module, path: Any, method: str, prefix: str) -> Iterator[Route]:
    literal = string_of(path)
    route = route_of(joined(prefix, literal)) if literal is not None else None
    if route is not None:
        yield Route(method, route, module.source.text.span(path.start_byte, path.end_byte))


def _methods(value: Any) -> list[str]:
    items = value.named_children if value is not None and value.type == "array" else [value]
    return [literal.upper() for item in items if (literal := string_of(item)) is not None]


def _option(given: Any, name: str) -> Any:
    for item in given.named_children if given.type == "object" else ():
        if item.type == "pair" and text_of(item.child_by_field_name("key")).strip("'\"") == name:
            return item.child_by_field_name("value")
    return None


def _plugin(follow: Follow, module: Module, value: Any) -> Iterator[tuple[Module, Any]]:
    """The function that is registered, with its module."""
    if value.type in _FUNCTIONS:
        yield module, value
        return
    name = text_of(value)
    own = _function(module, name)
    if own is not None:
        yield module, own
        return
    for item in module.imports:
        picked = [binding.imported for binding in item.bindings if binding.local == name]
        other = follow(module, item.specifier) if picked or item.node == value else None
        if other is not None:
            plugin = _exported(other, picked[0] if picked else NAMESPACE)
            if plugin is not None:
                yield other, plugin
            return


def _exported(module: Module, name: str) -> Any:
    export = module.exports.get(name) or module.exports.get(NAMESPACE if name == "default" else "default")
    if export is not None and export.local:
        return _function(module, export.local)
    if name not in ("default", NAMESPACE):
        return None
    for node in nodes_of(module.root, ("export_statement", "assignment_expression")):
        value = node.child_by_field_name("right") or node.child_by_field_name("value")
        is_whole = node.type == "export_statement" or text_of(node.child_by_field_name("left")) == "module.exports"
        if is_whole and value is not None and value.type in _FUNCTIONS:
            return value
    return None


def _function(module: Module, name: str) -> Any:
    for node in nodes_of(module.root, (*_FUNCTIONS, "variable_declarator")):
        value = node.child_by_field_name("value") if node.type == "variable_declarator" else node
        if text_of(node.child_by_field_name("name")) == name and value is not None and value.type in _FUNCTIONS:
            return value
    return None


def _first_parameter(function: Any) -> str | None:
    found = function.child_by_field_name("parameters")
    first = found.named_children[0] if found is not None and found.named_children else None
    single = first if first is not None else function.child_by_field_name("parameter")
    if single is not None and single.type == "required_parameter":  # with its type
        single = single.child_by_field_name("pattern")
    return text_of(single) if single is not None and single.type == "identifier" else None
