"""Where a router comes from: what an expression of a handler stands for, through variables, fields, functions that make
or wrap it, and packages of the module.

Input: an expression. Output: a `Router`: its framework and the places that hold it, which is where its routes may be
added. Names are followed as they are written; what can't be followed is None.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from klotho.annotations.languages.go.frameworks import CHI, GIN, HTTP, framework_of, local_of
from klotho.annotations.languages.go.modules import (
    FUNCTIONS,
    GoFile,
    arguments_of,
    called,
    functions_of,
    nodes_of,
    parameters_of,
    string_of,
    text_of,
)
from klotho.annotations.languages.go.packages import Packages, folder_of

_MOST_HOPS = 12
_MAKERS = {(CHI, "NewRouter"): "chi", (CHI, "NewMux"): "chi", (HTTP, "NewServeMux"): "http"}
_MAKERS |= {(GIN, "New"): "gin", (GIN, "Default"): "gin"}
_WITHOUT_ROUTES = ("HandlerFunc", "FileServer", "FileServerFS", "NotFoundHandler", "RedirectHandler")
_WITHIN = ("TimeoutHandler", "MaxBytesHandler", "AllowQuerySemicolons")
_DECLARATIONS = ("short_var_declaration", "assignment_statement", "var_spec")


class Place(NamedTuple):
    """Something that holds a router."""

    file: GoFile
    scope: Any
    """The function it is a variable of; the file for what all files of the package see."""
    name: str
    """Of the variable; `.router` for a field of that name."""


class Router(NamedTuple):
    framework: str
    """`http`, `chi`, `gin`; `default` for the one that net/http has; `plain` for a handler without routes; `other`."""
    places: tuple[Place, ...] = ()
    stripped: str | None = ""
    """What is taken off paths before it sees them; None where it can't be read."""
    other: tuple[str, bool] | None = None
    """The name of a framework whose routes are not known, and whether it is refused."""

    def at(self, place: Place) -> Router:
        return self if place in self.places else self._replace(places=(*self.places, place))


PLAIN = Router("plain")
DEFAULT = Router("default")


