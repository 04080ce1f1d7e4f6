"""`persist` on a folder, `MEDIA = Path("media")`: a bucket; its files are objects by their path in it; by
their path in the program's folder where units of another language share it, which name them so.

Calls of `open` and `aiofiles.open` in the modules that know the folder take its paths, too. What hands a path to code
that opens it by itself (`FileResponse`, `shutil`) is refused by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from klotho.annotations.findings import FROM_THE_PROGRAM, Edit, Resource
from klotho.annotations.languages.python.modules import Module, assigned, nodes_of, positional_of, text_of
from klotho.annotations.languages.python.wrapping import is_at_top, qualified, wrapped
from klotho.annotations.model import Annotation

if TYPE_CHECKING:
    from klotho.annotations.languages.python.program import PythonProgram

_OPENERS = frozenset({"open", "aiofiles.open"})
_PATHS = frozenset({"str", "len", "print", "repr", "sorted", "list", "isinstance"})
"""Functions that a path may be handed to as it is."""


class Folders:
    shapes = "`MEDIA = Path(…)` of pathlib, also `Path(…) / …`"

    def resource(
        self, program: PythonProgram, modules: list[Module], module: Module, annotation: Annotation, target: Any
    ) -> Resource | None:
        name, value = assigned(target)
        if value is None or not is_at_top(target) or not _is_path(module, value):
            return None
        if annotation.directives.get("secret") is True:
            held = wrapped(module, value, "files", "secret", annotation.id)
            return Resource(annotation, "Secret", ("uses",), edits=held)
        is_shared = program.code.has_twin(module.source, annotation)
        edits = [*wrapped(module, value, "files", "shared_folder" if is_shared else "folder", annotation.id)]
        for other in modules:
            written = program.names_of(other, module.path, name)
            if written:
                edits += _opened(program, other, frozenset(written))
        return Resource(annotation, "Storage.Bucket", ("read_writes_to",), edits=tuple(edits), layout=FROM_THE_PROGRAM)


def _is_path(module: Module, value: Any) -> bool:
    """`Path("media")`, `Path(__file__).parent / "media"`, `pathlib.Path(…)`."""
    while value is not None:
        if value.type == "call" and qualified(module, value.child_by_field_name("function")) == "pathlib.Path":
            return True
        inner = value.child_by_field_name("left") if value.type == "binary_operator" else None
        if value.type == "attribute":
            inner = value.child_by_field_name("object")
        elif value.type == "call":
            inner = value.child_by_field_name("function")
        value = inner
    return False


def _opened(program: PythonProgram, module: Module, names: frozenset[str]) -> Iterator[Edit]:
    """Makes `open` take paths of the folder."""
    for call in nodes_of(module.root, ("call",)):
        function = call.child_by_field_name("function")
        called = qualified(module, function) if function is not None else ""
        if called in _OPENERS:
            yield from wrapped(module, function, "files", "opening")
        elif function is not None and function.type == "identifier" and called not in _PATHS:
            _check_handed_on(program, module, call, names)


def _check_handed_on(program: PythonProgram, module: Module, call: Any, names: frozenset[str]) -> None:
    function = text_of(call.child_by_field_name("function"))
    if function in module.defines or not function[:1].isupper():
        return
    for argument in positional_of(call):
        inner = argument
        while inner.type == "binary_operator":
            inner = inner.child_by_field_name("left")
        if text_of(inner) in names:
            at = module.source.text.span(argument.start_byte, argument.end_byte)
            message = f"`{function}` opens files by itself and finds none of a persisted folder: not supported yet"
            helps = (f"read it: `({text_of(argument)}).read_bytes()`",)
            program.code.report.error("annotation-not-yet", message, at, helps=helps)
