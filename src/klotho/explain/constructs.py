"""Constructs: what one is, why it became what it did, what else could have been, and what all is made for it."""

from __future__ import annotations

from collections.abc import Iterator

from klotho.application import Construct, ConstructId, Relationship
from klotho.catalogue.kinds import implementation
from klotho.catalogue.relationships import find_pair
from klotho.explain.choices import alternative
from klotho.explain.model import Alternative, Explanation, Step
from klotho.explain.program import Compiled
from klotho.explain.resources import ResourcePages, total
from klotho.explain.rules import first_sentence
from klotho.explain.why import Reasons, a_kind
from klotho.resources.graph import Choice
from klotho.sdk.construct import KINDS


class ConstructPages:
    def __init__(self, program: Compiled, reasons: Reasons, resources: ResourcePages) -> None:
        self._program = program
        self._reasons = reasons
        self._resources = resources

    def page(self, name: str) -> Explanation:
        construct = self._program.application.construct(ConstructId(name))
        choice = self._program.graph.choices.get(construct.id)
        parts = tuple(self._resources.page(item) for item in self._program.owned.get(construct.id, ()))
        line = self._reasons.line(construct.span) if construct.span else None
        return Explanation(
            "construct",
            f"{construct.kind}/{construct.label}",
            construct.title,
            self._summary(construct, choice, len(parts)),
            lines=(line,) if line else (),
            chain=tuple(self._chain(construct, choice)),
            choice=self._reasons.why(choice.provenance) if choice else None,
            alternatives=tuple(self._alternatives(construct, choice)) if choice else (),
            needed_by=tuple(self._used_by(construct)),
            notes=tuple(self._said(construct)),
            parts=parts,
            monthly=total([part.monthly for part in parts]),
        )

    def _summary(self, construct: Construct, choice: Choice | None, parts: int) -> str:
        documented = KINDS.get(construct.kind)
        about = first_sentence((documented.__doc__ or "").strip()) if documented else ""
        told = [f"`{construct.label}` is {a_kind(construct)}. {about}".strip()]
        existing = construct.adopted_in(self._program.manifest.environment)
        owner = self._program.owners.get(construct.id)
        if existing is not None:
            told.append(f"It is there already (`{existing.id}`): Klotho uses it and never changes it.")
        elif construct.from_project:
            told.append(f"`{owner or 'another application of the project'}` makes it, and it is only used here.")
        elif choice is not None:
            service = implementation(construct.kind, choice.implementation).service
            told.append(f"Klotho makes it as `{choice.implementation}`, which is {service}.")
        if parts:
            stacks = [item.name for item in self._program.manifest.stacks if construct.id in item.constructs]
            where = f" in stack {', '.join(f'`{name}`' for name in stacks)}" if stacks else ""
            told.append(f"That takes {parts} resource{'s' if parts > 1 else ''}{where}.")
        return " ".join(told)

    def _chain(self, construct: Construct, choice: Choice | None) -> Iterator[Step]:
        if construct.span is not None:
            line = self._reasons.line(construct.span)
            yield Step("your line", line.text or str(line.span), line)
        if choice is not None:
            why = self._reasons.why(choice.provenance)
            yield Step("choice", f"`{choice.implementation}`: {why.about}")
        for item in self._program.application.relationships_of(construct.id):
            yield self._link(item)
        for item in self._program.application.relationships_on(construct.id):
            yield self._link(item)

    def _link(self, item: Relationship) -> Step:
        """What a relationship makes."""
        known = self._program.application
        actor, target = known.construct(item.actor), known.construct(item.target)
        pair = find_pair(item.verb, actor.kind, target.kind, self._program.made_of(item))
        makes = f": {pair.creates}" if pair is not None else ""
        line = self._reasons.line(item.span) if item.span else None
        return Step("relationship", f"{actor.label} {item.verb} {target.label}{makes}", line)

    def _used_by(self, construct: Construct) -> list[str]:
        on = self._program.application.relationships_on(construct.id)
        return sorted({self._program.application.construct(item.actor).label for item in on})

    def _said(self, construct: Construct) -> Iterator[str]:
        """What else the program says of it."""
        known = self._program.application
        for requirement in known.requirements:
            if requirement.subject in (None, construct.id):
                whom = "the application" if requirement.subject is None else f"`{construct.label}`"
                at = f" ({requirement.span})" if requirement.span else ""
                yield f"of {whom} you ask `{requirement.name}={requirement.value}`{at}"
        for directive in known.directives:
            if directive.subject == construct.id:
                at = f" ({directive.span})" if directive.span else ""
                yield f'you say `{directive.action}("{directive.target}", …)`{at}'

    def _alternatives(self, construct: Construct, choice: Choice) -> Iterator[Alternative]:
        """What else could have made it, and why not; of what is there, or another's, nothing was chosen here."""
        if construct.from_project or construct.adopted_in(self._program.manifest.environment) is not None:
            return
        for item in choice.rejected:
            yield alternative(item)
