"""`from_project=True`: constructs that another application of the project makes, as its owner has published them.

Rules see the owner's construct: its kind, its properties, the implementation that was chosen for it. What they name of
its resources are values of the owner's stacks (`Foreign`). Nothing of it is made or changed here: what a relationship
needs beside it belongs to the application that says the relationship.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from klotho.application import Application, Construct, ConstructId, Relationship
from klotho.resources import Adopt, Foreign, Ref, Shared, Value, owner_of, replaced, resource_key, role_of

if TYPE_CHECKING:
    from klotho.catalogue.rules import Implementation, Setting
    from klotho.resources.changes import Action

Shares = tuple[tuple[str, str | None], ...]
"""Roles of resources and attributes, as `Implementation.shares` lists them."""


@dataclass(frozen=True)
class ForeignConstruct:
    """A construct of another application of the project."""

    application: Application
    """Its owner, as deployed."""
    construct: Construct
    """As the owner says it."""
    shared: Shared
    where: str = field(default="", compare=False)
    """The owner's folder or repository, for people."""

    @property
    def owner(self) -> str:
        return self.application.name


def with_owners(application: Application, foreign: Mapping[ConstructId, ForeignConstruct]) -> Application:
    """The application with what its owners say of foreign constructs, in place of their names alone."""
    if not foreign:
        return application
    return replace(
        application,
        constructs=tuple(
            _as_owned(item, foreign[item.id]) if item.id in foreign else item for item in application.constructs
        ),
    )


def _as_owned(construct: Construct, found: ForeignConstruct) -> Construct:
    """What the owner pins by `use` counts as given; what it adopts (`existing=`) is adopted here, too."""
    pinned = {
        name: value
        for directive in found.application.directives
        if directive.action == "use" and directive.subject == found.construct.id
        for name, value in directive.properties.items()
    }
    properties = {**found.construct.properties, **pinned}
    # It names another of the owner's constructs, which is none of ours even if one of ours has its name.
    properties.pop("dead_letter", None)
    return replace(construct, properties=properties, existing=found.construct.existing)


def lent(implementation: Implementation, found: ForeignConstruct) -> Implementation:
    """The implementation of a construct that others make: users find it, and that is all."""
    from klotho.catalogue.rules import Placement

    def named(construct: Construct, setting: Setting) -> Iterator[Action]:
        """Its resources are those of the owner's stacks."""
        return _adopted(construct, found)

    inside = implementation.placement is Placement.INSIDE
    return replace(
        implementation,
        expand=named,
        check=lambda construct, setting, report: None,
        placement=Placement.THERE if inside else Placement.OUTSIDE,
        enter_network=None,
        needs=lambda construct, setting: (),
        asset=lambda construct, setting: None,
        files=lambda construct, setting: None,
    )


def _adopted(construct: Construct, found: ForeignConstruct) -> Iterator[Action]:
    by_role: dict[str, dict[str | None, Foreign]] = {"": {}}
    for item in found.shared.exports:
        value = Foreign(found.owner, item.stack_name, item.output)
        by_role.setdefault(item.role, {})[item.attribute] = value
    for role, values in by_role.items():
        attributes = {name: value for name, value in values.items() if name is not None}
        yield Adopt(resource_key(construct.id, role), "", values.get(None), attributes, found.owner)


def as_told(value: Value, setting: Setting) -> Value:
    """The value with what its owners tell where it names resources of foreign constructs."""

    def instead(item: Ref) -> Value:
        construct = setting.application.by_id.get(ConstructId(owner_of(item.resource)))
        found = None if construct is None else setting.foreign(construct)
        if found is None:
            return item
        wanted = (role_of(item.resource), item.attribute)
        told = (export for export in found.shared.exports if (export.role, export.attribute) == wanted)
        return next((Foreign(found.owner, export.stack_name, export.output) for export in told), item)

    return replaced(value, instead)


def guarded(application: Application, api: ConstructId, found: ForeignConstruct | None) -> Application:
    """The application with what the owner of a foreign API says of who may call it: its routes obey, whoever attaches
    them."""
    if found is None:
        return application
    rules: Sequence[Relationship] = [
        replace(item, actor=api)
        for item in found.application.relationships_of(found.construct.id)
        if item.verb == "authenticates_with"
    ]
    return replace(application, relationships=(*application.relationships, *rules))
