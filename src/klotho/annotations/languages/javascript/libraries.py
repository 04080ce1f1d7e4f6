"""`persist` on what the language and libraries make: which of them a statement is of, and what it asks for.

A library is a module with a class of `Library`'s kind and a place in `LIBRARIES`. What it makes is handed to a shim
where it stands (`wrapping`); the unit has the shims that are used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

from klotho.annotations.findings import Resource
from klotho.annotations.languages.javascript.databases import Databases
from klotho.annotations.languages.javascript.files import FileSystems
from klotho.annotations.languages.javascript.maps import Maps
from klotho.annotations.languages.javascript.modules import Module
from klotho.annotations.languages.javascript.prisma import Prisma
from klotho.annotations.model import Annotation
from klotho.annotations.variables import rewritten

if TYPE_CHECKING:
    from klotho.annotations.languages.javascript.program import JavaScriptProgram


class Library(Protocol):
    shapes: str
    """The statements it knows, for who wrote another."""

    def resources(
        self, program: JavaScriptProgram, modules: list[Module], module: Module, annotation: Annotation, target: Any
    ) -> Iterable[Resource]:
        """What an annotation on this statement asks for; nothing when it is none of this library's. `modules`: those
        of the unit."""
        ...


LIBRARIES: tuple[Library, ...] = (Maps(), FileSystems(), Databases(), Prisma())
SHAPES = "; ".join(item.shapes for item in LIBRARIES)


def library_resources(program: JavaScriptProgram, modules: list[Module]) -> Iterator[Resource]:
    for module in modules:
        for annotation, target in rewritten(module.source):
            if target is None:
                continue
            for library in LIBRARIES:
                found = list(library.resources(program, modules, module, annotation, target))
                if found:
                    yield from found
                    break
