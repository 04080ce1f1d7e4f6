"""Rules about what the program says: constructs, relationships, what things are made with.

Input: a rule, what is judged. Output: findings at the user's line. Refuses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from klotho.application import Construct
from klotho.diagnostics import Span
from klotho.guardrails.bundle import Rule
from klotho.guardrails.conditions import fits, had, holds, selects, wanted
from klotho.guardrails.finding import Finding
from klotho.guardrails.judged import Judged
from klotho.guardrails.vocabulary import STATUSES

_LESS = {"trial": "info", "hold": "warn"}
"""What a technology's status makes of the rule's severity, which `retired` has."""
_SAID = {"trial": "is on trial", "hold": "is on hold: nothing new with it", "retired": "is retired"}


def constructs(rule: Rule, judged: Judged) -> Iterator[Finding]:
    """Every construct that the rule is about and that is not as it must be."""
    match = rule.match
    for item in judged.own():
        properties = judged.properties(item)
        if not fits(item.kind, match["kind"]) or ("name" in match and not fits(item.label, match["name"])):
            continue
        if not all(selects(condition, properties) for condition in match.get("where", ())):
            continue
        if match.get("forbidden"):
            yield _of(rule, item, f"{item.kind} is not allowed here")
        for condition in match.get("must", ()):
            if not holds(condition, properties):
                name = condition["property"]
                note = f"`{name}` {had(condition, properties)}; it {wanted(condition)}"
                yield _of(rule, item, note, item.place(name.partition(".")[0]))


def relationships(rule: Rule, judged: Judged) -> Iterator[Finding]:
    """Every relationship that the rule is about and that is not as it must be."""
    match, by_id = rule.match, judged.application.by_id
    for item in judged.application.relationships:
        actor, target = by_id.get(item.actor), by_id.get(item.target)
        if actor is None or target is None or item.verb not in match["verb"]:
            continue
        if "actor" in match and not fits(actor.kind, match["actor"]):
            continue
        if "target" in match and not fits(target.kind, match["target"]):
            continue
        if not all(selects(condition, item.properties) for condition in match.get("where", ())):
            continue
        said = f"{actor.title} {item.verb} {target.title}"
        if match.get("forbidden"):
            yield _of(rule, actor, f"{said}, which is not allowed here", item.span)
        for condition in match.get("must", ()):
            if not holds(condition, item.properties):
                note = f"{said}: `{condition['property']}` {had(condition, item.properties)}; it {wanted(condition)}"
                yield _of(rule, actor, note, item.span)


def technologies(rule: Rule, judged: Judged) -> Iterator[Finding]:
    """What the program's constructs are made with, by the status that the rule gives it."""
    for item in judged.own():
        names = technologies_of(item, judged)
        status = status_of(rule, names)
        if status in _SAID:
            less = _LESS.get(status) if rule.severity == "deny" or status == "trial" else None
            yield _of(rule, item, f"{names[-1]} {_SAID[status]}", severity=less or rule.severity)
        elif status is None and rule.match.get("others") == "deny":
            allowed = [name for word in ("adopt", "trial") for name in rule.match.get(word, ())]
            listed = ", ".join(f"`{name}`" for name in allowed) or "nothing"
            yield _of(rule, item, f"{names[-1]} is no technology the rule names; it allows {listed}")


def technologies_of(construct: Construct, judged: Judged) -> tuple[str, ...]:
    """By which names a rule may mean it: `Compute.Container`, `Compute.Container/fargate`."""
    chosen = judged.chosen(construct)
    return (construct.kind, f"{construct.kind}/{chosen}") if chosen else (construct.kind,)


def status_of(rule: Rule, names: tuple[str, ...]) -> str | None:
    """The status of a technology; the most specific name decides, of equals the strictest. For the solver, too: a
    candidate that is `retired` is none."""
    for name in reversed(names):
        found = [word for word in STATUSES if name in rule.match.get(word, ())]
        if found:
            return found[-1]
    for word in reversed(STATUSES):
        if any(fits(name, rule.match.get(word, ())) for name in names):
            return word
    return None


def _of(rule: Rule, item: Construct, note: str, span: Span | None = None, severity: str | None = None) -> Finding:
    at = span or item.span
    return Finding(rule, item.title, (at,) if at else (), (note,), item.label, severity or rule.severity)
