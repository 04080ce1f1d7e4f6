"""`persist` on what libraries make: which of them a statement is of, and what it asks for.

A library is a module with a class of `Library`'s kind and a place in `LIBRARIES`. What it makes is handed to a shim
where it stands: `cache = Cache()` becomes `cache = kept("cache", Cache)()`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

from klotho.annotations.findings import Resource
from klotho.annotations.languages.python.caches import AioCaches
from klotho.annotations.languages.python.django import DjangoDatabases
from klotho.annotations.languages.python.engines import SqlEngines
from klotho.annotations.languages.python.folders import Folders
from klotho.annotations.languages.python.modules import Module
from klotho.annotations.languages.python.redis_clients import RedisClients
from klotho.annotations.model import Annotation
from klotho.annotations.variables import rewritten

if TYPE_CHECKING:
    from klotho.annotations.languages.python.program import PythonProgram


class Library(Protocol):
    shapes: str
    """The statements it knows, for who wrote another."""

    def resource(
        self, program: PythonProgram, modules: list[Module], module: Module, annotation: Annotation, target: Any
    ) -> Resource | None:
        """What an annotation on this statement asks for; None when it is none of this library's. `modules`: those of
        the unit."""
        ...


LIBRARIES: tuple[Library, ...] = (AioCaches(), SqlEngines(), DjangoDatabases(), RedisClients(), Folders())
SHAPES = "; ".join(item.shapes for item in LIBRARIES)


def library_resources(program: PythonProgram, modules: list[Module]) -> Iterator[Resource]:
    for module in modules:
        for annotation, target in rewritten(module.source):
            if target is None:
                continue
            found = (item.resource(program, modules, module, annotation, target) for item in LIBRARIES)
            resource = next((item for item in found if item is not None), None)
            if resource is not None:
                yield resource
