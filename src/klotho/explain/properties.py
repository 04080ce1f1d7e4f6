"""Properties: what one is, who decided it, what lost against it, and how to have it otherwise."""

from __future__ import annotations

from collections.abc import Iterator

from klotho.explain.lookup import ATTRIBUTES
from klotho.explain.model import Explanation, Fact, Step, Why
from klotho.explain.program import Compiled
from klotho.explain.resources import ResourcePages
from klotho.explain.rules import told_of
from klotho.explain.values import spoken
from klotho.explain.why import STRENGTH, Reasons
from klotho.resources import Provenance, Resource, owner_of


class PropertyPages:
    def __init__(self, program: Compiled, reasons: Reasons, resources: ResourcePages) -> None:
        self._program = program
        self._reasons = reasons
        self._resources = resources

    def page(self, logical_id: str, path: str) -> Explanation:
        """Of a property, or of what the template says beside them."""
        resource = self._program.graph[self._program.keys[logical_id]]
        if path in ATTRIBUTES:
            value = spoken(self._program.entries[logical_id][path], self._program)
            facts, decided = self._attribute(logical_id, path, value, resource)
        else:
            places = self._program.places(resource.key)
            place = places.find(path)
            assert place is not None, f"{logical_id} has no {path}"
            value = spoken(place.value, self._program, places.named(place.path))
            facts = tuple(self._resources.facts(resource, place.path))
            decided = [decision.winner for _, decision in places.decisions(place.path)]
        steps = [step for reason in dict.fromkeys(decided) for step in self._reasons.chain(reason)]
        end = (Step("resource", f"{logical_id} ({resource.type})"), Step("property", f"{path} = {value}"))
        grants = tuple(item for item in self._resources.grants(resource) if _overlap(path, item.path))
        permits = next((item for item in grants if item.path == path), None)
        about = f"`{path}` of `{logical_id}` is {_brief(value)}"
        return Explanation(
            "property",
            f"{logical_id}.{path}",
            f"{logical_id}.{path}",
            f"{permits.text}. To take that back: {permits.removal}." if permits else _summary(about, facts),
            lines=tuple(dict.fromkeys(line for fact in facts for line in fact.why.lines[:1])),
            chain=(*steps, *end),
            grants=grants,
            facts=facts,
            notes=tuple(self._otherwise(path, resource, facts)),
        )

    def _attribute(
        self, logical_id: str, path: str, value: str, resource: Resource
    ) -> tuple[tuple[Fact, ...], list[Provenance]]:
        """What a template says beside the properties."""
        if path == "DependsOn":
            names = self._program.entries[logical_id][path]
            waits = [(name, resource.waits[self._program.keys[name]]) for name in names]
            return tuple(Fact(path, name, self._reasons.why(who)) for name, who in waits), [who for _, who in waits]
        origin = self._reasons.why(resource.origins[0])
        told = told_of(Provenance("retention"), None, None)
        why = Why("retention", told.about, origin.because, "meaning", told.source, origin.lines)
        return (Fact(path, value, why),), [resource.origins[0]._replace(rule="retention")]

    def _otherwise(self, path: str, resource: Resource, facts: tuple[Fact, ...]) -> Iterator[str]:
        """How to have another value, where `override` can say so."""
        construct = self._program.construct(owner_of(resource.key))
        value = resource.properties.get(path)
        plain = len(facts) == 1 and isinstance(value, str | int | bool) and "::IAM::" not in resource.type
        if construct is not None and plain and facts[0].why.precedence in ("default", "meaning", "requirement"):
            said = f'{construct.label}.override("{resource.type}", {{"{path}": …}})'
            yield f"to have another value where no parameter of the construct gives it: `{said}`"


def _summary(about: str, facts: tuple[Fact, ...]) -> str:
    reasons = {fact.why for fact in facts}
    if len(reasons) > 1:
        told = f"{about}. {len(reasons)} rules or lines decide parts of it."
    else:
        told = f"{about}, because {facts[0].why.because}. {STRENGTH[facts[0].why.precedence]}".strip()
    lost = [
        f"{value} was wanted too, because {why.because}, and lost: "
        f"{_article(fact.why.precedence)} wins over {_article(why.precedence)}."
        for fact in facts
        for value, why in fact.rejected
    ]
    return " ".join([told, *dict.fromkeys(lost)])


def _brief(value: str) -> str:
    return value if len(value) <= 80 else f"{value[:79]}…"


def _article(precedence: str) -> str:
    return "what something means" if precedence == "meaning" else f"a {precedence}"


def _overlap(path: str, grant: str) -> bool:
    """Whether a statement is at, above or below a place."""
    return not grant or f"{path}.".startswith(f"{grant}.") or f"{grant}.".startswith(f"{path}.")
