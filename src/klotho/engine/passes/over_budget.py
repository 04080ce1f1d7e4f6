"""What makes an application dearer than its budget: a smallest set of lines that can't hold together with it.

Input: the choices made, and by how much the budget is missed. Output: labels at the user's lines. Empty where the
budget would be missed without any of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from klotho.application import ConstructId, Directive, Requirement
from klotho.catalogue.offers import Offer, offers
from klotho.catalogue.worth import MICRO
from klotho.diagnostics import Label, Span
from klotho.engine.context import Context


class _Saving(NamedTuple):
    """A cheaper candidate that what the user said rules out."""

    construct: ConstructId
    name: str
    usd: float
    by: frozenset[Span]


def in_conflict(context: Context, over: float) -> list[Label]:
    """`over`: by how many US dollars a month the budget is missed. Deletion-based: a line without which it would still
    be missed is not part of the conflict."""
    savings = list(_savings(context))
    kept = sorted({span for item in savings for span in item.by})
    for span in reversed(kept):
        without = frozenset(kept) - {span}
        if _saved(savings, without) < over:
            kept.remove(span)
    return [Label(span, _words(span, savings)) for span in kept]


def _saved(savings: list[_Saving], held: frozenset[Span]) -> float:
    """What is saved at most when only these lines hold."""
    best: dict[ConstructId, float] = {}
    for item in savings:
        if not item.by & held:
            best[item.construct] = max(best.get(item.construct, 0.0), item.usd)
    return sum(best.values())


def _savings(context: Context) -> Iterator[_Saving]:
    """By the candidates' own costs, with what each shares."""
    pins = {item.subject: item for item in context.application.directives if item.action == "use"}
    for construct in context.application.constructs:
        if construct.id not in context.chosen or construct.id in context.foreign:
            continue
        found = offers(construct, context.worths)
        taken = next((item for item in found if item.name == context.chosen[construct.id].name), None)
        if taken is None or taken.cost is None:
            continue
        for item in found:
            by = _by(item, pins.get(construct.id))
            if by is not None and item.cost is not None and item.cost < taken.cost:
                yield _Saving(construct.id, item.name, (taken.cost - item.cost) / MICRO, by)


def _by(item: Offer, pin: Directive | None) -> frozenset[Span] | None:
    """The lines that rule a candidate out; None where something else does, or nothing."""
    said: list[Requirement | Directive | None] = [unfit.by for unfit in item.unfit]
    if pin is not None:
        said.append(pin)
    spans = frozenset(statement.span for statement in said if statement is not None and statement.span is not None)
    return spans if spans and len(spans) == len(said) else None


def _words(span: Span, savings: list[_Saving]) -> str:
    ruled = [item for item in savings if span in item.by]
    dearest = max(ruled, key=lambda item: item.usd)
    _, _, name = dearest.construct.partition("/")
    return f"this rules out `{dearest.name}` for {name}, which would cost {dearest.usd:,.2f} USD less"
