"""The frozen graph of resources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from klotho.resources.changes import Provenance, Rejected
from klotho.resources.resource import Resource, owner_of
from klotho.resources.values import Ref, Reference, ResourceKey, references_in


class Choice(NamedTuple):
    """Which implementation, and why."""

    implementation: str
    provenance: Provenance
    rejected: tuple[Rejected, ...] = ()
    monthly: int | None = None
    """Millionths of a US dollar, as far as that was weighed."""


@dataclass(frozen=True)
class ResourceGraph:
    """Resources by key, in key order."""

    resources: Mapping[ResourceKey, Resource]
    choices: Mapping[str, Choice] = field(default_factory=dict)
    """The implementation chosen for each construct, by construct id."""
    _references: dict[ResourceKey, tuple[Reference, ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """Found once: checks, stacks and templates each ask for them."""

    def __iter__(self) -> Iterator[Resource]:
        return iter(self.resources.values())

    def __len__(self) -> int:
        return len(self.resources)

    def __contains__(self, key: object) -> bool:
        return key in self.resources

    def __getitem__(self, key: ResourceKey) -> Resource:
        return self.resources[key]

    def by_owner(self) -> dict[str, list[Resource]]:
        """The resources of each construct, and of `shared`."""
        owners: dict[str, list[Resource]] = {}
        for key, resource in self.resources.items():
            owners.setdefault(owner_of(key), []).append(resource)
        return owners

    def references(self, resource: Resource) -> tuple[Reference, ...]:
        """What a resource of this graph names in its properties."""
        found = self._references.get(resource.key)
        if found is None:
            found = self._references[resource.key] = tuple(references_in(resource.properties))
        return found

    def dependencies(self, resource: Resource) -> set[ResourceKey]:
        """Every resource this one names in its properties or waits for."""
        named = {item.resource for item in self.references(resource) if isinstance(item, Ref)}
        return (named | set(resource.depends_on)) - {resource.key}
