"""Routes of Fastify applications: verbs, `route({ method, url })` and plugins registered with a prefix at any depth.

Input: the modules of a unit and the variable that listens. Output: the routes, as far as they are literal. A plugin is
a function that is handed over by name or written there; one wrapped in `fastify-plugin` or loaded by a package is not
followed: what it serves goes to the unit all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from klotho.annotations.findings import Mount, Route, Served
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
from klotho.annotations.languages.javascript.reach import Reach
from klotho.annotations.languages.javascript.tree import nodes_of

_FUNCTIONS = ("function_declaration", "function_expression", "arrow_function")


class Fastify:
    def served(self, reach: Reach, module: Module, variable: str) -> Served | None:
        if variable not in _made(module):
            return None
        return _walk(reach, _Scope(module, module.root, variable), "", (), reach.home)


class _Scope(NamedTuple):
    """Code that knows an application, or a part of it, by a name."""

    module: Module
    root: Any
    name: str
    export: str = ""
    """What other modules import the plugin as."""


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


def _walk(reach: Reach, scope: _Scope, prefix: str, above: tuple[int, ...], unit: str) -> Served:
    """What a scope adds to its application."""
    found = Served()
    if scope.root.id in above:
        return found
    for call in nodes_of(scope.root, ("call_expression",)):
        receiver, method = method_of(call)
        given = arguments_of(call)
        if receiver is None or not given or text_of(receiver) != scope.name or _hides(call, scope.root, scope.name):
            continue
        if method in (*VERBS, "all"):
            found.add(_route(scope.module, given[0], "ANY" if method == "all" else method.upper(), prefix))
        elif method == "route":
            url = _option(given[0], "url") or _option(given[0], "path")
            for verb in _methods(_option(given[0], "method")):
                found.add(_route(scope.module, url, verb, prefix))
        elif method == "register":
            found.add(_registered(reach, scope, given, prefix, (*above, scope.root.id), unit))
        elif method == "setNotFoundHandler":
            found.is_plain = False
    return found


def _registered(
    reach: Reach, scope: _Scope, given: list[Any], prefix: str, above: tuple[int, ...], unit: str
) -> Served:
    at = scope.module.source.text.span(given[0].start_byte, given[0].end_byte)
    wanted = _option(given[1], "prefix") if len(given) > 1 else None
    literal = string_of(wanted)
    inner = joined(prefix, literal or "")
    for plugin in _plugin(reach.follow, scope.module, given[0]):
        owner = reach.crosses(plugin.module, unit)
        more = _walk(reach, plugin, inner, above, owner or unit)
        if owner is None:
            return more
        is_known = literal is not None or (wanted is None and (len(given) < 2 or given[1].type == "object"))
        place = route_of(inner) if is_known else None
        file = plugin.module.path
        moved = Served()
        moved.add_moved(more, Mount(owner, file, plugin.export, place, at, reach.application, framework="fastify"))
        return moved
    return Served(is_plain=False)


def _hides(call: Any, scope: Any, name: str) -> bool:
    """Whether a function between the call and the scope has a parameter of this name: then it is another one."""
    node = call.parent
    while node is not None and node != scope:
        if node.type in _FUNCTIONS and _first_parameter(node) == name:
            return True
        node = node.parent
    return False


def _route(module: Module, path: Any, method: str, prefix: str) -> Served:
    literal = string_of(path)
    route = route_of(joined(prefix, literal)) if literal is not None else None
    if route is None:
        return Served(is_plain=False)
    return Served([Route(method, route, module.source.text.span(path.start_byte, path.end_byte))])


def _methods(value: Any) -> list[str]:
    items = value.named_children if value is not None and value.type == "array" else [value]
    return [literal.upper() for item in items if (literal := string_of(item)) is not None]


def _option(given: Any, name: str) -> Any:
    for item in given.named_children if given.type == "object" else ():
        if item.type == "pair" and text_of(item.child_by_field_name("key")).strip("'\"") == name:
            return item.child_by_field_name("value")
    return None


def _plugin(follow: Follow, module: Module, value: Any) -> Iterator[_Scope]:
    """The function that is registered, with its module."""
    if value.type in _FUNCTIONS:
        yield from _body(module, value, "")
        return
    name = text_of(value)
    own = _function(module, name)
    if own is not None:
        yield from _body(module, own, "")
        return
    for item in module.imports:
        picked = [binding.imported for binding in item.bindings if binding.local == name]
        other = follow(module, item.specifier) if picked or item.node == value else None
        if other is not None:
            wanted = picked[0] if picked else NAMESPACE
            plugin = _exported(other, wanted)
            if plugin is not None:
                yield from _body(other, plugin, wanted)
            return


def _body(module: Module, function: Any, export: str) -> Iterator[_Scope]:
    """A plugin without a parameter of a plain name can't be read."""
    first = _first_parameter(function)
    if first is not None:
        yield _Scope(module, function, first, export)


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
