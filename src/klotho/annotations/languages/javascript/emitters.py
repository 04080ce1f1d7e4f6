"""`pubsub` on an EventEmitter of Node: a topic, where other units listen to what a unit emits.

What a unit emits and listens to itself stays in its process. Published are the events that files of other units listen
to by name; all of them where a name is computed or the emitter is handed on. The emitter may be of a class of its file
that extends Node's: who calls a method of that class emits whatever it likes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from klotho.annotations.findings import Resource
from klotho.annotations.languages.javascript.constants import constant
from klotho.annotations.languages.javascript.modules import NAMESPACE, Module, arguments_of, text_of
from klotho.annotations.languages.javascript.tree import nodes_of
from klotho.annotations.languages.javascript.variables import (
    Variable,
    exported_by,
    is_declaration,
    mentions,
    names_in,
    variable_of,
)
from klotho.annotations.languages.javascript.wrapping import wrapped
from klotho.annotations.model import Annotation
from klotho.annotations.topics import refuse_listening_to_itself

if TYPE_CHECKING:
    from klotho.annotations.languages.javascript.program import JavaScriptProgram

SHIM = "events.cjs"
SHAPES = (
    "`exports.events = new EventEmitter()` of `events`, or of a class of the file that extends it, also `const` and "
    "`export`"
)
_MODULES = ("events", "node:events")
_LISTENS = frozenset({"on", "once", "addListener", "prependListener", "prependOnceListener"})
_CHAINED = _LISTENS | {"off", "removeListener", "removeAllListeners", "setMaxListeners"}
"""Methods that give the emitter back."""
_ASKS = frozenset({"eventNames", "listeners", "rawListeners", "listenerCount", "getMaxListeners"})
_AROUND = ("parenthesized_expression", "non_null_expression", "as_expression", "satisfies_expression")


@dataclass
class Uses:
    """What files do with an emitter."""

    emits: bool = False
    events: set[str] | None = field(default_factory=set)
    """What they listen to; None for everything."""
    waits: list[tuple[Module, Any]] = field(default_factory=list)
    """`once(events, …)` and `on(events, …)` of Node's module, which wait in this process."""

    @property
    def listens(self) -> bool:
        return self.events is None or bool(self.events)

    def heard(self, event: str | None) -> None:
        self.events = None if event is None or self.events is None else {*self.events, event}


def topics(program: JavaScriptProgram, modules: list[Module]) -> Iterator[Resource]:
    """The emitters of a unit's modules."""
    for module in modules:
        for annotation, target in module.source.of("pubsub"):
            found = variable_of(module, target) if target is not None else None
            if found is not None and _is_emitter(module, found[1]):
                yield _topic(program, modules, module, annotation, *found)


def _topic(
    program: JavaScriptProgram,
    modules: list[Module],
    module: Module,
    annotation: Annotation,
    variable: Variable,
    value: Any,
) -> Resource:
    assert annotation.id is not None
    own = {item.path for item in modules}
    by_file = _uses_by_file(program, module, annotation.id, variable, value)
    here = _together(uses for path, uses in by_file.items() if path in own)
    there = _together(uses for path, uses in by_file.items() if path not in own)
    if program.code.has_twin(module.source, annotation):  # what another language does with it is not looked at
        there.emits, there.events = True, None
    if there.emits:
        _refuse_waiting(program, annotation, here)
    if there.listens or there.emits:
        _refuse_listening_to_itself(program, module, annotation, value)
    publishes = here.emits and there.listens
    verbs = [
        *(["publishes_to"] if publishes else []),
        *(["subscribes_to"] if here.listens and there.emits else []),
    ]
    if not verbs:
        return Resource(annotation, "Messaging.Topic", ())
    told = [] if not publishes else None if there.events is None else sorted(there.events)
    edits = wrapped(module, value, SHIM, annotation.id, program.is_esm(module), told)
    return Resource(annotation, "Messaging.Topic", tuple(verbs), edits=edits, shims=(SHIM,))


def _is_emitter(module: Module, value: Any) -> bool:
    """`new EventEmitter()`, `new events.EventEmitter()`, also `… as Typed`, and objects of a class that extends it."""
    while value.type in _AROUND and value.named_children:
        value = value.named_children[0]
    if value.type != "new_expression":
        return False
    name = text_of(value.child_by_field_name("constructor"))
    return name in _emitters_of_node(module) or _own_class(module, name) is not None


def _emitters_of_node(module: Module) -> set[str]:
    """How the module writes Node's class."""
    return {
        name
        for item in module.imports
        if item.specifier in _MODULES
        for binding in item.bindings
        for name in _names_of_class(binding.local, binding.imported)
    }


