"""The applications of a project together, indexed by what they define and refer to, so that rules stay linear.

Input: the members, what the application at hand published last. Output: look-ups: who defines a construct, who uses
it. Refuses nothing: a model may hold anything, and what makes no sense resolves to nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import NamedTuple

from klotho.application import Application, Construct, ConstructId, Relationship
from klotho.diagnostics import Span
from klotho.registry.entry import Broken


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """One application of the project."""

    application: Application
    where: str
    """Its folder, or repository, for people."""
    here: bool = False
    """Whether it is the application at hand, whose lines can be shown."""
    environment: str | None = None
    """Where it is published, if that is another environment than the one looked at."""
    broke: tuple[Broken, ...] = ()
    """What it has broken knowingly, newest first."""

    @property
    def name(self) -> str:
        return self.application.name

    def line(self, span: Span | None) -> str:
        """`/home/ann/billing/infra.py:7`."""
        return str(PurePosixPath(self.where) / str(span)) if span is not None else self.where


class Node(NamedTuple):
    """A construct where it is defined."""

    application: str
    construct: ConstructId


@dataclass(frozen=True, slots=True, eq=False)
class Mention:
    """A construct of a member: its definition, or a reference to another one's by `from_project=True`."""

    member: Member
    construct: Construct

    @property
    def node(self) -> Node:
        return Node(self.member.name, self.construct.id)

    @property
    def line(self) -> str:
        return self.member.line(self.construct.span)

    def relationships(self) -> Iterator[Relationship]:
        """What the member says about it, in program order of each side."""
        yield from self.member.application.relationships_of(self.construct.id)
        yield from self.member.application.relationships_on(self.construct.id)


class Joined:
    """A project in an environment."""

    def __init__(
        self,
        project: str,
        environment: str,
        members: Iterable[Member],
        before: Member | None = None,
        elsewhere: Sequence[Member] = (),
        *,
        leaving: bool = False,
    ) -> None:
        self.project = project
        self.environment = environment
        self.members = tuple(sorted(members, key=lambda item: item.name))
        self.local = next((item for item in self.members if item.here), None)
        self.before = before
        """What the application at hand published last, with its lines of then."""
        self.elsewhere = tuple(sorted(elsewhere, key=lambda item: (item.name, item.environment or "")))
        """Applications as other environments have them: they define nothing here, and say who would."""
        self.leaving = leaving
        """Whether the application at hand is about to be taken down."""

    @cached_property
    def definitions(self) -> Mapping[ConstructId, Sequence[Mention]]:
        """What the members define, by kind and name: the one it is deployed under, and the program's, if it differs."""
        found: dict[ConstructId, list[Mention]] = {}
        for member in self.members:
            for construct in member.application.constructs:
                if not construct.from_project:
                    for name in ids_of(construct):
                        found.setdefault(name, []).append(Mention(member, construct))
        return dict(sorted(found.items()))

    @cached_property
    def references(self) -> Mapping[ConstructId, Sequence[Mention]]:
        """What the members refer to by `from_project=True`."""
        found: dict[ConstructId, list[Mention]] = {}
        for member in self.members:
            for construct in member.application.constructs:
                if construct.from_project:
                    found.setdefault(construct.id, []).append(Mention(member, construct))
        return dict(sorted(found.items()))

    @cached_property
    def by_name(self) -> Mapping[str, Sequence[Mention]]:
        """The definitions by the program's name alone, whatever their kind; one for each member and kind."""
        found: dict[str, dict[tuple[str, str], Mention]] = {}
        for mentions in self.definitions.values():
            for item in mentions:
                found.setdefault(item.construct.label, {})[item.member.name, item.construct.kind] = item
        return {name: list(items.values()) for name, items in found.items()}

    @cached_property
    def by_kind(self) -> Mapping[str, Mapping[str, Mention]]:
        """The definitions by kind and the program's name."""
        found: dict[str, dict[str, Mention]] = {}
        for mentions in self.definitions.values():
            for item in mentions:
                found.setdefault(item.construct.kind, {})[item.construct.label] = item
        return found

    def owner(self, reference: ConstructId) -> Mention | None:
        """The one that defines it; None where nobody does, or several members do."""
        found = self.definitions.get(reference, ())
        return found[0] if len(owners(found)) == 1 else None

    def node(self, member: Member, construct: ConstructId) -> Node | None:
        """Where what a member calls so is defined; None for what resolves to nothing."""
        known = member.application.by_id.get(construct)
        if known is None:
            return None
        if not known.from_project:
            return Node(member.name, construct)
        owner = self.owner(construct)
        return owner.node if owner else None

    @cached_property
    def uses(self) -> Mapping[Node, Sequence[Mention]]:
        """Who refers to each construct, in the order of names; the owner does not."""
        found: dict[Node, list[Mention]] = {}
        for name, mentions in self.references.items():
            owner = self.owner(name)
            if owner is not None:
                found.setdefault(owner.node, []).extend(item for item in mentions if item.member is not owner.member)
        return found


def ids_of(construct: Construct) -> tuple[ConstructId, ...]:
    """By what it can be referred to: the name it is deployed under, and its name in the program."""
    label = ConstructId(f"{construct.kind}/{construct.label}")
    return (construct.id,) if label == construct.id else (construct.id, label)


def owners(mentions: Iterable[Mention]) -> list[str]:
    """The names of the applications that mention it, sorted."""
    return sorted({item.member.name for item in mentions})
