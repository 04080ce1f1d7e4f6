"""Routes of NestJS applications: controllers of the module an application is made of and of those it imports.

Input: the variable that listens, `const app = await NestFactory.create(AppModule)`. Output: the routes, as far as paths
are texts, below the global prefix. None for an application whose prefix can't be read, or with versions: its unit gets
all requests, and that is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from klotho.annotations.findings import Route, Served
from klotho.annotations.languages.javascript.express import joined, route_of
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

PACKAGE = "@nestjs/core"
_VERBS = ("Get", "Post", "Put", "Patch", "Delete", "Options", "Head", "All")
_CLASSES = ("class_declaration", "abstract_class_declaration")


class Nest:
    def served(self, reach: Reach, module: Module, variable: str) -> Served | None:
        created = _created(module, variable)
        prefix = _global_prefix(module, variable) if created is not None else None
        if created is None or prefix is None:
            return None
        found = Served()
        for home, cls in _classes(reach, module, created):
            _of_module(reach, home, cls, prefix, found, set())
        return found if found.is_plain else None


def _created(module: Module, variable: str) -> Any:
    """`AppModule` of `await NestFactory.create(AppModule)`."""
    factories = {
        binding.local
        for item in module.imports
        for binding in item.bindings
        if item.specifier == PACKAGE and binding.imported == "NestFactory"
    }
    made = declared(module, variable)
    for call in nodes_of(made, ("call_expression",)) if made is not None else ():
        receiver, method = method_of(call)
        given = arguments_of(call)
        if receiver is not None and text_of(receiver) in factories and method == "create" and given:
            return given[0]
    return None


def _global_prefix(module: Module, variable: str) -> str | None:
    prefix: str | None = ""
    for call in nodes_of(module.root, ("call_expression",)):
        receiver, method = method_of(call)
        if receiver is None or text_of(receiver) != variable:
            continue
        if method == "setGlobalPrefix":
            given = arguments_of(call)
            prefix = string_of(given[0]) if len(given) == 1 else None
        elif method == "enableVersioning":
            return None
    return prefix


def _of_module(reach: Reach, module: Module, cls: Any, prefix: str, found: Served, seen: set[int]) -> None:
    if cls.id in seen:
        return
    seen.add(cls.id)
    for call in _decorations(cls, ("Module",)):
        options = next(iter(arguments_of(call)), None)
        for item in _list(options, "controllers"):
            for home, controller in _classes(reach, module, item):
                found.routes.extend(_of_controller(home, controller, prefix))
        for item in _list(options, "imports"):
            found.is_plain = found.is_plain and not text_of(item).startswith(
                "RouterModule."
            )  # it gives modules prefixes
            for home, other in _classes(reach, module, item):
                _of_module(reach, home, other, prefix, found, seen)


def _of_controller(module: Module, cls: Any, prefix: str) -> Iterator[Route]:
    for call in _decorations(cls, ("Controller",)):
        for base in _paths(next(iter(arguments_of(call)), None)):
            body = cls.child_by_field_name("body")
            for item in body.named_children if body is not None else ():
                if item.type == "decorator":
                    yield from _of_method(module, item, joined(prefix, base))


def _of_method(module: Module, decorator: Any, base: str) -> Iterator[Route]:
    call = decorator.named_children[0] if decorator.named_children else None
    if call is None or call.type != "call_expression":
        return
    verb = text_of(call.child_by_field_name("function"))
    if verb in _VERBS:
        for path in _paths(next(iter(arguments_of(call)), None)):
            route = route_of(joined(base, path))
            if route is not None:
                at = module.source.text.span(call.start_byte, call.end_byte)
                yield Route("ANY" if verb == "All" else verb.upper(), route, at)


def _paths(given: Any) -> list[str]:
    """The paths of `@Get()`, `@Get("a")`, `@Get(["a", "b"])` and `@Controller({ path: "a" })`."""
    if given is None:
        return [""]
    if given.type == "object":
        wanted = _option(given, "path")
        return [] if _option(given, "host") is not None else _paths(wanted)
    items = given.named_children if given.type == "array" else [given]
    return [path for item in items if (path := string_of(item)) is not None]


def _decorations(cls: Any, names: tuple[str, ...]) -> Iterator[Any]:
    """The calls of a class's decorators, which stand before it or before its `export`."""
    holders = [cls, cls.parent] if cls.parent is not None and cls.parent.type == "export_statement" else [cls]
    for child in (child for holder in holders for child in holder.named_children if child.type == "decorator"):
        call = child.named_children[0] if child.named_children else None
        if (
            call is not None
            and call.type == "call_expression"
            and text_of(call.child_by_field_name("function")) in names
        ):
            yield call


def _list(options: Any, name: str) -> list[Any]:
    found = _option(options, name)
    return list(found.named_children) if found is not None and found.type == "array" else []


def _option(options: Any, name: str) -> Any:
    for item in options.named_children if options is not None and options.type == "object" else ():
        if item.type == "pair" and text_of(item.child_by_field_name("key")).strip("'\"") == name:
            return item.child_by_field_name("value")
    return None


def _classes(reach: Reach, module: Module, node: Any) -> Iterator[tuple[Module, Any]]:
    """The class that a name stands for, also of `forwardRef(() => Pets)`."""
    names = [node] if node.type == "identifier" else nodes_of(node, ("identifier",))
    for name in names:
        yield from _named(reach, module, text_of(name), 0)


def _named(reach: Reach, module: Module, name: str, depth: int) -> Iterator[tuple[Module, Any]]:
    for cls in nodes_of(module.root, _CLASSES):
        if text_of(cls.child_by_field_name("name")) == name:
            yield module, cls
            return
    for item in module.imports if depth < 8 else ():
        for binding in item.bindings:
            other = reach.follow(module, item.specifier) if binding.local == name else None
            if other is not None and binding.imported != NAMESPACE:
                export = other.exports.get(binding.imported)
                local = export.local if export is not None and export.local else binding.imported
                yield from _named(reach, other, local, depth + 1)
                return
    for item in module.imports if depth < 8 else ():  # `export * from "./pets"`, `export { Pets } from "./pets"`
        other = reach.follow(module, item.specifier) if item.reexports else None
        found = list(_named(reach, other, name, depth + 1)) if other is not None else []
        if found:
            yield from found
            return
