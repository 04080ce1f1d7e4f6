"""What an explanation is made of: values for people's eyes, every one of them JSON as well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from klotho.diagnostics import Span

Subject = Literal["construct", "resource", "property", "type", "stack", "output", "choice"]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the user's."""

    span: Span
    text: str | None = None
    """As it is written; None where it can't be read or holds what looks like a secret."""

    def to_json(self) -> dict[str, Any]:
        return {**self.span.to_json(), "text": self.text}


@dataclass(frozen=True, slots=True)
class Why:
    """One reason: a rule, because of what, at which lines."""

    rule: str
    about: str
    """What the rule says, in a sentence."""
    because: str
    """A clause to be read after "because"."""
    precedence: str
    source: str = ""
    """The page of AWS's documentation that the rule follows, where its author wrote it down."""
    lines: tuple[Line, ...] = ()
    said: str = ""
    """`users.read_writes_to(users_db)`, where it follows from a relationship between two constructs."""

    def to_json(self) -> dict[str, Any]:
        return {
            "rule": self.rule,
            "about": self.about,
            "because": self.because,
            "precedence": self.precedence,
            "source": self.source or None,
            "lines": [line.to_json() for line in self.lines],
            "said": self.said or None,
        }


@dataclass(frozen=True, slots=True)
class Fact:
    """A property, who decided it, and what else was wanted."""

    path: str
    """As it can be asked for: `PolicyDocument.Statement.login to users_db.Action`."""
    value: str
    why: Why
    also: tuple[Why, ...] = ()
    """Who wanted the same."""
    rejected: tuple[tuple[str, Why], ...] = ()
    """Values that were not taken, and who wanted them."""

    def to_json(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "value": self.value,
            "why": self.why.to_json(),
            "also": [item.to_json() for item in self.also],
            "rejected": [{"value": value, "why": why.to_json()} for value, why in self.rejected],
        }


@dataclass(frozen=True, slots=True)
class Grant:
    """A permission: one statement of a policy."""

    path: str
    text: str
    """Who may do what with what."""
    whys: tuple[Why, ...]
    removal: str
    """What to remove from the program so that it goes."""

    def to_json(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "text": self.text,
            "whys": [why.to_json() for why in self.whys],
            "removal": self.removal,
        }


@dataclass(frozen=True, slots=True)
class Alternative:
    """What could have been chosen and was not."""

    name: str
    reason: str

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Step:
    """One link of the chain from a line to what was asked about."""

    what: str
    """`your line`, `means`, `rule`, `resource`, `property`, `choice` …"""
    text: str
    line: Line | None = None

    def to_json(self) -> dict[str, Any]:
        return {"what": self.what, "text": self.text, "line": self.line.to_json() if self.line else None}


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything about one thing."""

    subject: Subject
    name: str
    """By which it can be asked for again."""
    title: str
    summary: str
    """A paragraph that needs no knowledge of AWS."""
    lines: tuple[Line, ...] = ()
    chain: tuple[Step, ...] = ()
    choice: Why | None = None
    """Why a construct became what it did."""
    alternatives: tuple[Alternative, ...] = ()
    grants: tuple[Grant, ...] = ()
    facts: tuple[Fact, ...] = ()
    needed_by: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    parts: tuple[Explanation, ...] = ()
    """The resources of a construct, type or stack."""
    monthly: float | None = None
    """US dollars, as expected; None where it is not known."""

    def to_json(self) -> dict[str, Any]:
        return {
            "subject": self.subject,
            "name": self.name,
            "title": self.title,
            "summary": self.summary,
            "lines": [line.to_json() for line in self.lines],
            "chain": [step.to_json() for step in self.chain],
            "choice": self.choice.to_json() if self.choice else None,
            "alternatives": [item.to_json() for item in self.alternatives],
            "grants": [grant.to_json() for grant in self.grants],
            "properties": [fact.to_json() for fact in self.facts],
            "needed_by": list(self.needed_by),
            "notes": list(self.notes),
            "monthly_usd": None if self.monthly is None else round(self.monthly, 6),
            "resources": [part.to_json() for part in self.parts],
        }
