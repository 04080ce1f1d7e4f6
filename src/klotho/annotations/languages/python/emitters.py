"""`pubsub` on an emitter of pyee: a topic, where other units listen to what a unit emits.

What a unit emits and listens to itself stays in its process. The emitter may be of a class of its module that extends
pyee's: who calls a method of that class emits whatever it likes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from klotho.annotations.findings import Resource
from klotho.annotations.languages.python.modules import Module, assigned, nodes_of, text_of
from klotho.annotations.languages.python.wrapping import is_at_top, qualified, wrapped
from klotho.annotations.model import Annotation
from klotho.annotations.topics import refuse_listening_to_itself

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
_ASKS = frozenset({"listeners", "event_names", "remove_listener", "remove_all_listeners"})
SHAPES = "`events = EventEmitter()` or `AsyncIOEventEmitter()` of pyee, or of a class of the module that extends them"


def topics(program: PythonProgram, modules: list[Module]) -> Iterator[Resource]:
    """The emitters of a unit's modules."""
    own = {module.path for module in modules}
    for module in modules:
        for annotation, target in module.source.of("pubsub"):
            name, value = assigned(target) if target is not None else ("", None)
            if value is None or value.type != "call" or not is_at_top(target):
                continue
            function = value.child_by_field_name("function")
            cls = _own_class(module, text_of(function))
            if qualified(module, function) not in _MADE and cls is None:
                continue
            others = [program.module(path) for path in program.code.files if path.endswith(".py") and path not in own]
            here, there = _used(program, modules, module, name), _used(program, others, module, name)
            if program.code.has_twin(module.source, annotation):  # what another language does with it is not looked at
                there |= {"emit", *_LISTENS}
            if cls is not None:
                here, there = _with_methods(here), _with_methods(there)
                if there:
                    _refuse_listening_to_itself(program, module, annotation, cls)
            verbs = [
                *(["publishes_to"] if "emit" in here and there & _LISTENS else []),
                *(["subscribes_to"] if here & _LISTENS and "emit" in there else []),
            ]
            edits = wrapped(module, function, "events", "emitter", annotation.id) if "publishes_to" in verbs else ()
            if "subscribes_to" in verbs and not edits:
                edits = wrapped(module, function, "events", "listener", annotation.id)
            yield Resource(annotation, "Messaging.Topic", tuple(verbs), edits=edits)


def _own_class(module: Module, name: str) -> Any:
    """A class of the module that extends one of pyee's; None where there is none of that name."""
    for node in nodes_of(module.root, ("class_definition",)):
        above = node.child_by_field_name("superclasses")
        if text_of(node.child_by_field_name("name")) == name and above is not None:
            return node if any(qualified(module, item) in _MADE for item in above.named_children) else None
    return None


def _with_methods(used: set[str]) -> set[str]:
    """What a class does in methods of its own is not looked at: calling one is emitting."""
    return used | ({"emit"} if used - _LISTENS - _ASKS else set())


def _refuse_listening_to_itself(program: PythonProgram, module: Module, annotation: Annotation, cls: Any) -> None:
    """What a class listens to in itself, each unit that has an object of it would hear."""
    own = {"self", "super()"}
    own |= {name for name, value in map(assigned, nodes_of(cls, ("expression_statement",))) if text_of(value) == "self"}
    for node in nodes_of(cls, ("attribute",)):
        if text_of(node.child_by_field_name("object")) in own and (
            text_of(node.child_by_field_name("attribute")) in _LISTENS
        ):
            at = module.source.text.span(node.start_byte, node.end_byte)
            refuse_listening_to_itself(annotation, at, program.code.report)
            return


def _used(program: PythonProgram, modules: Iterable[Module], home: Module, variable: str) -> set[str]:
    """The methods that modules call on the emitter."""
    found: set[str] = set()
    for module in modules:
        names = program.names_of(module, home.path, variable)
        for node in nodes_of(module.root, ("attribute",)) if names else ():
            if text_of(node.child_by_field_name("object")) in names:
                found.add(text_of(node.child_by_field_name("attribute")))
    return found
