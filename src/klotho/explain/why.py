"""From the provenance that the engine wrote down to a reason a person understands, with the user's lines."""

from __future__ import annotations

from functools import cached_property

from klotho.application import Construct, ConstructId, Relationship
from klotho.diagnostics import Span
from klotho.explain.model import Line, Step, Why
from klotho.explain.program import Compiled
from klotho.explain.rules import told_of
from klotho.resources import Precedence, Provenance

STRENGTH = {
    "default": "It is Klotho's default, for nobody says otherwise.",
    "meaning": "",
    "requirement": "What you require wins over what a construct is by itself.",
    "directive": "What you say of a property wins over every rule.",
    "guardrail": "A guardrail wins over everything that the program says.",
}
"""What a precedence means, the weakest first."""


_SHARES = "what the application shares"
"""What the engine writes of defaults of shared resources."""


class Reasons:
    def __init__(self, program: Compiled) -> None:
        self._program = program
        self._known: dict[Provenance, Why] = {}

    def why(self, reason: Provenance) -> Why:
        found = self._known.get(reason)
        if found is None:
            found = self._known[reason] = self._why(reason)
        return found

    def line(self, span: Span) -> Line:
        return Line(span, self._program.line(span))

    def relationship(self, reason: Provenance) -> Relationship | None:
        """The relationship that it follows from; of several that read the same the one at its line."""
        found = self._program.by_sentence.get(reason.because, ())
        at = reason.spans[0] if reason.spans else None
        return next((item for item in found if item.span == at), found[0] if found else None)

    def constructs(self, reason: Provenance) -> list[Construct]:
        """Whom it is about: both ends of a relationship, a construct, several that share something."""
        known = self._program
        relationship = self.relationship(reason)
        if relationship is not None:
            return [known.application.construct(end) for end in (relationship.actor, relationship.target)]
        if reason.because in known.by_title:
            return [known.by_title[reason.because]]
        return [self._defined[span] for span in reason.spans if span in self._defined]

    def chain(self, reason: Provenance) -> list[Step]:
        """From the line to the rule."""
        why, relationship = self.why(reason), self.relationship(reason)
        steps = [Step("your line", line.text or str(line.span), line) for line in why.lines[:1]]
        if relationship is not None:
            pair = _spoken(relationship, self._program)
            steps.append(Step("relationship", pair))
        construct = self._program.by_title.get(reason.because)
        if construct is not None and construct.id in self._program.graph.choices:
            choice = self._program.graph.choices[construct.id]
            steps.append(Step("choice", f"`{construct.label}` is made as `{choice.implementation}`"))
        steps.append(Step("rule", f"{why.rule}: {why.about}" if why.about else why.rule))
        return steps

    @cached_property
    def _defined(self) -> dict[Span, Construct]:
        return {item.span: item for item in self._program.application.constructs if item.span is not None}

    def _clause(self, reason: Provenance, relationship: Relationship | None) -> str:
        if relationship is not None:
            return f"your program says `{_called(relationship, self._program)}`"
        construct = self._program.by_title.get(reason.because)
        if construct is not None:
            choice = self._program.graph.choices.get(construct.id)
            made = f" made as `{choice.implementation}`" if choice is not None else ""
            return f"`{construct.label}` is {a_kind(construct)}{made}"
        concerned = self.constructs(reason)
        if concerned and reason.because == ", ".join(item.title for item in concerned):
            return listed(concerned)
        return "the application shares it" if reason.because == _SHARES else reason.because

    def _why(self, reason: Provenance) -> Why:
        relationship = self.relationship(reason)
        construct = self._program.by_title.get(reason.because)
        told = told_of(reason, relationship, construct)
        return Why(
            rule=reason.rule,
            about=told.about,
            because=self._clause(reason, relationship),
            precedence=Precedence(reason.precedence).name.lower(),
            source=told.source,
            lines=tuple(self.line(span) for span in reason.spans),
            said=_called(relationship, self._program) if relationship is not None else "",
        )


def listed(constructs: list[Construct]) -> str:
    names = [f"`{item.label}`" for item in constructs]
    return f"{', '.join(names[:-1])} and {names[-1]} need it" if len(names) > 1 else f"{names[0]} needs it"


def a_kind(construct: Construct) -> str:
    return f"{'an' if construct.kind[0] in 'AEIO' else 'a'} {construct.kind}"


def _called(relationship: Relationship, program: Compiled) -> str:
    """As it is written: `users.read_writes_to(users_db)`, with the names that the constructs have."""
    actor, target = (_label(end, program) for end in (relationship.actor, relationship.target))
    return f"{actor}.{relationship.verb}({target})"


def _spoken(relationship: Relationship, program: Compiled) -> str:
    known = program.application
    actor, target = known.construct(relationship.actor), known.construct(relationship.target)
    return f"{actor.title} {relationship.verb} {target.title}"


def _label(construct: ConstructId, program: Compiled) -> str:
    return program.application.construct(construct).label
