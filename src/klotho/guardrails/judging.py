"""Judges an application by bundles.

Input: bundles, what is judged. Output: a `Judgement`: every finding, exceptions applied, and every rule that was asked.
Pure; the same input gives the same findings in the same order. Refuses nothing: the driver decides what a finding
stops.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from klotho.guardrails.bundle import Bundle, Rule, Waiver
from klotho.guardrails.conditions import fits
from klotho.guardrails.finding import Finding
from klotho.guardrails.judged import Judged
from klotho.guardrails.matching import MATCHING


@dataclass(frozen=True)
class Judgement:
    """What bundles say of an application."""

    findings: tuple[Finding, ...] = ()
    asked: tuple[Rule, ...] = ()
    """Every rule whose scope it is in, kept or broken."""

    @property
    def denied(self) -> tuple[Finding, ...]:
        return tuple(item for item in self.findings if item.denies)


def judge(bundles: Iterable[Bundle], judged: Judged) -> Judgement:
    """Every rule of every bundle, in their order."""
    findings: list[Finding] = []
    asked: list[Rule] = []
    for bundle in bundles:
        for rule in in_scope(bundle, judged):
            asked.append(rule)
            found = MATCHING[rule.subject](rule, judged)
            findings += (excepted(item, bundle, [judged.application.name], judged) for item in found)
    return Judgement(tuple(findings), tuple(asked))


def in_scope(bundle: Bundle, judged: Judged) -> Iterator[Rule]:
    """The rules that are about this application in this environment.

    Teams and tags are those that the bundle's owner gives it, and those that klotho.yaml says besides: saying more
    brings more rules, and saying nothing sheds none.
    """
    teams, tags = set(judged.teams), set(judged.tags)
    for item in bundle.ownership:
        if fits(judged.application.name, item.match):
            teams |= {item.team} if item.team else set()
            tags |= set(item.tags)
    for rule in bundle.rules:
        if rule.environments and not fits(judged.environment, rule.environments):
            continue
        if (rule.teams and not teams & set(rule.teams)) or (rule.tags and not tags & set(rule.tags)):
            continue
        yield rule


def excepted(finding: Finding, bundle: Bundle, applications: Sequence[str], judged: Judged) -> Finding:
    """The finding with the exception that is about it, running or ended."""
    named = tuple(
        waiver
        for waiver in bundle.waivers
        if waiver.rule == finding.rule.id and _is_about(waiver, finding, applications, judged.environment)
    )
    return finding.with_waivers(named, frozenset(item for item in named if _runs(item, judged.today)))


def _is_about(waiver: Waiver, finding: Finding, applications: Sequence[str], environment: str) -> bool:
    return (
        all(fits(name, waiver.applications) for name in applications)
        and (not waiver.environments or fits(environment, waiver.environments))
        and (not waiver.constructs or (finding.construct is not None and fits(finding.construct, waiver.constructs)))
    )


def _runs(waiver: Waiver, today: datetime.date) -> bool:
    return today <= waiver.until
