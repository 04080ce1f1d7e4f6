"""Choose one implementation for each construct.

What `use(…)` pins is it, whatever is required; else what keeps all requirements at the least cost, solved for all
constructs together when several could be; what a rule refuses is no candidate while
there is another one. Every choice carries what was rejected and why. Reports kinds and names the
catalogue lacks, pins that overrule a requirement, and what nothing can be made of.
"""

from __future__ import annotations

from collections.abc import Iterator

from klotho.application import Construct, Directive
from klotho.catalogue.foreign import ForeignConstruct
from klotho.catalogue.kinds import candidates
from klotho.catalogue.offers import offers
from klotho.catalogue.unavailable import unavailable
from klotho.diagnostics import did_you_mean, meant_or_listed, one_of
from klotho.engine.context import Context
from klotho.engine.passes.weigh_candidates import choose, pinned
from klotho.resources import Change, Choose, Precedence, Provenance, ResourceGraph, resource_key


def select_implementations(graph: ResourceGraph, context: Context) -> Iterator[Change]:
    """One `Choose` per construct that can be made real."""
    pins = {item.subject: item for item in context.application.directives if item.action == "use"}
    open_to: list[Construct] = []
    for construct in context.application.constructs:
        if _refused(construct, context):
            continue
        if construct.id in context.foreign:
            yield Change(
                Choose(
                    resource_key(construct.id, "implementation"), context.foreign[construct.id].shared.implementation
                ),
                _owners(construct, context.foreign[construct.id]),
            )
            continue
        pin = pins.get(construct.id)
        if pin is None:
            open_to.append(construct)
            continue
        name, provenance = _pinned(construct, pin, context)
        if name is not None:
            yield pinned(construct, name, provenance, context, pin)
    yield from choose(open_to, context)


def _owners(construct: Construct, found: ForeignConstruct) -> Provenance:
    spans = (construct.span,) if construct.span else ()
    return Provenance("owners_implementation", spans, f"{construct.title} of {found.owner}", Precedence.DIRECTIVE)


def _pinned(construct: Construct, pin: Directive, context: Context) -> tuple[str | None, Provenance]:
    offered = [item.name for item in candidates(construct.kind)]
    spans = tuple(span for span in (pin.span, construct.span) if span)
    reason = Provenance("use", spans, f'{construct.title} uses "{pin.target}"', Precedence.DIRECTIVE)
    if pin.target not in offered:
        known = unavailable(construct.kind)
        meant = did_you_mean(str(pin.target), (*offered, *known))
        context.report.error(
            "unknown-implementation",
            f"{construct.title} can't be made of `{pin.target}`",
            pin.span,
            notes=[known[pin.target]] if pin.target in known else [],
            helps=[*([meant] if meant and pin.target not in known else []), f"use one of {one_of(offered)}"],
        )
        return None, reason
    taken = next(item for item in candidates(construct.kind) if item.name == pin.target)
    if construct.adopted_in(context.environment) is not None and taken.adoption is None:
        context.report.error(
            "bad-existing",
            f"{construct.title} is there already (`existing=`), and as `{pin.target}` it can only be made",
            pin.span,
            helps=["leave out one of the two"],
        )
        return None, reason
    parameters = taken.parameters
    for name in pin.properties:
        if name not in parameters:
            context.report.error(
                "unknown-parameter",
                f"`{pin.target}` has no parameter `{name}`",
                pin.span,
                helps=[meant_or_listed(name, parameters)],
            )
    _say_overruled(construct, pin, context)
    return pin.target, reason


def _say_overruled(construct: Construct, pin: Directive, context: Context) -> None:
    """A directive wins over a requirement; nobody should have to find that out."""
    taken = next(item for item in offers(construct, context.worths) if item.name == pin.target)
    for unfit in taken.unfit:
        if unfit.by is not None:
            context.report.warning(
                "requirement-overruled",
                f'`use("{pin.target}")` wins over `{unfit.by.name}={unfit.by.value}`: it {unfit.reason}',
                pin.span,
                helps=["leave out one of the two"],
            )


def _not_adoptable(construct: Construct, context: Context) -> bool:
    why, instead = candidates(construct.kind)[0].instead_of_adoption
    context.report.error(
        "bad-existing",
        f"{construct.title} can't be adopted with `existing=`",
        construct.place("existing"),
        notes=[why],
        helps=[instead],
    )
    return True


def _nobodys(construct: Construct, context: Context) -> bool:
    """Says what can't be taken from another application. False for what is."""
    instead = candidates(construct.kind)[0].instead_of_sharing
    if not context.asked and not instead:
        return True
    if not context.application.in_project:
        message, help_text = "which needs a project", "name it: `Application(…, project=…)`, here and where it is made"
    elif instead:
        message, help_text = "which is none of any application's", instead
    elif construct.id not in context.foreign:
        message, help_text = "and nobody has published it", "run `klotho up` where it is defined, then here"
    else:
        return False
    context.report.error(
        "not-in-project",
        f"{construct.title} says `from_project=True`, {message}",
        construct.span,
        helps=[help_text],
    )
    return True


def _refused(construct: Construct, context: Context) -> bool:
    """Says by name what this version does not carry."""
    if not candidates(construct.kind):
        what = f"{construct.kind} is not supported yet"
    elif construct.from_project:
        return _nobodys(construct, context)
    elif construct.adopted_in(context.environment) is not None and not any(
        item.adoption for item in candidates(construct.kind)
    ):
        return _not_adoptable(construct, context)
    else:
        return False
    context.report.error("not-supported-yet", what, construct.span, helps=["leave it out for now"])
    return True
