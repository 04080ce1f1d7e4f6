"""`expose` on the statement that listens: what it serves, and what stands there in a unit.

Known are `http.ListenAndServe(address, handler)`, `server.ListenAndServe()` of an `http.Server`, and `router.Run(…)` of
gin, alone or within a statement: `log.Fatal(…)`, `if err := …; err != nil {`. In a unit each is a call of
`klotho_unit`, which listens where the unit is asked to, or answers events.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from klotho.annotations.findings import Edit
from klotho.annotations.languages.go.modules import GoFile, arguments_of, called, nodes_of, text_of

HTTP = "net/http"
GIN = "github.com/gin-gonic/gin"
UNIT = "klotho_unit"
SHAPES = "`http.ListenAndServe(address, handler)`, `server.ListenAndServe()` or gin's `router.Run()`"


class Listening(NamedTuple):
    """A call that listens."""

    call: Any
    handler: Any
    """The expression of what is served; None for the default one of net/http."""
    edits: tuple[Edit, ...]
    package: str | None = None
    """What the statement took from a package that may now be imported for nothing: `http.ListenAndServe`."""


def listening(file: GoFile, statement: Any) -> Listening | None:
    """The call of a statement that listens; None where there is none that is known."""
    http = file.local(HTTP)
    for call in nodes_of(statement, ("call_expression",)):
        before, name = called(call)
        given = arguments_of(call)
        if name == "ListenAndServe" and http is not None and before == http and len(given) == 2:
            handler = None if text_of(given[1]) == "nil" else given[1]
            return Listening(call, handler, (_renamed(file, call, f"{UNIT}.ListenAndServe"),), f"{http}.{name}")
        if name == "ListenAndServe" and before and not given:
            handler = _field(server_of(call, before), "Handler")
            return Listening(call, handler, _moved(file, call, before, "Serve", ""))
        if name == "Run" and before and file.local(GIN) is not None and len(given) <= 1:
            handler = call.child_by_field_name("function").child_by_field_name("operand")
            return Listening(call, handler, _moved(file, call, before, "Run", ", " if given else ""))
    return None


def _renamed(file: GoFile, call: Any, name: str) -> Edit:
    function = call.child_by_field_name("function")
    return Edit(file.path, function.start_byte, function.end_byte, name.encode())


def _moved(file: GoFile, call: Any, before: str, name: str, comma: str) -> tuple[Edit, ...]:
    """`server.ListenAndServe()` as `klotho_unit.Serve(server)`."""
    opened = call.child_by_field_name("arguments").start_byte + 1
    return _renamed(file, call, f"{UNIT}.{name}"), Edit(file.path, opened, opened, f"{before}{comma}".encode())


def server_of(call: Any, name: str) -> Any:
    """The composite literal that a variable of the function or the file holds; None where it can't be seen."""
    scope = call
    while scope is not None:
        for item in nodes_of(scope, ("short_var_declaration", "var_spec", "assignment_statement")):
            left = item.child_by_field_name("left") or item.child_by_field_name("name")
            right = item.child_by_field_name("right") or item.child_by_field_name("value")
            if text_of(left) == name and right is not None:
                found = nodes_of(right, ("composite_literal",))
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
