"""A conflict: what can't be so, with the lines of everybody it is about.

Input: places, words. Output: `Conflict`. Every one names the applications, their lines and what to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from klotho.application import ConstructId
from klotho.diagnostics import Diagnostic, Label, Span
from klotho.registry.joined import Joined, Member, Mention


@dataclass(frozen=True, slots=True)
class Conflict:
    """One thing that can't be so."""

    applications: frozenset[str]
    """Whose it is; nobody else is held up by it."""
    diagnostic: Diagnostic
    unreadable: bool = False
    """It is about an entry that nobody can judge, which holds up everyone."""
    breaks: frozenset[str] = frozenset()
    """The applications that a change of the one at hand would break. A person may agree to that by their names; nobody
    can agree to a conflict without any."""
    construct: ConstructId | None = None
    """What they use and would lose, or would find changed."""
    missing: bool = False
    """It is about something that nobody defines here: another environment may say who would."""

    def concerns(self, application: str) -> bool:
        return self.unreadable or application in self.applications


@dataclass(frozen=True, slots=True)
class Place:
    """A line of somebody's program."""

    member: Member
    span: Span | None
    said: str = ""
    """What it says there, after the line: `which calls it`."""

    @classmethod
    def of(cls, mention: Mention, said: str = "") -> Place:
        return cls(mention.member, mention.construct.span, said)


def conflict(
    code: str,
    message: str,
    places: Sequence[Place],
    *,
    notes: Iterable[str] = (),
    helps: Iterable[str | None] = (),
    held: Iterable[str] | None = None,
    breaks: Iterable[str] = (),
    construct: ConstructId | None = None,
    missing: bool = False,
) -> Conflict:
    """`held`: the applications that are held up; those of the places unless given."""
    labels = tuple(Label(item.span, "here") for item in places if item.member.here and item.span)
    lines = tuple(dict.fromkeys(_line(item) for item in places))
    found = Diagnostic(code, message, labels, (*lines, *notes), tuple(line for line in helps if line))
    names = frozenset({item.member.name for item in places} if held is None else held)
    return Conflict(names, found, breaks=frozenset(breaks), construct=construct, missing=missing)


def consenting(joined: Joined, breaks: Iterable[str]) -> str:
    """How to do it all the same."""
    names = sorted(breaks)
    options = "".join(f" --allow-breaking {name}" for name in names)
    return f"to break {listed(names)} all the same: `klotho {'down' if joined.leaving else 'up'}{options}`"


def listed(names: Iterable[str]) -> str:
    """`a`, `b` and `c`, sorted."""
    quoted = [f"`{name}`" for name in sorted(set(names))]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def _line(place: Place) -> str:
    said = f", {place.said}" if place.said else ""
    return f"in `{place.member.name}`: {place.member.line(place.span)}{said}"
