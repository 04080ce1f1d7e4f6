"""Rules about the application as a whole: how many, how dear, where.

Input: a rule, what is judged. Output: findings at the program's first line about it. Refuses nothing; a cost that
nobody can tell is a finding, never silence.
"""

from __future__ import annotations

from collections.abc import Iterator

from klotho.diagnostics import Span
from klotho.guardrails.bundle import Rule
from klotho.guardrails.conditions import fits
from klotho.guardrails.finding import Finding
from klotho.guardrails.judged import Judged


def count(rule: Rule, judged: Judged) -> Iterator[Finding]:
    """Too many or too few in one application."""
    if rule.match.get("per", "application") == "application":
        yield from miscounted(rule, counted(rule, judged), _title(judged), _spans(judged))


def counted(rule: Rule, judged: Judged) -> int:
    """How many of what the rule counts."""
    if "constructs" in rule.match:
        return sum(fits(item.kind, rule.match["constructs"]) for item in judged.own())
    return sum(fits(item.type, rule.match["resources"]) for item in judged.graph or ())


def miscounted(rule: Rule, number: int, about: str, spans: tuple[Span, ...]) -> Iterator[Finding]:
    match = rule.match
    what = ", ".join(match.get("constructs") or match["resources"])
    if number > match.get("at_most", number):
        note = f"it has {number} of {what}; at most {match['at_most']} are allowed"
        yield Finding(rule, about, spans, (note,), severity=rule.severity)
    if number < match.get("at_least", number):
        note = f"it has {number} of {what}; at least {match['at_least']} are demanded"
        yield Finding(rule, about, spans, (note,), severity=rule.severity)


def cost(rule: Rule, judged: Judged) -> Iterator[Finding]:
    """Dearer than allowed, by the cost model that the driver hands in."""
    most = float(rule.match["monthly_at_most"])
    estimate = judged.monthly_cost() if judged.monthly_cost is not None else None
    if estimate is None:
        why = "its price is not known" if judged.monthly_cost is not None else "this version estimates no cost"
        yield Finding(rule, _title(judged), _spans(judged), (f"{why}, so the rule can't be judged",), severity="warn")
    elif estimate > most:
        note = f"about ${estimate:,.2f} a month are expected; at most ${most:,.2f} are allowed"
        yield Finding(rule, _title(judged), _spans(judged), (note,), severity=rule.severity)


def regions(rule: Rule, judged: Judged) -> Iterator[Finding]:
    """Deployed where it may not be."""
    if judged.region is not None and not fits(judged.region, rule.match["allowed"]):
        listed = ", ".join(f"`{name}`" for name in rule.match["allowed"])
        note = f"`{judged.environment}` is in `{judged.region}`; allowed are {listed}"
        yield Finding(rule, _title(judged), _spans(judged), (note,), severity=rule.severity)


def _title(judged: Judged) -> str:
    return f"the application `{judged.application.name}`"


def _spans(judged: Judged) -> tuple[Span, ...]:
    return (judged.application.span,) if judged.application.span else ()
