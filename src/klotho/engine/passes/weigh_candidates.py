"""Of all that constructs could be made of, the best that keeps what is required: part of `select_implementations`.

Input: the constructs nobody pinned. Output: a `Choose` for each, with what was rejected. The solver is loaded only when
something could be made of several candidates; then what they share, and the way out of the network they would need, is
weighed with them. Reports (`nothing-fits`) requirements that no candidate keeps, with the smallest set of them that
can't hold together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from klotho.application import Construct, ConstructId, Directive, Requirement
from klotho.catalogue.costs.budget import BUDGET
from klotho.catalogue.objective import objective_of
from klotho.catalogue.offers import Offer, Unfit, not_by_itself, offers
from klotho.catalogue.unavailable import unavailable
from klotho.diagnostics import Label
from klotho.engine.context import Context
from klotho.resources import Change, Choose, Precedence, Provenance, Rejected, resource_key


def choose(constructs: Iterable[Construct], context: Context) -> Iterator[Change]:
    """One `Choose` per construct that something fits."""
    by_id = {item.id: item for item in constructs}
    offered = {name: _offers(item, context) for name, item in by_id.items()}
    several = {name: found for name, found in offered.items() if len(_fitting(found)) > 1}
    taken: Mapping[ConstructId, str] = {}
    if several:
        from klotho.engine.passes.joint_choice import solved

        taken = solved({name: _fitting(found) for name, found in offered.items()}, context)
    for name, found in offered.items():
        construct, fitting = by_id[name], _fitting(found)
        if not fitting:
            _nothing_fits(construct, found, context)
            continue
        chosen = taken.get(name, fitting[0].name)
        yield _change(construct, found, chosen, _reason(construct, found, chosen, context))


def pinned(construct: Construct, name: str, provenance: Provenance, context: Context, pin: Directive) -> Change:
    """The choice that a directive makes, with every other candidate."""
    return _change(construct, offers(construct, context.worths), name, provenance, pin)


def _change(
    construct: Construct, found: tuple[Offer, ...], name: str, provenance: Provenance, pin: Directive | None = None
) -> Change:
    """The choice, with every other candidate and why it is not it."""
    taken = next(item for item in found if item.name == name)
    rejected = [_rejected(item, taken, provenance, pin) for item in found if item is not taken]
    rejected += [Rejected(other, reason) for other, reason in unavailable(construct.kind).items()]
    return Change(Choose(resource_key(construct.id, "implementation"), name, tuple(rejected), taken.cost), provenance)


def _rejected(item: Offer, taken: Offer, provenance: Provenance, pin: Directive | None) -> Rejected:
    spans: tuple[Requirement | Directive | None, ...] = ()
    if pin is not None:
        reason, spans = f'`use("{pin.target}")` asks for another one', (pin,)
    elif item.unfit:
        reason, spans = "; ".join(unfit.reason for unfit in item.unfit), tuple(unfit.by for unfit in item.unfit)
    elif provenance.rule == "best_by_objective":
        reason = f"is worse by {provenance.because.rpartition(' by ')[2]}"
        if " within the budget " in provenance.because and (item.cost is None or item.cost > (taken.cost or 0)):
            reason += ", or more than the budget leaves"
    elif item.cost is not None and taken.cost is not None and item.cost > taken.cost:
        reason = "costs more"
    elif item.cost is not None and taken.cost is not None and item.cost < taken.cost:
        reason = "costs less by itself, and more with what it shares or would need in the network"
    elif item.cost is None:
        reason = f"nobody knows what it costs ({', '.join(item.worth.unknown)})"
    else:
        reason = "costs no less, and the other one is preferred"
    lines = tuple(said.span for said in spans if said is not None and said.span is not None)
    return Rejected(item.name, reason, item.cost, lines)


def _offers(construct: Construct, context: Context) -> tuple[Offer, ...]:
    """What is there already is what it is: nothing required of it can be chosen by."""
    found = offers(construct, context.worths)
    if context.setting.adopted(construct) is None:
        return _allowed(construct, found, context)
    return tuple(item._replace(unfit=tuple(unfit for unfit in item.unfit if unfit.by is None)) for item in found)


def _allowed(construct: Construct, found: tuple[Offer, ...], context: Context) -> tuple[Offer, ...]:
    """What a rule refuses is no candidate while there is another one, also one that nobody takes without being told
    to; the only one is refused where rules are asked, with owner and fix."""
    rules = [context.policy.refuses(construct, item.name) for item in found]
    if not any(rules):
        return found

    def freed(item: Offer) -> Offer:
        reason = not_by_itself(item.implementation)
        return item._replace(unfit=tuple(unfit for unfit in item.unfit if unfit.reason != reason))

    others = [freed(item) for item, rule in zip(found, rules, strict=True) if rule is None]
    if all(item.unfit for item in others):
        return found
    ruled = (Unfit(f"the guardrail `{rule}` does not allow it", rule=rule) if rule else None for rule in rules)
    return tuple(
        freed(item) if unfit is None else item._replace(unfit=(*item.unfit, unfit))
        for item, unfit in zip(found, ruled, strict=True)
    )


def _fitting(found: tuple[Offer, ...]) -> tuple[Offer, ...]:
    """Those that could be it. Where a construct's own parameters suit none, or the program asks of it what none can
    carry, the first: its checks say what is wrong."""
    fitting = tuple(item for item in found if not item.unfit)
    refused = any(unfit.by is not None or unfit.rule is not None for item in found for unfit in item.unfit)
    return fitting if fitting or refused else found[:1]


def _reason(construct: Construct, found: tuple[Offer, ...], name: str, context: Context) -> Provenance:
    """A requirement is the reason where it ruled out a candidate that would have been taken without it, or where one
    that stands before it fits and is worth less."""
    spans = (construct.span,) if construct.span else ()
    taken = next(item for item in found if item.name == name)
    before = found[: found.index(taken)]
    rule = next((unfit.rule for item in before for unfit in item.unfit if unfit.rule is not None), None)
    if rule is not None:
        return Provenance(rule, spans, construct.title, Precedence.GUARDRAIL)
    ruling = [item.unfit[0].by for item in before if item.unfit and all(unfit.by for unfit in item.unfit)]
    requirement = ruling[0] if ruling else None
    if requirement is not None:
        said = f"{construct.title} is required to keep `{requirement.name}={requirement.value}`"
        lines = (requirement.span, *spans) if requirement.span else spans
        return Provenance("required_implementation", lines, said, Precedence.REQUIREMENT)
    others = [item for item in _fitting(found) if item is not taken]
    weights, objective = objective_of(context.application)
    if objective is not None and others:
        budget = context.application.requirements_of_application.get(BUDGET) if context.cap is not None else None
        lines = tuple(item.span for item in (objective, budget) if item is not None and item.span is not None)
        lines += spans
        within = " within the budget" if budget is not None else ""
        said = f"{construct.title} is the best of {len(others) + 1}{within} by {' and '.join(weights)}"
        return Provenance("best_by_objective", lines, said, Precedence.REQUIREMENT)
    if any(item in before for item in others):
        said = f"{construct.title} is the cheapest of {len(others) + 1}, with what is shared"
        return Provenance("cheapest_implementation", spans, said, Precedence.DEFAULT)
    return Provenance("default_implementation", spans, construct.title, Precedence.DEFAULT)


def _nothing_fits(construct: Construct, found: tuple[Offer, ...], context: Context) -> None:
    from klotho.engine.choosing import Option, Problem, Refusal, Statement, Variable, conflicting

    def refusal(unfit: Unfit) -> Refusal:
        by = unfit.by
        return Refusal(unfit.reason, Statement(f"requires({by.name}={by.value})", by.span) if by else None)

    options = tuple(Option(item.name, refusals=tuple(refusal(unfit) for unfit in item.unfit)) for item in found)
    conflict = conflicting(Problem((Variable(construct.id, options),)))
    context.report.error(
        "nothing-fits",
        f"{construct.title} can be made of nothing that keeps {' and '.join(f'`{item.words}`' for item in conflict)}",
        conflict[0].span if conflict else construct.span,
        also=[Label(item.span, "and this") for item in conflict[1:] if item.span]
        + ([Label(construct.span, "required of this")] if construct.span else []),
        notes=[f"`{option.name}` {'; '.join(item.reason for item in option.refusals)}" for option in options]
        + [f"`{name}`: {reason}" for name, reason in unavailable(construct.kind).items()],
        helps=["require less of it, or make it another construct that can keep it"],
    )