def _own_class(module: Module, name: str) -> Any:
    """A class of the module that extends Node's; None where there is none of that name."""
    for node in nodes_of(module.root, ("class_declaration",)):
        heritage = next((child for child in node.children if child.type == "class_heritage"), None)
        if heritage is None or text_of(node.child_by_field_name("name")) != name:
            continue
        above = nodes_of(heritage, ("identifier", "member_expression"))
        return node if above and text_of(above[0]) in _emitters_of_node(module) else None
    return None


def _refuse_listening_to_itself(program: JavaScriptProgram, module: Module, annotation: Annotation, value: Any) -> None:
    """What a class listens to in itself, each unit that has an object of it would hear."""
    while value.type in _AROUND:
        value = value.named_children[0]
    cls = _own_class(module, text_of(value.child_by_field_name("constructor")))
    own = {"this", "super"}
    for made in nodes_of(cls, ("variable_declarator",)) if cls is not None else ():
        if text_of(made.child_by_field_name("value")) == "this":
            own.add(text_of(made.child_by_field_name("name")))
    for node in nodes_of(cls, ("member_expression",)) if cls is not None else ():
        if text_of(node.child_by_field_name("object")) not in own:
            continue
        if text_of(node.child_by_field_name("property")) in _LISTENS:
            at = module.source.text.span(node.start_byte, node.end_byte)
            refuse_listening_to_itself(annotation, at, program.code.report)
            return


def _names_of_class(local: str, imported: str) -> tuple[str, ...]:
    """The module is the class itself, and has it under its name."""
    whole = (local, f"{local}.EventEmitter", f"{local}.default")
    return (local,) if imported == "EventEmitter" else whole if imported in ("default", NAMESPACE) else ()


def _uses_by_file(
    program: JavaScriptProgram, home: Module, id: str, variable: Variable, made: Any
) -> Mapping[str, Uses]:
    """What every file that knows the emitter does with it, found once for all units."""
    key = (home.path, id)
    if key not in program.uses_of_emitters:
        every = program.modules(program.code.files)
        exported, found = exported_by(program, every, variable), {}
        for module in every:
            names = names_in(program, module, variable, exported)
            if names:
                found[module.path] = _uses(program, module, names, made)
        program.uses_of_emitters[key] = found
    return program.uses_of_emitters[key]


def _uses(program: JavaScriptProgram, module: Module, names: frozenset[str], made: Any) -> Uses:
    found = Uses()
    for node in mentions(module.root, names):
        if not is_declaration(node, made):
            _read_use(program, module, node, found)
    return found


def _together(several: Iterable[Uses]) -> Uses:
    found = Uses()
    for uses in several:
        found.emits = found.emits or uses.emits
        found.events = None if found.events is None or uses.events is None else found.events | uses.events
        found.waits += uses.waits
    return found


def _read_use(program: JavaScriptProgram, module: Module, node: Any, found: Uses) -> None:
    parent = node.parent
    if parent.type == "arguments" and _waits(module, parent.parent):
        found.waits.append((module, parent.parent))
        return
    if parent.type != "member_expression" or parent.child_by_field_name("object") != node:
        found.emits = True  # it is handed on: everything may be done to it
        found.heard(None)
        return
    while parent is not None and parent.type == "member_expression":  # events.on(…).on(…)
        method, call = text_of(parent.child_by_field_name("property")), parent.parent
        found.emits = found.emits or method not in _CHAINED | _ASKS  # `emit`, and methods of a class of its own
        is_called = (
            call is not None and call.type == "call_expression" and call.child_by_field_name("function") == parent
        )
        if method in _LISTENS:
            given = arguments_of(call) if is_called else []
            found.heard(constant(program, module, given[0]) if given else None)
        parent = call.parent if is_called and method in _CHAINED else None


def _waits(module: Module, call: Any) -> bool:
    """`once(events, "adopted")`, `for await (… of on(events, "adopted"))`."""
    called = text_of(call.child_by_field_name("function"))
    for item in module.imports:
        for binding in item.bindings if item.specifier in _MODULES else ():
            if binding.imported in ("once", "on") and called == binding.local:
                return True
            if called in (f"{binding.local}.once", f"{binding.local}.on"):
                return True
    return False


def _refuse_waiting(program: JavaScriptProgram, annotation: Annotation, here: Uses) -> None:
    for module, call in here.waits:
        at = module.source.text.span(call.start_byte, call.end_byte)
        message = f"waiting for {annotation.title} where another unit emits is not supported yet"
        notes = ("events of other units arrive when they come, in whatever process of the unit is free",)
        helps = (f"listen: `{text_of(arguments_of(call)[0])}.on(…)`",)
        program.code.report.error("annotation-not-yet", message, at, notes=notes, helps=helps)
