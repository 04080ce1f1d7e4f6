"""Judges the applications of a project together: what only shows once they are joined.

Input: bundles, every application with its environment. Output: findings about paths that go through several
applications, and about totals of the project (`per = "project"`). What one application breaks by itself is told where
it is judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from klotho.guardrails.bundle import Bundle, Rule
from klotho.guardrails.conditions import fits
from klotho.guardrails.finding import Finding
from klotho.guardrails.judged import Judged
from klotho.guardrails.judging import excepted, in_scope
from klotho.guardrails.matching.paths import Landscape, Route, routes, spoken
from klotho.guardrails.matching.totals import miscounted


def judge_project(bundles: Iterable[Bundle], project: str, members: Sequence[Judged]) -> Iterator[Finding]:
    """Every finding that takes several applications. A rule is asked if it is about any of those concerned."""
    for bundle in bundles:
        about: dict[str, tuple[Rule, list[Judged]]] = {}
        for judged in members:
            for rule in in_scope(bundle, judged):
                about.setdefault(rule.id, (rule, []))[1].append(judged)
        for rule, concerned in about.values():
            names = frozenset(item.application.name for item in concerned)
            for finding in _found(rule, project, concerned, members, names):
                among = sorted(finding.applications & names) or sorted(names)
                yield excepted(finding, bundle, among, concerned[0])


def _found(
    rule: Rule, project: str, concerned: Sequence[Judged], members: Sequence[Judged], names: frozenset[str]
) -> Iterator[Finding]:
    if rule.subject == "path":
        landscape = Landscape(item.application for item in members)
        for route in routes(rule, landscape):
            if len(route.applications) > 1 and route.applications & names:
                yield _path(rule, route, landscape)
    if rule.subject == "count" and rule.match.get("per") == "project" and "constructs" in rule.match:
        total = sum(fits(item.kind, rule.match["constructs"]) for judged in concerned for item in judged.own())
        for finding in miscounted(rule, total, f"the project `{project}`", ()):
            lines = tuple((item.application.name, item.application.span) for item in concerned)
            yield replace(finding, applications=names, places=lines)


def _path(rule: Rule, route: Route, landscape: Landscape) -> Finding:
    last = route.steps[-1].to if route.steps else route.start
    end = landscape.constructs[last]
    note = f"the path is {spoken(route, landscape)}"
    places = (*((step.application, step.relationship.span) for step in route.steps), (last.application, end.span))
    return Finding(
        rule, end.title, (), (note,), end.label, rule.severity, applications=route.applications, places=places
    )
