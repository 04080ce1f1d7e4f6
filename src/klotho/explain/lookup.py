"""What a topic means in a program: a construct, a resource or a property of one, a type, an output, a stack.

Input: a compiled program and a text. Output: a `Target`, or None with the names that are near. Refuses
(`AmbiguousTopicError`) a name that several things have, with the names that tell them apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from klotho.application import Construct
from klotho.explain.choices import choice_names
from klotho.explain.model import Subject
from klotho.explain.program import Compiled
from klotho.resources import APPLICATION, SHARED, Resource, ResourceKey, role_of

ATTRIBUTES = ("DeletionPolicy", "UpdateReplacePolicy", "DependsOn")
"""What a template says of a resource beside its properties."""


class Target(NamedTuple):
    subject: Subject
    name: str
    """A construct's id, a logical id, a type, an output's or a stack's name, a choice's key."""
    path: str = ""
    """Of a property."""


class AmbiguousTopicError(Exception):
    """Several things have this name."""

    def __init__(self, topic: str, names: list[str]) -> None:
        super().__init__(topic)
        self.names = names
        """By which each of them can be asked for."""


class Lookup:
    def __init__(self, program: Compiled) -> None:
        self._program = program
        self._called: dict[str, list[Construct]] = {}
        """Constructs by each way to write them: `orders`, `Container/orders`, `Compute.Container/orders`."""
        for item in program.application.constructs:
            short = f"{item.kind.rpartition('.')[2]}/{item.label}"
            for name in {item.label, short, f"{item.kind}/{item.label}", item.id}:
                self._called.setdefault(name, []).append(item)
        self._choices = choice_names(program)
        self._outputs = {output.name for output in program.manifest.outputs}
        self._stacks = {name: item.name for item in program.manifest.stacks for name in (item.stack_name, item.name)}

    def find(self, topic: str) -> Target | None:
        kind, _, name = topic.partition("/")
        if kind in ("stack", "output"):
            return next((item for item in self._named(name) if item.subject == kind), None)
        return self._construct(topic) or next(self._named(topic), None) or self._choice(topic) or self._inside(topic)

    def names(self) -> list[str]:
        """Everything that can be asked for, properties excepted."""
        known = self._program
        return [
            *(item.label for item in known.application.constructs),
            *known.keys,
            *known.by_type,
            *(output.name for output in known.manifest.outputs),
            *(stack.name for stack in known.manifest.stacks),
            *self._choices,
        ]

    def near(self, topic: str) -> list[str]:
        """What may have been meant: names, and below a known one what it has."""
        for left, _ in _splits(topic):
            target = next(self._named(left), None)
            if target is not None and target.subject == "resource":
                places = self._program.places(self._program.keys[target.name])
                return [f"{left}.{place.text}" for place in places.all()]
            owned = [item for owner in self._owners(left) for item in self._program.owned.get(owner, ())]
            if owned:
                ids = self._program.ids
                names = ((ids[item.key], role_of(item.key), *item.properties) for item in owned)
                return [f"{left}.{name}" for of_one in names for name in of_one]
        return self.names()

    def _construct(self, topic: str) -> Target | None:
        found = self._called.get(topic, [])
        if len(found) > 1:
            raise AmbiguousTopicError(topic, [f"{item.kind}/{item.label}" for item in found])
        return Target("construct", found[0].id) if found else None

    def _named(self, topic: str) -> Iterator[Target]:
        """Everything else that has a name of its own, in the order of what is asked for most."""
        known = self._program
        if topic in known.keys:
            yield Target("resource", topic)
        if topic in known.ids:
            yield Target("resource", known.ids[ResourceKey(topic)])
        if topic in known.by_type:
            yield Target("type", topic)
        if topic in self._outputs:
            yield Target("output", topic)
        if topic in self._stacks:
            yield Target("stack", self._stacks[topic])

    def _choice(self, topic: str) -> Target | None:
        return Target("choice", self._choices[topic]) if topic in self._choices else None

    def _inside(self, topic: str) -> Target | None:
        """`LOGICALID.Property.Path`, `orders.OrdersTaskRole`, `orders.DesiredCount`."""
        for left, rest in _splits(topic):
            found = self._resources(left)
            if found:
                targets = [target for item in found if (target := self._property(item, rest)) is not None]
            else:
                owned = [item for owner in self._owners(left) for item in self._program.owned.get(owner, ())]
                targets = [target for item in owned if (target := self._part(item, rest)) is not None]
                targets = targets or [target for item in owned if (target := self._property(item, rest)) is not None]
            if len(targets) > 1:
                raise AmbiguousTopicError(topic, [".".join(filter(None, item[1:])) for item in targets])
            if targets:
                return targets[0]
        return None

    def _resources(self, name: str) -> list[Resource]:
        """Of a logical id, or of a type."""
        known = self._program
        if name in known.keys:
            return [known.graph[known.keys[name]]]
        return known.by_type.get(name, [])

    def _owners(self, name: str) -> list[str]:
        if name in (SHARED, APPLICATION):
            return [name]
        return [item.id for item in self._called.get(name, ())]

    def _part(self, resource: Resource, text: str) -> Target | None:
        """A resource of an owner, by its id, role or type, perhaps with a property."""
        logical_id = self._program.ids[resource.key]
        for name in (logical_id, role_of(resource.key), resource.type):
            if text == name:
                return Target("resource", logical_id)
            if text.startswith(f"{name}."):
                return self._property(resource, text[len(name) + 1 :])
        return None

    def _property(self, resource: Resource, text: str) -> Target | None:
        logical_id = self._program.ids[resource.key]
        if text in ATTRIBUTES and text in self._program.entries[logical_id]:
            return Target("property", logical_id, text)
        place = self._program.places(resource.key).find(text.removeprefix("Properties."))
        return Target("property", logical_id, place.text) if place is not None else None


def _splits(topic: str) -> list[tuple[str, str]]:
    """At every dot, the shortest beginning first."""
    dots = [index for index, character in enumerate(topic) if character == "."]
    return [(topic[:index], topic[index + 1 :]) for index in dots]
