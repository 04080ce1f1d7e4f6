"""`expose` on the statement that listens: what it serves, and what stands there in a unit.

Known are `http.ListenAndServe(address, handler)`, `server.ListenAndServe()` of an `http.Server`, and `router.Run(…)` of
gin, alone or within a statement: `log.Fatal(…)`, `if err := …; err != nil {`. In a unit each is a call of
`klotho_unit`, which listens where the unit is asked to, or answers events.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from klotho.annotations.findings import Edit
from klotho.annotations.languages.go.frameworks import HTTP, frameworks_of, local_of
from klotho.annotations.languages.go.modules import GoFile, arguments_of, called, nodes_of, text_of
from klotho.annotations.languages.go.packages import Packages, folder_of
from klotho.annotations.languages.go.routers import Routers, enclosing, values_of
from klotho.annotations.model import Annotation
from klotho.diagnostics import Report

UNIT = "klotho_unit"
SHAPES = "`http.ListenAndServe(address, handler)`, `server.ListenAndServe()` or gin's `router.Run()`"


class Listening(NamedTuple):
    """A call that listens."""

    file: GoFile
    """Where the handler is said."""
    handler: Any
    """The expression of what is served; None for the default one of net/http."""
    edits: tuple[Edit, ...]
    package: str | None = None
    """What the statement took from a package that may now be imported for nothing: `http.ListenAndServe`."""
    refused: str | None = None
    """The call, where it listens in a way that no unit has: `r.RunTLS`. What it serves is known all the same."""
    instead: str = ""
    """The way that units have."""


def listening(packages: Packages, file: GoFile, statement: Any) -> Listening | None:
    """The call of a statement that listens; None where there is none that is known."""
    http = local_of(file, HTTP)
    for call in nodes_of(statement, ("call_expression",)):
        before, name = called(call)
        given = arguments_of(call)
        if name == "ListenAndServe" and http is not None and before == http and len(given) == 2:
            handler = None if text_of(given[1]) == "nil" else given[1]
            return Listening(file, handler, (_renamed(file, call, f"{UNIT}.ListenAndServe"),), f"{http}.{name}")
        operand = _named(call)
        if name == "ListenAndServe" and operand is not None and not given:
            return Listening(*_handler_of(packages, file, call, before), (_served(file, call, before),))
        if name == "Run" and operand is not None and len(given) <= 1:
            found = Routers(packages).of(file, operand)
            if found is not None and found.framework == "gin":
                return Listening(file, operand, _run(file, call, before, ", " if given else ""))
        other = _otherwise(packages, file, call)
        if other is not None:
            return other
    return None


_HANDLERS = {"ListenAndServeTLS": 3, "Serve": 1, "ServeTLS": 1}
"""Functions of net/http that listen in other ways: which of the arguments is the handler."""


def _otherwise(packages: Packages, file: GoFile, call: Any) -> Listening | None:
    """A call that listens in a way that is refused, of net/http and gin; None for another one."""
    before, name = called(call)
    given, operand, way = arguments_of(call), _named(call), f"{before}.{name}"
    if before == local_of(file, HTTP) and len(given) > _HANDLERS.get(name, len(given)):
        handler = given[_HANDLERS[name]]
        return Listening(
            file, None if text_of(handler) == "nil" else handler, (), refused=way, instead=f"{before}.ListenAndServe"
        )
    if name in _HANDLERS and operand is not None:
        where, handler = _handler_of(packages, file, call, before)
        is_server = handler != call
        return Listening(where, handler, (), refused=way, instead=f"{before}.ListenAndServe()") if is_server else None
    if name.startswith("Run") and operand is not None:
        found = Routers(packages).of(file, operand)
        if found is not None and found.framework == "gin":
            return Listening(file, operand, (), refused=way, instead=f"{before}.Run()")
    return None


def _named(call: Any) -> Any:
    """What a method is called on, where that is a name or a field: it may be written several times."""
    function = call.child_by_field_name("function")
    operand = function.child_by_field_name("operand") if function.type == "selector_expression" else None
    return None if operand is None or nodes_of(operand, ("call_expression", "index_expression")) else operand


def _renamed(file: GoFile, call: Any, name: str) -> Edit:
    function = call.child_by_field_name("function")
    return Edit(file.path, function.start_byte, function.end_byte, name.encode())


def _served(file: GoFile, call: Any, server: str) -> Edit:
    """`server.ListenAndServe()` as a call with three fields of it, which what has an http.Server within has, too."""
    text = f"{UNIT}.Serve({server}.Serve, {server}.Addr, &{server}.Handler)"
    return Edit(file.path, call.start_byte, call.end_byte, text.encode())


def _run(file: GoFile, call: Any, router: str, comma: str) -> tuple[Edit, ...]:
    """`router.Run(address)` as `klotho_unit.Run(router, address)`."""
    opened = call.child_by_field_name("arguments").start_byte + 1
    return _renamed(file, call, f"{UNIT}.Run"), Edit(file.path, opened, opened, f"{router}{comma}".encode())


def _handler_of(packages: Packages, file: GoFile, call: Any, name: str) -> tuple[GoFile, Any]:
    """The handler of a server, with its file: as it is set before the server listens, or as the literal says it that
    makes the server, which may be the only one in the package. The call itself, which is no handler, where none is
    seen."""
    for value in values_of(enclosing(call) or file.root, f"{name}.Handler", ("assignment_statement",)):
        return file, value[0]
    found = [(file, literal) for literal in [_made(file, call, name)] if literal is not None]
    if not found:
        for other in packages.in_folder(folder_of(file.path)):
            found += [(other, item) for item in nodes_of(other.root, ("composite_literal",)) if _is_server(other, item)]
    return (found[0][0], _field(found[0][1], "Handler")) if len(found) == 1 else (file, call)


def _is_server(file: GoFile, literal: Any) -> bool:
    return text_of(literal.child_by_field_name("type")) == f"{local_of(file, HTTP)}.Server"


def _made(file: GoFile, call: Any, name: str) -> Any:
    """The literal of a server that a variable of the function or the file holds; None where it can't be seen."""
    scope = call
    while scope is not None:
        for item in nodes_of(scope, ("short_var_declaration", "var_spec", "assignment_statement")):
            left = item.child_by_field_name("left") or item.child_by_field_name("name")
            right = item.child_by_field_name("right") or item.child_by_field_name("value")
            if text_of(left) == name and right is not None:
                found = [node for node in nodes_of(right, ("composite_literal",)) if _is_server(file, node)]
                if found:
                    return found[0]
        scope = scope.parent
    return None


