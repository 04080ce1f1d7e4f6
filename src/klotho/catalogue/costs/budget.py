"""Whether what is made stays within `requires(max_monthly_cost=…)`.

Input: an application, its resources, the region. Output: diagnostics. Asks the estimate only where a budget is set.
A construct's budget counts its own resources; the application's all of them, with what it shares.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from klotho.application import Application, Requirement
from klotho.catalogue.costs.estimate import Estimate, estimate
from klotho.catalogue.costs.model import Line
from klotho.catalogue.costs.usage import Usages
from klotho.diagnostics import Label, Report
from klotho.resources import Resource, ResourceKey

BUDGET = "max_monthly_cost"
NAMED = 3
"""How many lines a message names."""


def check_budget(
    application: Application,
    resources: Mapping[ResourceKey, Resource],
    region: str,
    report: Report,
    in_conflict: Callable[[float], list[Label]] = lambda over: [],
) -> None:
    """`in_conflict`: the lines that can't hold together with the application's budget, when it is missed by so many US
    dollars."""
    budgets = [item for item in application.requirements if item.name == BUDGET]
    if not budgets:
        return
    whole = estimate(resources, Usages(application), region)
    last = {item.subject: item for item in budgets}
    for requirement in last.values():
        found = _part(whole, requirement.subject)
        over = found.total.expected - float(str(requirement.value))
        also = in_conflict(over) if requirement.subject is None and over > 0 else []
        _check(requirement, found, application, also, report)


def _part(whole: Estimate, subject: str | None) -> Estimate:
    if subject is None:
        return whole
    return replace(
        whole,
        lines=tuple(line for line in whole.lines if line.owner == subject),
        unpriced=tuple(item for item in whole.unpriced if item.owner == subject),
    )


def _check(
    requirement: Requirement, found: Estimate, application: Application, also: list[Label], report: Report
) -> None:
    budget, expected = float(str(requirement.value)), found.total.expected
    subject = requirement.subject
    title = application.name if subject is None else application.construct(subject).title
    unknown = ", ".join(sorted({item.what for item in found.unpriced}))
    if expected > budget:
        low, high = f"{found.total.low:,.2f}", f"{found.total.high:,.2f}"
        notes = [_named(line) for line in found.biggest[:NAMED]]
        notes += [f"not counted, because nobody knows the price: {unknown}"] if unknown else []
        report.error(
            "cost-above-budget",
            f"{title} would cost about {expected:,.2f} USD a month ({low} to {high}) in {found.region}, "
            f"and at most {budget:,.2f} are allowed",
            requirement.span,
            also=also,
            notes=notes,
            helps=["`klotho cost` lists everything; say `expects(…)` if less use is expected, or allow more"],
        )
    elif unknown:
        report.warning(
            "budget-not-proven",
            f"{title} costs about {expected:,.2f} of {budget:,.2f} USD a month, without what nobody knows",
            requirement.span,
            helps=[f"not counted in {found.region}: {unknown}"],
        )


def _named(line: Line) -> str:
    name = line.owner.rpartition("/")[2]
    type_ = line.type.removeprefix("AWS::")
    return f"{line.usd.expected:,.2f} USD: {name}, {type_}, {line.charge.what}"
