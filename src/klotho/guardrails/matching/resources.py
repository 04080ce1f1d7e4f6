"""Rules about resources: their types and properties.

Input: a rule, what is judged. Output: findings at the line that decided the property. Refuses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from klotho.application import ConstructId
from klotho.diagnostics import Span
from klotho.guardrails.bundle import Rule
from klotho.guardrails.conditions import Condition, fits, had, holds, selects, wanted
from klotho.guardrails.finding import Finding
from klotho.guardrails.judged import Judged
from klotho.resources import Resource, is_common, owner_of


def resources(rule: Rule, judged: Judged) -> Iterator[Finding]:
    """Every resource that the rule is about and that is not as it must be."""
    for resource in judged.graph or ():
        if not concerns(rule, resource):
            continue
        if rule.match.get("forbidden"):
            yield _finding(rule, resource, judged, f"it makes an {resource.type}", resource.origins[0].spans)
        for condition in demands(rule):
            if not holds(condition, resource.properties):
                note = f"`{condition['property']}` of {resource.type} {had(condition, resource.properties)}"
                yield _finding(rule, resource, judged, f"{note}; it {wanted(condition)}", _spans(resource, condition))


def concerns(rule: Rule, resource: Resource) -> bool:
    """Whether a rule about resources is about this one."""
    match = rule.match
    if not fits(resource.type, match["type"]):
        return False
    if "kind" in match and not fits(owner_of(resource.key).partition("/")[0], match["kind"]):
        return False
    return all(selects(condition, resource.properties) for condition in match.get("where", ()))


def demands(rule: Rule) -> list[Condition]:
    """What has to hold, with what the rule itself sets: nothing may have changed that in the end."""
    enforced = rule.match.get("enforce", {})
    return [*rule.match.get("must", ()), *({"property": name, "equals": value} for name, value in enforced.items())]


def _finding(rule: Rule, resource: Resource, judged: Judged, note: str, spans: tuple[Span, ...]) -> Finding:
    owner = owner_of(resource.key)
    construct = judged.application.by_id.get(ConstructId(owner))
    if construct is None:
        about = f"the project's `{resource.key}`" if is_common(owner) else f"`{owner}`"
        return Finding(rule, about, spans, (note,), None, rule.severity)
    spans = spans or ((construct.span,) if construct.span else ())
    return Finding(rule, construct.title, spans, (note,), construct.label, rule.severity)


def _spans(resource: Resource, condition: Condition) -> tuple[Span, ...]:
    """Where the property was decided, else where the resource comes from."""
    names = tuple(condition["property"].split("."))
    for length in range(len(names), 0, -1):
        decision = resource.decisions.get(names[:length])
        if decision is not None and decision.winner.spans:
            return decision.winner.spans
    return resource.origins[0].spans