def _field(literal: Any, name: str) -> Any:
    """The value of a field of a composite literal."""
    for item in nodes_of(literal, ("keyed_element",)) if literal is not None else ():
        parts = item.named_children
        if len(parts) == 2 and text_of(parts[0]) == name:
            return parts[1].named_children[0] if parts[1].type == "literal_element" else parts[1]
    return None


def refuse_way(annotation: Annotation, found: Listening, report: Report) -> None:
    """Says that a call listens in a way that no unit has."""
    message = f"`{found.refused}` under {annotation.title} is not supported yet"
    has_certificates = found.refused is not None and found.refused.endswith(("TLS", "QUIC"))
    why = ": certificates belong to what stands before the unit" if has_certificates else ""
    report.error("annotation-not-yet", message, annotation.span, helps=(f"listen by `{found.instead}`{why}",))


def refuse_expose(file: GoFile, annotation: Annotation, report: Report) -> None:
    """Says what is wrong with a statement that listens to nothing that is known."""
    framework = next(iter(frameworks_of(file)), None)
    if framework is not None:
        title, is_refused = framework
        message = f"{title} is not supported yet" if is_refused else f"{title}'s own way to listen is not supported yet"
        helping = f"serve it by `http.ListenAndServe(address, handler)`: {title} is a handler"
        report.error("annotation-not-yet", message, annotation.span, helps=() if is_refused else (helping,))
    else:
        message = f"nothing came of {annotation.title}: its statement listens to nothing"
        notes = (f"it stands on the statement that listens, such as {SHAPES}",)
        helps = ("move the comment above that statement",)
        report.error("annotation-without-effect", message, annotation.span, notes=notes, helps=helps)
