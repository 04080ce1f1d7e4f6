"""What is wrong with the applications of a project together, though each is right by itself.

Input: a snapshot of the registry, and the application at hand as it is now, which stands for its own entry. Output:
`Conflict` values, each naming the applications, their lines and what to do. Pure: the same input gives the same
conflicts in the same order. Looks at entries that can't be read (nobody knows what they define), domains that two
applications claim, and constructs of one name and kind that somebody refers to by `from_project=True`: two of them
would make the reference ambiguous, while two that nobody shares are none of the project's business.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from klotho.application import Application, Construct, ConstructId
from klotho.diagnostics import Diagnostic, Label, Span
from klotho.registry.entry import Entry
from klotho.registry.registry import Snapshot

_DOMAIN = "Domain"


@dataclass(frozen=True, slots=True)
class Member:
    """One application of the project."""

    application: Application
    where: str
    """Its folder, or repository, for people."""
    here: bool = False
    """Whether it is the application at hand, whose lines can be shown."""

    @property
    def name(self) -> str:
        return self.application.name

    def line(self, span: Span | None) -> str:
        """`/home/ann/billing/infra.py:7`."""
        return str(PurePosixPath(self.where) / str(span)) if span is not None else self.where


@dataclass(frozen=True, slots=True)
class Conflict:
    """One thing that can't be so."""

    applications: frozenset[str]
    """Whose it is; nobody else is held up by it."""
    diagnostic: Diagnostic
    unreadable: bool = False
    """It is about an entry that nobody can judge, which holds up everyone."""

    def concerns(self, application: str) -> bool:
        return self.unreadable or application in self.applications


@dataclass(frozen=True, slots=True)
class _Use:
    """A construct of a member."""

    member: Member
    construct: Construct


def join(snapshot: Snapshot, local: Application | None = None, where: str = "") -> list[Conflict]:
    """Every conflict; `where` is the folder of `local`, the application at hand."""
    members = _members(snapshot, local, where)
    made = _grouped(members)
    return [
        *(Conflict(frozenset({item.application}), item.diagnostic, True) for item in snapshot.unreadable),
        *_domains(snapshot, made),
        *_ambiguous(snapshot, made, members),
    ]


def _members(snapshot: Snapshot, local: Application | None, where: str) -> list[Member]:
    found = [_member(entry) for entry in snapshot.entries if local is None or entry.application.name != local.name]
    if local is not None:
        found.append(Member(local, where, here=True))
    return sorted(found, key=lambda item: item.name)


def _member(entry: Entry) -> Member:
    return Member(entry.application, entry.origin.shown())


def _grouped(members: Iterable[Member]) -> dict[tuple[str, str], list[_Use]]:
    """What the members define, by kind and name."""
    groups: dict[tuple[str, str], list[_Use]] = {}
    for member in members:
        for construct in member.application.constructs:
            if not construct.from_project:
                groups.setdefault((construct.kind, construct.name), []).append(_Use(member, construct))
    return {key: uses for key, uses in sorted(groups.items()) if len({use.member.name for use in uses}) > 1}


def _domains(snapshot: Snapshot, made: dict[tuple[str, str], list[_Use]]) -> Iterator[Conflict]:
    for (kind, name), uses in made.items():
        claims = [use for use in uses if use.construct.adopted_in(snapshot.environment) is None]
        if kind != _DOMAIN or len({use.member.name for use in claims}) < 2:
            continue
        other = _other(claims)
        yield _conflict(
            "domain-claimed-twice",
            f"the domain `{name}` is claimed by {_both(claims)} in project `{snapshot.project}`",
            claims,
            notes=["a name leads to one place only: whoever is deployed last would take it from the other"],
            helps=[
                f"give one of them another name, for example `{other.member.name.lower().replace('_', '-')}.{name}`",
                f"if it moves: remove it from `{other.member.name}`, run `klotho up` there, then here",
            ],
        )


def _ambiguous(
    snapshot: Snapshot, made: dict[tuple[str, str], list[_Use]], members: Sequence[Member]
) -> Iterator[Conflict]:
    users: dict[ConstructId, list[_Use]] = {}
    for member in members:
        for construct in member.application.constructs:
            if construct.from_project:
                users.setdefault(construct.id, []).append(_Use(member, construct))
    for uses in made.values():
        asking = users.get(uses[0].construct.id, [])
        if uses[0].construct.kind == _DOMAIN or not asking:
            continue
        yield _conflict(
            "duplicate-definition",
            f"{uses[0].construct.title} is defined by {_both(uses)} in project `{snapshot.project}`",
            [*uses, *asking],
            notes=[
                f"`{use.member.name}` uses it by `from_project=True` ({use.member.line(use.construct.span)}): which "
                "of them it means is not clear"
                for use in asking
            ],
            helps=[
                f"give the one in `{_other(uses).member.name}` another name, or use that of "
                f"`{next(use for use in uses if use is not _other(uses)).member.name}` there, by `from_project=True`"
            ],
            shown=uses,
        )


def _conflict(
    code: str,
    message: str,
    uses: Sequence[_Use],
    *,
    notes: Sequence[str],
    helps: Sequence[str],
    shown: Sequence[_Use] | None = None,
) -> Conflict:
    """`shown`: whose lines are told; all of `uses` unless given."""
    told = uses if shown is None else shown
    labels = tuple(Label(use.construct.span, "here") for use in told if use.member.here and use.construct.span)
    lines = [f"in `{use.member.name}`: {use.member.line(use.construct.span)}" for use in told]
    found = Diagnostic(code, message, labels, (*lines, *notes), tuple(helps))
    return Conflict(frozenset(use.member.name for use in uses), found)


def _other(uses: Sequence[_Use]) -> _Use:
    """The first that is not the application at hand."""
    return next(use for use in uses if not use.member.here)


def _both(uses: Sequence[_Use]) -> str:
    names = sorted({use.member.name for use in uses})
    return f"{', '.join(f'`{name}`' for name in names[:-1])} and `{names[-1]}`"
