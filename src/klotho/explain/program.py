"""A compiled program as explanations need it, with what is looked up often worked out once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import orjson

from klotho.application import Application, Construct, ConstructId, Relationship
from klotho.catalogue.kinds import implementation
from klotho.catalogue.rules import Implementation
from klotho.diagnostics import Span
from klotho.explain.places import Places
from klotho.resources import Ref, Resource, ResourceGraph, ResourceKey, owner_of
from klotho.stacks import Manifest, Stack


@dataclass(frozen=True)
class Compiled:
    """One program in one environment."""

    application: Application
    graph: ResourceGraph
    keys: Mapping[str, ResourceKey]
    """By logical id."""
    manifest: Manifest
    templates: Mapping[str, bytes]
    """By file name, as the manifest has them."""
    line: Callable[[Span], str | None]
    """The text of a line, None where it can't be shown."""
    owners: Mapping[str, str] = field(default_factory=dict)
    """The applications that make constructs of `from_project=True`, by construct id."""
    claims: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Which other applications of the project need a resource of its shared stack, by logical id."""
    monthly: Mapping[ResourceKey, float] = field(default_factory=dict)
    """What each resource is expected to cost in US dollars a month, where that is known."""

    @cached_property
    def ids(self) -> Mapping[ResourceKey, str]:
        return {key: logical_id for logical_id, key in self.keys.items()}

    @cached_property
    def entries(self) -> Mapping[str, Mapping[str, Any]]:
        """What the templates say of each resource, by logical id."""
        found: dict[str, Mapping[str, Any]] = {}
        for body in self.templates.values():
            found |= orjson.loads(body).get("Resources", {})
        return found

    @cached_property
    def stack_of(self) -> Mapping[str, Stack]:
        """By logical id."""
        return {logical_id: stack for stack in self.manifest.stacks for logical_id in stack.origins}

    @cached_property
    def owned(self) -> Mapping[str, list[Resource]]:
        return self.graph.by_owner()

    @cached_property
    def by_type(self) -> Mapping[str, list[Resource]]:
        found: dict[str, list[Resource]] = {}
        for resource in self.graph:
            found.setdefault(resource.type, []).append(resource)
        return dict(sorted(found.items()))

    def places(self, key: ResourceKey) -> Places:
        found = self._places.get(key)
        if found is None:
            found = self._places[key] = Places(self.graph[key])
        return found

    @cached_property
    def _places(self) -> dict[ResourceKey, Places]:
        return {}

    @cached_property
    def policies(self) -> Mapping[ResourceKey, list[Resource]]:
        """What says what each role may do."""
        found: dict[ResourceKey, list[Resource]] = {}
        for resource in self.by_type.get("AWS::IAM::RolePolicy", ()):
            role = resource.properties.get("RoleName")
            if isinstance(role, Ref):
                found.setdefault(role.resource, []).append(resource)
        return found

    @cached_property
    def users(self) -> Mapping[ResourceKey, frozenset[str]]:
        """The owners of the resources that name a resource or wait for it."""
        found: dict[ResourceKey, set[str]] = {}
        for resource in self.graph:
            for key in self.graph.dependencies(resource):
                found.setdefault(key, set()).add(owner_of(resource.key))
        return {key: frozenset(owners - {owner_of(key)}) for key, owners in found.items()}

    @cached_property
    def by_title(self) -> Mapping[str, Construct]:
        return {construct.title: construct for construct in self.application.constructs}

    @cached_property
    def by_sentence(self) -> Mapping[str, tuple[Relationship, ...]]:
        """Relationships as provenance words them; several may read the same and differ in their routes."""
        found: dict[str, tuple[Relationship, ...]] = {}
        known = self.application.by_id
        for item in self.application.relationships:
            if item.actor in known and item.target in known:
                text = f"{known[item.actor].title} {item.verb} {known[item.target].title}"
                found[text] = (*found.get(text, ()), item)
        return found

    def made_of(self, item: Relationship) -> tuple[Implementation | None, Implementation | None]:
        """What was chosen for its ends; None for what nothing could be made of."""
        return self._implementation(item.actor), self._implementation(item.target)

    def _implementation(self, name: ConstructId) -> Implementation | None:
        construct, choice = self.application.by_id.get(name), self.graph.choices.get(name)
        return None if construct is None or choice is None else implementation(construct.kind, choice.implementation)

    def construct(self, owner: str) -> Construct | None:
        """None for what is shared, or belongs to the application."""
        return self.application.by_id.get(ConstructId(owner))

    def name_of(self, owner: str) -> str:
        """How people call an owner: `users`, or what all share."""
        construct = self.construct(owner)
        return construct.label if construct is not None else owner.rpartition("/")[2]
