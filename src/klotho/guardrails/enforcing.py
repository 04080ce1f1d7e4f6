"""What rules set, and which implementations are no candidates: what the engine takes of bundles.

Input: bundles, what is judged (no graph is needed: the engine asks about each resource). Output: `Enforced` values, and
a function that names the rule that refuses an implementation. An exception that is running takes a construct, or the
whole application, out of a rule. Refuses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType

from klotho.application import Construct
from klotho.catalogue.policy import Enforced
from klotho.guardrails.bundle import Bundle, Rule
from klotho.guardrails.finding import Finding
from klotho.guardrails.judged import Judged
from klotho.guardrails.judging import excepted, in_scope
from klotho.guardrails.matching.model import status_of
from klotho.guardrails.matching.resources import concerns
from klotho.resources import Resource, owner_of


def enforced(bundles: Iterable[Bundle], judged: Judged) -> Iterator[Enforced]:
    """Every property that a rule of these bundles sets in this application."""
    labels = {str(item.id): item.label for item in judged.application.constructs}
    for bundle in bundles:
        for rule in in_scope(bundle, judged):
            if rule.subject == "resources" and rule.match.get("enforce"):
                values = {tuple(name.split(".")): value for name, value in rule.match["enforce"].items()}
                about = _about(rule, bundle, judged, labels)
                yield Enforced(rule.name, rule.owner, rule.message, MappingProxyType(values), about)


def refusing(bundles: Iterable[Bundle], judged: Judged) -> Callable[[Construct, str], str | None]:
    """Which rule has retired an implementation, if one has: it is no candidate for a construct."""
    rules = [
        (bundle, rule)
        for bundle in bundles
        for rule in in_scope(bundle, judged)
        if rule.subject == "technologies" and rule.severity == "deny"
    ]

    def refuses(construct: Construct, implementation: str) -> str | None:
        names = (construct.kind, f"{construct.kind}/{implementation}")
        for bundle, rule in rules:
            if status_of(rule, names) == "retired":
                finding = Finding(rule, construct.title, construct=construct.label)
                if excepted(finding, bundle, [judged.application.name], judged).waived is None:
                    return rule.name
        return None

    return refuses


def _about(rule: Rule, bundle: Bundle, judged: Judged, labels: Mapping[str, str]) -> Callable[[Resource], bool]:
    def about(resource: Resource) -> bool:
        if not concerns(rule, resource):
            return False
        finding = Finding(rule, resource.type, construct=labels.get(owner_of(resource.key)))
        return excepted(finding, bundle, [judged.application.name], judged).waived is None

    return about