class Routers:
    def __init__(self, packages: Packages) -> None:
        self.packages = packages

    def of(self, file: GoFile, node: Any, hops: int = _MOST_HOPS, index: int = 0) -> Router | None:
        """What an expression of a file is; `index`: of the results of a call."""
        if node is None or hops <= 0:
            return None
        if node.type in ("parenthesized_expression", "unary_expression"):
            return self.of(file, node.named_children[-1] if node.named_children else None, hops - 1)
        made = self._made(file, node)
        if made is not None:
            return made
        if node.type == "identifier":
            return self._named(file, node, hops)
        if node.type == "selector_expression":
            return self._selected(file, node, hops)
        if node.type == "composite_literal":
            return self._of_type(file, node.child_by_field_name("type"), hops)
        if node.type == "call_expression":
            return self._called(file, node, hops, index)
        return PLAIN if node.type == "func_literal" else None

    def functions(self, file: GoFile, named: Any) -> list[tuple[GoFile, Any]]:
        """The declaration of what a name or `package.Name` of a file calls, or of the only method that is called so in
        its package or in those it imports."""
        if named is None or named.type not in ("identifier", "selector_expression"):
            return []
        if named.type == "identifier":
            return list(self._declared(folder_of(file.path), text_of(named), "function_declaration"))[:1]
        name = text_of(named.child_by_field_name("field"))
        folder = self._folder(file, text_of(named.child_by_field_name("operand")))
        if folder is not None:
            return list(self._declared(folder, name, "function_declaration"))[:1]
        folders = [folder_of(file.path)]
        folders += [found for item in file.imports if (found := self.packages.folder(item.path)) is not None]
        for place in folders:
            methods = list(self._declared(place, name, "method_declaration"))
            if methods:
                return methods if len(methods) == 1 else []
        return []

    def variables(self, file: GoFile, named: Any) -> Iterator[tuple[GoFile, str]]:
        """The file of a variable of a package that a name or `package.Name` of a file stands for."""
        folder, name = folder_of(file.path), text_of(named)
        if named.type == "selector_expression":
            found = self._folder(file, text_of(named.child_by_field_name("operand")))
            if found is None:
                return
            folder, name = found, text_of(named.child_by_field_name("field"))
        for other in self.packages.in_folder(folder):
            if other.defines.get(name) == "value":
                yield other, name

    def text(self, file: GoFile, node: Any, hops: int = _MOST_HOPS) -> str | None:
        """The value of an expression that is a text: literals, constants, and sums of them."""
        if node is None or hops <= 0:
            return None
        if node.type == "binary_expression" and text_of(node.child_by_field_name("operator")) == "+":
            parts = [self.text(file, node.child_by_field_name(side), hops - 1) for side in ("left", "right")]
            return None if None in parts else "".join(part or "" for part in parts)
        if node.type == "parenthesized_expression" and node.named_children:
            return self.text(file, node.named_children[0], hops - 1)
        if node.type == "identifier":
            return self._constant(file, folder_of(file.path), text_of(node), hops)
        if node.type == "selector_expression":
            folder = self._folder(file, text_of(node.child_by_field_name("operand")))
            name = text_of(node.child_by_field_name("field"))
            return self._constant(file, folder, name, hops) if folder is not None else None
        return string_of(node)

    def _constant(self, file: GoFile, folder: str, name: str, hops: int) -> str | None:
        for other in self.packages.in_folder(folder):
            if name in other.defines:
                for spec in nodes_of(other.root, ("const_spec",)):
                    names = [text_of(item) for item in spec.children_by_field_name("name")]
                    values = spec.child_by_field_name("value")
                    if name in names and values is not None and len(names) <= len(values.named_children):
                        return self.text(other, values.named_children[names.index(name)], hops - 1)
        return None

    def _folder(self, file: GoFile, local: str) -> str | None:
        path = file.imported(local)
        return self.packages.folder(path) if path is not None else None

    def _declared(self, folder: str, name: str, kind: str) -> Iterator[tuple[GoFile, Any]]:
        for file in self.packages.in_folder(folder):
            if kind == "function_declaration" and name not in file.defines:
                continue
            for node in functions_of(file.root):
                if node.type == kind and text_of(node.child_by_field_name("name")) == name:
                    yield file, node

    def _made(self, file: GoFile, node: Any) -> Router | None:
        """A router that an expression makes."""
        http = local_of(file, HTTP)
        if node.type == "composite_literal":
            is_mux = http is not None and text_of(node.child_by_field_name("type")) == f"{http}.ServeMux"
            return Router("http") if is_mux else None
        if node.type != "call_expression":
            return None
        before, name = called(node)
        if name == "new" and not before and http is not None:
            return Router("http") if text_of(next(iter(arguments_of(node)), None)) == f"{http}.ServeMux" else None
        for (module, maker), framework in _MAKERS.items():
            if name == maker and before and before == local_of(file, module):
                return Router(framework)
        other = framework_of(file, before) if before else None
        return Router("other", other=other) if other is not None else None

    def _named(self, file: GoFile, node: Any, hops: int) -> Router | None:
        name = text_of(node)
        if name == "nil":
            return DEFAULT
        scope = enclosing(node)
        while scope is not None:
            for value, at in values_of(scope, name):
                found = self.of(file, value, hops - 1, at)
                if found is not None:
                    return found.at(Place(file, scope, name))
            given = [item for item, _ in parameters_of(scope)]
            if name in given:
                found = self._passed(file, scope, given.index(name), hops)
                return found.at(Place(file, scope, name)) if found is not None else None
            scope = enclosing(scope)
        return self._variable(folder_of(file.path), name, hops)

    def _variable(self, folder: str, name: str, hops: int) -> Router | None:
        """A variable of a package."""
        for file in self.packages.in_folder(folder):
            if name not in file.defines:
                continue
            for value, at in (*values_of(file.root, name), *self._set_later(folder, name)):
                found = self.of(file, value, hops - 1, at)
                if found is not None:
                    return found.at(Place(file, file.root, name))
        return None

    def _set_later(self, folder: str, name: str) -> Iterator[tuple[Any, int]]:
        """What functions of a package set a variable of it to."""
        for file in self.packages.in_folder(folder):
            for function in functions_of(file.root):
                yield from values_of(function, name, ("assignment_statement",))

    def _passed(self, file: GoFile, function: Any, index: int, hops: int) -> Router | None:
        """What a function of the module is called with."""
        name = text_of(function.child_by_field_name("name"))
        for other in self.packages.files(self.packages.paths) if name else ():
            if name not in other.names and not any(item.endswith(f".{name}") for item in other.selected):
                continue
            for call in nodes_of(other.root, ("call_expression",)):
                if called(call)[1] == name and len(arguments_of(call)) > index:
                    found = self.functions(other, call.child_by_field_name("function"))
                    if any(item[0].path == file.path and item[1] == function for item in found):
                        router = self.of(other, arguments_of(call)[index], hops - 1)
                        if router is not None:
                            return router
        return None

    def _selected(self, file: GoFile, node: Any, hops: int) -> Router | None:
        before, name = text_of(node.child_by_field_name("operand")), text_of(node.child_by_field_name("field"))
        if before == local_of(file, HTTP):
            return DEFAULT if name == "DefaultServeMux" else None
        folder = self._folder(file, before)
        if folder is not None:
            return self._variable(folder, name, hops)
        return self._field(folder_of(file.path), name, hops)

    def _field(self, folder: str, name: str, hops: int) -> Router | None:
        for file in self.packages.in_folder(folder):
            if name not in file.source.text.content.decode("utf-8", "replace"):
                continue
            for value in _field_values(file.root, name):
                found = self.of(file, value, hops - 1)
                if found is not None and found.framework != "plain":
                    return found.at(Place(file, file.root, f".{name}"))
        return None

    def _of_type(self, file: GoFile, type_: Any, hops: int) -> Router | None:
        """A value of a type of the module with a method `ServeHTTP`: the router that the method hands on to."""
        if type_ is None:
            return None
        folder, name = folder_of(file.path), text_of(type_)
        if type_.type == "qualified_type":
            found = self._folder(file, text_of(type_.child_by_field_name("package")))
            folder, name = found if found is not None else "", text_of(type_.child_by_field_name("name"))
            if found is None:
                return None
        for other, method in self._declared(folder, "ServeHTTP", "method_declaration"):
            receiver = nodes_of(method.child_by_field_name("receiver"), ("type_identifier",))
            if not receiver or text_of(receiver[0]) != name:
                continue
            for call in nodes_of(method, ("call_expression",)):
                if called(call)[1] == "ServeHTTP":
                    operand = call.child_by_field_name("function").child_by_field_name("operand")
                    return self.of(other, operand, hops - 1) or PLAIN
            return PLAIN
        return None

    def _called(self, file: GoFile, node: Any, hops: int, index: int) -> Router | None:
        before, name = called(node)
        given = arguments_of(node)
        if before and before == local_of(file, HTTP):
            if name in _WITHOUT_ROUTES:
                return PLAIN
            if name == "StripPrefix" and len(given) == 2:
                found = self.of(file, given[1], hops - 1)
                return found._replace(stripped=self.text(file, given[0])) if found is not None else None
            return self.of(file, given[0], hops - 1) if name in _WITHIN and given else None
        plain = None
        for other, function in self.functions(file, node.child_by_field_name("function")):
            for value in returned(function, index):
                found = self.of(other, value, hops - 1)
                if found is not None and found.framework != "plain":
                    return found
                plain = plain or found
        if not given and name == "Handler":  # of gin: itself
            function = node.child_by_field_name("function")
            found = self.of(file, function.child_by_field_name("operand"), hops - 1) if before else None
            return found or plain
        for item in given:  # it may wrap what it is given
            found = self.of(file, item, hops - 2)
            if found is not None and found.framework not in ("plain", "default"):
                return found
            plain = plain or (found if found == PLAIN else None)
        return plain


