"""APIs that several applications attach to or guard, each as if one application said it all.

Input: the joined project. Output: `SharedApi` values. An API that only its owner attaches to is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from klotho.application import Application, Construct, ConstructId, Relationship
from klotho.application.access import ATTACH, GUARD
from klotho.application.routes import parse_route
from klotho.registry.joined import Joined, Member, Node


@dataclass(frozen=True)
class Said:
    """An attachment or a rule of a member, about the API as its owner calls it."""

    member: Member
    relationship: Relationship
    """Its actor is the owner's construct."""

    @property
    def route(self) -> str:
        return parse_route(str(self.relationship.properties.get("route", "/"))).text


@dataclass(frozen=True)
class SharedApi:
    """One API, with what all members say about it, in the order of their names."""

    node: Node
    construct: Construct
    said: tuple[Said, ...]

    @property
    def title(self) -> str:
        return f"{self.construct.title} of `{self.node.application}`"

    @cached_property
    def attachments(self) -> Sequence[Said]:
        return [item for item in self.said if item.relationship.verb == ATTACH]

    @cached_property
    def rules(self) -> Sequence[Said]:
        return [item for item in self.said if item.relationship.verb == GUARD]

    @cached_property
    def application(self) -> Application:
        """One that says it all."""
        relationships = tuple(item.relationship for item in self.said)
        return Application(self.node.application, constructs=(self.construct,), relationships=relationships)

    @cached_property
    def _by_segment(self) -> Mapping[str, Sequence[Said]]:
        """The attachments by their first segment: empty for the whole API, `{}` for a parameter."""
        found: dict[str, list[Said]] = {}
        for item in self.attachments:
            found.setdefault(_first(item), []).append(item)
        return found

    def around(self, attachment: Said) -> Application:
        """One that says everything that may be about an attachment's requests: with many routes, a small part."""
        first = _first(attachment)
        if first in ("", "{}"):
            return self.application
        near = [item for name in ("", "{}", first) for item in self._by_segment.get(name, ())]
        told = tuple(item.relationship for item in (*self.rules, *near))
        return Application(self.node.application, constructs=(self.construct,), relationships=told)

    @cached_property
    def by_relationship(self) -> Mapping[int, Said]:
        """Whose each one is, by the identity of the value: two members may say the same."""
        return {id(item.relationship): item for item in self.said}


def shared_apis(joined: Joined) -> Iterator[SharedApi]:
    """Every API that somebody attaches to or guards who does not own it."""
    for name, mentions in joined.references.items():
        owner = joined.owner(name)
        if owner is None or not any(_told(item.member, item.construct.id) for item in mentions):
            continue
        ids: dict[str, tuple[Member, ConstructId]] = {item.member.name: (item.member, name) for item in mentions}
        ids[owner.member.name] = (owner.member, owner.construct.id)
        said = [
            Said(member, replace(item, actor=owner.construct.id))
            for _, (member, actor) in sorted(ids.items())
            for item in _told(member, actor)
        ]
        yield SharedApi(owner.node, owner.construct, tuple(said))


def told_before(joined: Joined, api: SharedApi) -> tuple[Said, ...]:
    """The same with what the application at hand has published of it in place of what it says now."""
    local, before = joined.local, joined.before
    if local is None or before is None:
        return api.said
    actor = next((item.id for item in before.application.constructs if joined.node(before, item.id) == api.node), None)
    old = [Said(before, replace(item, actor=api.construct.id)) for item in _told(before, actor)] if actor else []
    others = [item for item in api.said if item.member is not local]
    return tuple(sorted([*others, *old], key=lambda item: item.member.name))


def _first(item: Said) -> str:
    shape = parse_route(str(item.relationship.properties.get("route", "/"))).shape
    return shape[0] if shape else ""


def _told(member: Member, actor: ConstructId) -> list[Relationship]:
    return [
        item
        for item in member.application.relationships_of(actor)
        if item.verb in (ATTACH, GUARD) and not parse_route(str(item.properties.get("route", "/"))).problem
    ]
