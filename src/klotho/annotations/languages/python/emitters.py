"""`pubsub` on an emitter of pyee: a topic, where other units listen to what a unit emits.

What a unit emits and listens to itself stays in its process.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from klotho.annotations.findings import Resource
from klotho.annotations.languages.python.modules import Module, assigned, nodes_of, text_of
from klotho.annotations.languages.python.wrapping import is_at_top, qualified, wrapped

if TYPE_CHECKING:
    from klotho.annotations.languages.python.program import PythonProgram

_MADE = frozenset(
    {
        "pyee.EventEmitter",
        "pyee.base.EventEmitter",
        "pyee.asyncio.AsyncIOEventEmitter",
        "pyee.AsyncIOEventEmitter",
    }
)
_LISTENS = frozenset({"on", "once", "add_listener", "listens_to"})
SHAPES = "`events = EventEmitter()` or `AsyncIOEventEmitter()` of pyee"


def topics(program: PythonProgram, modules: list[Module]) -> Iterator[Resource]:
    """The emitters of a unit's modules."""
    own = {module.path for module in modules}
    for module in modules:
        for annotation, target in module.source.of("pubsub"):
            name, value = assigned(target) if target is not None else ("", None)
            if value is None or value.type != "call" or not is_at_top(target):
                continue
            function = value.child_by_field_name("function")
            if qualified(module, function) not in _MADE:
                continue
            others = [program.module(path) for path in program.code.files if path.endswith(".py") and path not in own]
            here, there = _used(program, modules, module, name), _used(program, others, module, name)
            if program.code.has_twin(module.source, annotation):  # what another language does with it is not looked at
                there |= {"emit", *_LISTENS}
            verbs = [
                *(["publishes_to"] if "emit" in here and there & _LISTENS else []),
                *(["subscribes_to"] if here & _LISTENS and "emit" in there else []),
            ]
            edits = wrapped(module, function, "events", "emitter", annotation.id) if "publishes_to" in verbs else ()
            if "subscribes_to" in verbs and not edits:
                edits = wrapped(module, function, "events", "listener", annotation.id)
            yield Resource(annotation, "Messaging.Topic", tuple(verbs), edits=edits)


def _used(program: PythonProgram, modules: Iterable[Module], home: Module, variable: str) -> set[str]:
    """The methods that modules call on the emitter."""
    found: set[str] = set()
    for module in modules:
        names = program.names_of(module, home.path, variable)
        for node in nodes_of(module.root, ("attribute",)) if names else ():
            if text_of(node.child_by_field_name("object")) in names:
                found.add(text_of(node.child_by_field_name("attribute")))
    return found
