"""What a rule found, and how it is told.

Input: a rule, a place, words. Output: a `Finding` and its diagnostic: who owns the rule, where it is broken, and what
to do. Refuses nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from klotho.diagnostics import Diagnostic, Label, Severity, Span
from klotho.guardrails.bundle import Rule, Waiver

_CODES = {"deny": "guardrail-denied", "warn": "guardrail-warned", "info": "guardrail-noted"}
_VERBS = {"deny": "breaks", "warn": "is against", "info": "is noted by"}
_SEVERITIES = {"deny": Severity.ERROR, "warn": Severity.WARNING, "info": Severity.INFO}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as a rule wants it."""

    rule: Rule
    about: str
    """What it is about, for people: `Databases.Postgres "orders_db"`."""
    spans: tuple[Span, ...] = ()
    notes: tuple[str, ...] = ()
    """What is, and what should be."""
    construct: str | None = None
    """The name it has in the program; exceptions may name it."""
    severity: str = "deny"
    """The rule's, unless the technology's status says less."""
    waived: Waiver | None = None
    expired: Waiver | None = None
    """An exception that has ended."""
    applications: frozenset[str] = frozenset()
    """Whose it is, where it takes several."""
    places: tuple[tuple[str, Span | None], ...] = ()
    """The lines of each of several applications."""

    @property
    def denies(self) -> bool:
        return self.waived is None and self.severity == "deny"

    @property
    def key(self) -> tuple[str, str, tuple[str, ...]]:
        """What makes two findings, of two versions of a bundle, the same."""
        return self.rule.name, self.about, self.notes

    def diagnostic(self) -> Diagnostic:
        rule = self.rule
        labels = tuple(Label(span) for span in self.spans[:1])
        if self.waived is not None:
            waiver = self.waived
            agreed = f"{waiver.approver} agreed to it until {waiver.until.isoformat()}: {waiver.reason}"
            message = f"{self.about} is excepted from `{rule.name}`: {rule.message}"
            return Diagnostic(
                "guardrail-excepted", message, labels, (*self.notes, agreed), (), Severity.INFO, rule.name
            )
        said = [f"why: {rule.why}"] if rule.why else []
        if self.expired is not None:
            said.append(
                f"the exception that {self.expired.approver} agreed to ended on {self.expired.until.isoformat()}"
            )
        notes = (*self.notes, *said, f"the rule is {rule.owner}'s")
        message = f"{self.about} {_VERBS[self.severity]} `{rule.name}`: {rule.message}"
        code, severity = _CODES[self.severity], _SEVERITIES[self.severity]
        return Diagnostic(code, message, labels, notes, (rule.fix,), severity, rule.name)

    def with_waivers(self, waivers: tuple[Waiver, ...], running: frozenset[Waiver]) -> Finding:
        """Of the exceptions that name it, one that is running excepts it; else it says which has ended."""
        for waiver in waivers:
            if waiver in running:
                return replace(self, waived=waiver)
        return replace(self, expired=max(waivers, key=lambda item: item.until)) if waivers else self
