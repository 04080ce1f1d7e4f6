"""`persist` on a cache of aiocache: a table, with the cache's own methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from klotho.annotations.findings import Resource
from klotho.annotations.languages.python.modules import Module, assigned, nodes_of, text_of
from klotho.annotations.languages.python.mutations import check_mutations
from klotho.annotations.languages.python.wrapping import is_at_top, qualified, wrapped
from klotho.annotations.model import Annotation

if TYPE_CHECKING:
    from klotho.annotations.languages.python.program import PythonProgram

_MADE = frozenset({"aiocache.Cache", "aiocache.SimpleMemoryCache"})
_READS = frozenset({"get", "exists", "multi_get", "close"})


class AioCaches:
    shapes = "`cache = Cache(…)` or `SimpleMemoryCache(…)` of aiocache"

    def resource(
        self, program: PythonProgram, modules: list[Module], module: Module, annotation: Annotation, target: Any
    ) -> Resource | None:
        name, value = assigned(target)
        if value is None or not is_at_top(target) or value.type != "call":
            return None
        function = value.child_by_field_name("function")
        if qualified(module, function) not in _MADE:
            return None
        used: set[str] = set()
        for other in modules:
            for written in program.names_of(other, module.path, name):
                used |= _methods(other, written)
                check_mutations(other, written, program.code.report)
        verb = "reads_from" if used <= _READS else "read_writes_to"
        properties = {"key": [["key", "S"]], "ttl": "expires"}
        edits = wrapped(module, function, "cache", "kept", annotation.id)
        return Resource(annotation, "Databases.KeyValue", (verb,), properties, edits=edits)


def _methods(module: Module, name: str) -> set[str]:
    """What is called on it; `*` where it is handed on."""
    found: set[str] = set()
    for node in nodes_of(module.root, ("identifier", "attribute")):
        parent = node.parent
        if text_of(node) != name or parent is None or parent.type in ("dotted_name", "import_from_statement"):
            continue
        if parent.type == "attribute" and parent.child_by_field_name("object") == node:
            found.add(text_of(parent.child_by_field_name("attribute")))
        elif not (parent.type == "assignment" and parent.child_by_field_name("left") == node):
            found.add("*")
    return found