def enclosing(node: Any) -> Any:
    """The function that a node stands in; None at the top."""
    found = node.parent
    while found is not None and found.type not in FUNCTIONS:
        found = found.parent
    return found


def values_of(scope: Any, name: str, kinds: tuple[str, ...] = _DECLARATIONS) -> Iterator[tuple[Any, int]]:
    """What a variable of a function or file is set to, with its place among the results where that is one call."""
    for item in nodes_of(scope, kinds):
        left = item.child_by_field_name("left")
        right = item.child_by_field_name("right") or item.child_by_field_name("value")
        names = left.named_children if left is not None else item.children_by_field_name("name")
        at = next((at for at, node in enumerate(names) if text_of(node) == name), None)
        if at is None or right is None or not right.named_children or not _is_direct(item, scope):
            continue
        values = right.named_children if right.type == "expression_list" else [right]
        yield (values[at], 0) if at < len(values) else (values[0], at)


def _is_direct(node: Any, scope: Any) -> bool:
    return bool(enclosing(node) == (scope if scope.type in FUNCTIONS else None))


def _field_values(root: Any, name: str) -> Iterator[Any]:
    """What a field of that name is set to: `router: r` in a literal, `s.router = r`."""
    for item in nodes_of(root, ("keyed_element", "assignment_statement")):
        if item.type == "keyed_element":
            parts = item.named_children
            if len(parts) == 2 and text_of(parts[0]) == name:
                yield parts[1].named_children[0] if parts[1].type == "literal_element" else parts[1]
            continue
        left, right = item.child_by_field_name("left"), item.child_by_field_name("right")
        for at, node in enumerate(left.named_children if left is not None else ()):
            is_it = node.type == "selector_expression" and text_of(node.child_by_field_name("field")) == name
            if is_it and right is not None and at < len(right.named_children):
                yield right.named_children[at]


def returned(function: Any, index: int) -> Iterator[Any]:
    """What a function gives as a result of it."""
    for item in nodes_of(function, ("return_statement",)):
        if enclosing(item) == function and item.named_children:
            values = item.named_children[0]
            values = values.named_children if values.type == "expression_list" else [values]
            if index < len(values):
                yield values[index]
