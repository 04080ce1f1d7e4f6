"""Resources: what one is, whose it is, which lines asked for it, and every property with its rule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from klotho.explain.glossary import in_words
from klotho.explain.grants import grants_of
from klotho.explain.model import Explanation, Fact, Grant, Line, Step, Why
from klotho.explain.program import Compiled
from klotho.explain.values import spoken
from klotho.explain.why import Reasons, listed
from klotho.resources import APPLICATION, SHARED, Provenance, Resource, owner_of
from klotho.resources.changes import Path


class ResourcePages:
    def __init__(self, program: Compiled, reasons: Reasons) -> None:
        self._program = program
        self._reasons = reasons

    def page(self, resource: Resource) -> Explanation:
        logical_id = self._program.ids[resource.key]
        whys = [self._reasons.why(origin) for origin in resource.origins]
        steps = [step for origin in resource.origins for step in self._reasons.chain(origin)]
        return Explanation(
            "resource",
            logical_id,
            f"{logical_id} ({resource.type})",
            self._summary(resource),
            lines=_lines(whys),
            chain=(*steps, Step("resource", f"{logical_id} ({resource.type})")),
            grants=tuple(self._may(resource)),
            facts=tuple(self.facts(resource, ())),
            needed_by=tuple(self._needed_by(resource)),
            notes=tuple(self._notes(logical_id)),
            monthly=self._program.monthly.get(resource.key),
        )

    def of_type(self, type_name: str) -> Explanation:
        """Every resource of a type in this program."""
        found = self._program.by_type[type_name]
        parts = tuple(self.page(item) for item in found)
        many = "1 of them" if len(parts) == 1 else f"{len(parts)} of them"
        return Explanation(
            "type",
            type_name,
            type_name,
            f"{type_name} is {in_words(type_name)}. This program has {many}.",
            parts=parts,
            monthly=total([part.monthly for part in parts]),
        )

    def facts(self, resource: Resource, path: Path) -> Iterator[Fact]:
        """What decides a place, by place."""
        places = self._program.places(resource.key)
        for at, decision in places.decisions(path):
            place = places.at(at)
            if place is None:
                continue  # something more specific took its place
            named = places.named(at)
            yield Fact(
                place.text,
                spoken(place.value, self._program, named),
                self._reasons.why(decision.winner),
                tuple(self._reasons.why(item) for item in decision.agreeing),
                tuple((spoken(value, self._program, named), self._reasons.why(who)) for who, value in decision.losers),
            )

    def grants(self, resource: Resource) -> tuple[Grant, ...]:
        return tuple(grants_of(resource, self._program, self._reasons))

    def _may(self, resource: Resource) -> Iterator[Grant]:
        """What a resource permits; of a role what its policies do, too."""
        yield from self.grants(resource)
        for policy in self._program.policies.get(resource.key, ()):
            for grant in self.grants(policy):
                yield replace(grant, path=f"{self._program.ids[policy.key]}.{grant.path}")

    def _summary(self, resource: Resource) -> str:
        logical_id, owner = self._program.ids[resource.key], owner_of(resource.key)
        construct = self._program.construct(owner)
        if construct is not None:
            whose = f"It belongs to `{construct.label}`"
        elif owner == SHARED:
            whose = "It belongs to no construct alone: all that need it share it"
        else:
            whose = "It belongs to the application" if owner == APPLICATION else f"It belongs to {owner}"
        causes = dict.fromkeys(self._cause(resource, origin) for origin in resource.origins)
        there = f"is there because {'; and because '.join(causes)}"
        return f"`{logical_id}` is {in_words(resource.type)}. {whose}, and {there}."

    def _cause(self, resource: Resource, origin: Provenance) -> str:
        """A clause; what is shared is not any one's."""
        why, concerned = self._reasons.why(origin), self._reasons.constructs(origin)
        shared = owner_of(resource.key) == SHARED and not why.said and concerned
        text = listed(concerned) if shared else why.because
        return f"{text} ({why.lines[0].span})" if why.lines else text

    def _needed_by(self, resource: Resource) -> list[str]:
        """Constructs that something shared is there for or that use it, and other applications that claim it; of what
        belongs to a construct, the others that use it."""
        known, owner = self._program, owner_of(resource.key)
        names = {known.name_of(item) for item in known.users.get(resource.key, ())}
        if owner == SHARED:
            names |= {item.label for origin in resource.origins for item in self._reasons.constructs(origin)}
        others = [f"application {name}" for name in sorted(known.claims.get(known.ids[resource.key], ()))]
        return [*sorted(names), *others]

    def _notes(self, logical_id: str) -> Iterator[str]:
        stack = self._program.stack_of.get(logical_id)
        if stack is not None:
            yield f"it is in stack `{stack.name}`" + (
                ", which the project's applications share" if stack.shared else ""
            )
        kept = self._program.entries.get(logical_id, {}).get("DeletionPolicy")
        if kept is not None and kept != "Delete":
            yield f"it holds data: when it goes from the program, its DeletionPolicy is {kept}"


def total(costs: list[float | None]) -> float | None:
    """Of what is known; None where nothing is."""
    known = [item for item in costs if item is not None]
    return sum(known) if known else None


def _lines(whys: list[Why]) -> tuple[Line, ...]:
    """The line of each reason, then where what they name is defined."""
    first = [why.lines[0] for why in whys if why.lines]
    return tuple(dict.fromkeys([*first, *(line for why in whys for line in why.lines[1:])]))
