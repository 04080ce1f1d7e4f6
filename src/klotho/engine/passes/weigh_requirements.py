"""Requirements become choices: availability so far; what is not weighed is said by `check`.

Input: the graph with every construct's main resources. Output: for each construct that keeps the availability required
of it only in several availability zones, what its implementation's `spread` says, with the precedence of a requirement:
it wins over what the construct means by default, and an explicit `override` wins over it. Reports what AWS does not
promise, and parameters that contradict the requirement.
"""

from __future__ import annotations

from collections.abc import Iterator

from klotho.application import Construct, Requirement
from klotho.catalogue.availability import AVAILABILITY, must_spread, promise_of, required_of
from klotho.catalogue.rules import Implementation
from klotho.engine.context import Context, attributed
from klotho.resources import Change, Precedence, Provenance, ResourceGraph


def weigh_requirements(graph: ResourceGraph, context: Context) -> Iterator[Change]:
    """What availability asks of every construct."""
    _refuse_fractions(context)
    for construct, implementation in context.resolved:
        requirement = required_of(construct, context.setting)
        made = context.setting.adopted(construct) is None and context.setting.foreign(construct) is None
        if requirement is None or not made:
            continue
        _refuse_unkept(construct, implementation, requirement, context)
        if not must_spread(construct, context.setting):
            continue
        spans = tuple(span for span in (requirement.span, construct.span) if span)
        reason = f"{construct.title} is required to be available {requirement.value} % of the time"
        provenance = Provenance(implementation.spread.__name__, spans, reason, Precedence.REQUIREMENT)
        implementation.check_spread(construct, context.setting, context.report)
        yield from attributed(provenance, implementation.spread(construct, context.setting))


def _refuse_fractions(context: Context) -> None:
    for requirement in context.application.requirements:
        if requirement.name == AVAILABILITY and float(str(requirement.value)) <= 1:
            context.report.error(
                "availability-out-of-reach",
                f"`availability={requirement.value}` is in percent, and so asks for next to nothing",
                requirement.span,
                helps=[f"write `availability={_percent(float(str(requirement.value)) * 100)}`"],
            )


def _refuse_unkept(
    construct: Construct, implementation: Implementation, requirement: Requirement, context: Context
) -> None:
    wanted, promise = float(str(requirement.value)), promise_of(implementation)
    if promise is None and requirement.subject is not None:
        context.report.error(
            "availability-out-of-reach",
            f"nothing is promised of the availability of {construct.title}",
            requirement.span,
            helps=["require it of what does the work: containers, functions, databases, APIs"],
        )
    elif promise is not None and wanted > promise.best:
        context.report.error(
            "availability-out-of-reach",
            f"{construct.title} can't be available {_percent(wanted)} % of the time: AWS promises "
            f"{_percent(promise.best)} %",
            requirement.span,
            notes=[f"made as `{implementation.name}`, spread over availability zones where that helps"],
            helps=[f"require at most {_percent(promise.best)} of it, or of each construct what it needs"],
        )


def _percent(value: float) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".")
