"""Calls between units: which functions of another unit a unit uses, and whether they can be called from outside.

A function can that takes a context first and gives an error last. Types, constants, errors and variables that nothing
changes are the same in every unit, since each has all of the module's code.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from klotho.annotations.languages.go.modules import GoFile, functions_of, nodes_of, parameters_of, results_of, text_of
from klotho.annotations.languages.go.packages import folder_of
from klotho.annotations.languages.go.prologues import is_made_for_a_system
from klotho.annotations.languages.go.references import changes
from klotho.annotations.units import Unit
from klotho.diagnostics import Label, Span

if TYPE_CHECKING:
    from klotho.annotations.languages.go.program import GoProgram

_HELP = "let it take a `context.Context` first and give an `error` last, or put both files into one unit"
_NOTE = "between units only functions are called that take a context first and give an error last"
_STAYS: Mapping[str, frozenset[str] | None] = {
    "bufio": None,
    "context": None,
    "database/sql": frozenset({"Conn", "DB", "Row", "Rows", "Stmt", "Tx"}),
    "io": None,
    "net": frozenset({"Conn", "Listener"}),
    "net/http": frozenset({"Client", "Handler", "HandlerFunc", "Request", "Response", "ResponseWriter", "ServeMux"}),
    "os": frozenset({"File"}),
    "sync": None,
}
"""By package, types whose values are about the process that they are in; None: all of it."""


def function_named(file: GoFile, name: str) -> Any:
    """The declaration of a function."""
    return next(
        node
        for node in functions_of(file.root)
        if node.type == "function_declaration" and text_of(node.child_by_field_name("name")) == name
    )


def remote_names(program: GoProgram, unit: Unit) -> dict[str, list[str]]:
    """The functions a unit calls, by the other unit's file; what can't be called is reported."""
    found: dict[str, set[str]] = {path: set() for path in unit.remote if path.endswith(".go")}
    files = program.packages.files(unit.files)
    for path in found:
        other, told = program.packages.file(path), set[str]()
        for file in files:
            for name, node in program.references.of(file, other):
                span = file.source.text.span(node.start_byte, node.end_byte)
                if other.defines[name] == "call":
                    found[path].add(name)
                elif name not in told and not _moves(program, other, name):
                    told |= {name} if _check(program, other, name, span, unit.remote[path]) else set()
            _check_methods(program, file, other, unit)
    return {path: sorted(names) for path, names in sorted(found.items())}


def _moves(program: GoProgram, other: GoFile, name: str) -> bool:
    """Whether it makes a router that its unit serves, or what has the methods that do."""
    if name in program.routers.get(other.path, {}):
        return True
    if other.defines[name] != "function":
        return False
    made = {kind.lstrip("*") for kind in results_of(function_named(other, name))}
    return any(
        f"{kind}.{method}" in file.defines
        for file in program.packages.in_folder(folder_of(other.path))
        for method in program.routers.get(file.path, {})
        for kind in made
    )


def check_called(program: GoProgram, called: Mapping[str, list[str]]) -> None:
    """Reports functions that other units call and whose arguments or results can't be sent; warns of those that change
    what they are given."""
    for path, names in called.items():
        file = program.packages.file(path)
        for name in names:
            function = function_named(file, name)
            _check_built(program, file, name, function)
            for field in ("parameters", "result"):
                _check_sendable(program, file, name, function.child_by_field_name(field), field == "parameters")
            _tell_changed(program, file, name, function)


def _check(program: GoProgram, other: GoFile, name: str, at: Span, owner: str) -> bool:
    """Reports what is no call; whether it did."""
    kind = other.defines[name]
    if kind in ("type", "constant", "error", "init", "method"):
        return False
    if kind == "value":
        if not program.references.is_changed(other, name):
            return False
        why = "is a variable: what its unit changes there is not seen here"
        _refuse(program, other, name, at, owner, why, "let a function of its unit give it")
        return True
    _refuse(program, other, name, at, owner, _why_not(other, function_named(other, name)))
    return True


def _why_not(other: GoFile, function: Any) -> str:
    if function.child_by_field_name("type_parameters") is not None:
        return "has type parameters"
    parameters, results = parameters_of(function), results_of(function)
    if not parameters or parameters[0][1] != f"{other.local('context')}.Context":
        return "takes no context first"
    return "gives no error last" if not results or results[-1] != "error" else "can't be called from another unit"


def _refuse(program: GoProgram, other: GoFile, name: str, at: Span, owner: str, why: str, helping: str = _HELP) -> None:
    message = f'`{name}` of `{other.path}` belongs to the unit "{owner}" and {why}'
    found = other.source.of("execution_unit")
    also = [Label(found[0][0].span, "its unit")] if found else []
    program.code.report.error("annotation-call", message, at, also=also, notes=(_NOTE,), helps=(helping,))


def _check_methods(program: GoProgram, file: GoFile, other: GoFile, unit: Unit) -> None:
    """Methods run where they are called. Those that are made like a call would be taken for one, and those that use
    variables of their unit would find others here."""
    used = {name for name, _ in program.references.of(file, other) if other.defines[name] == "type"}
    methods = {
        name.rpartition(".")[2]: node
        for item in program.packages.in_folder(folder_of(other.path))
        for node in functions_of(item.root)
        if node.type == "method_declaration"
        and (name := _method_name(node)).partition(".")[0] in used
        and (_is_like_a_call(item, node) or _uses_variables(program, item, node, unit))
    }
    for node in nodes_of(file.root, ("selector_expression",)) if methods else ():
        name, call = text_of(node.child_by_field_name("field")), node.parent
        if name in methods and call.type == "call_expression" and call.child_by_field_name("function") == node:
            span = file.source.text.span(node.start_byte, node.end_byte)
            why = "is a method: it would run here, on what this unit has"
            _refuse(program, other, _method_name(methods.pop(name)), span, unit.remote[other.path], why, _FUNCTION_HELP)


_FUNCTION_HELP = "let a function of its unit do it, or put both files into one unit"


def _method_name(method: Any) -> str:
    receiver = nodes_of(method.child_by_field_name("receiver"), ("type_identifier",))
    return f"{text_of(receiver[0]) if receiver else ''}.{text_of(method.child_by_field_name('name'))}"


def _is_like_a_call(file: GoFile, method: Any) -> bool:
    parameters, results = parameters_of(method), results_of(method)
    first = parameters[0][1] if parameters else ""
    return first == f"{file.local('context')}.Context" and results[-1:] == ["error"]


def _uses_variables(program: GoProgram, file: GoFile, method: Any, unit: Unit) -> bool:
    """Whether a method uses a variable that something changes, of a file that another unit owns."""
    body = method.child_by_field_name("body")
    named = {text_of(node) for node in nodes_of(body, ("identifier",))} if body is not None else set[str]()
    return any(
        other.defines[name] == "value" and program.references.is_changed(other, name)
        for other in program.packages.in_folder(folder_of(file.path))
        if other.path in unit.remote
        for name in named & other.defines.keys()
    )


def _check_built(program: GoProgram, file: GoFile, name: str, function: Any) -> None:
    if is_made_for_a_system(file):
        message = f"`{name}` is called by other units, and its file is built on some systems only"
        span = file.source.text.span(function.start_byte, function.child_by_field_name("name").end_byte)
        helps = ("move the function into a file without `//go:build` and without a system in its name",)
        program.code.report.error("annotation-call", message, span, helps=helps)


def _check_sendable(program: GoProgram, file: GoFile, name: str, types: Any, is_given: bool) -> None:
    for at, item in enumerate(types.named_children if types is not None and types.type == "parameter_list" else ()):
        written = item.child_by_field_name("type")
        if written is None or (is_given and at == 0):
            continue
        for node in _unsendable(program, file, written):
            message = (
                f"`{name}` is called by other units, and a `{text_of(node)}` can't be "
                f"{'sent to it' if is_given else 'sent back'}"
            )
            span = file.source.text.span(node.start_byte, node.end_byte)
            helps = ("send what is in it, or put both files into one unit",)
            program.code.report.error("annotation-call", message, span, helps=helps)


def _unsendable(program: GoProgram, file: GoFile, written: Any) -> Iterator[Any]:
    for node in nodes_of(
        written, ("channel_type", "function_type", "interface_type", "qualified_type", "type_identifier")
    ):
        if node.type == "qualified_type":
            package, name = (text_of(node.child_by_field_name(field)) for field in ("package", "name"))
            path = file.imported(package) or ""
            names = _STAYS.get(path, frozenset())
            folder = program.packages.folder(path)
            if names is None or name in names or (folder is not None and _is_of_process(program, folder, name)):
                yield node
        elif node.type == "type_identifier":
            if node.parent.type != "qualified_type" and _is_of_process(program, folder_of(file.path), text_of(node)):
                yield node
        elif node.type != "interface_type" or node.named_children:
            yield node


def _is_of_process(program: GoProgram, folder: str, name: str) -> bool:
    """Whether a type of the module is an interface with methods, a function or a channel."""
    for file in program.packages.in_folder(folder):
        if file.defines.get(name) != "type":
            continue
        for node in nodes_of(file.root, ("type_spec",)):
            made = node.child_by_field_name("type")
            if text_of(node.child_by_field_name("name")) == name and made is not None:
                return made.type in ("function_type", "channel_type") or (
                    made.type == "interface_type" and bool(made.named_children)
                )
    return False


def _tell_changed(program: GoProgram, file: GoFile, name: str, function: Any) -> None:
    body = function.child_by_field_name("body")
    held = {given for given, kind in parameters_of(function) if kind.startswith(("*", "[]", "map[")) and given}
    for node in nodes_of(body, ("identifier",)) if body is not None else ():
        if text_of(node) in held and changes(node, itself=False):
            held.discard(text_of(node))
            message = f"what `{name}` changes of `{text_of(node)}` is not seen by the units that call it"
            span = file.source.text.span(node.start_byte, node.end_byte)
            helps = ("arguments of calls between units are copies: give it back as a result",)
            program.code.report.warning("annotation-call", message, span, helps=helps)
