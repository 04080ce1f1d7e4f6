"""One resource of the graph, with the decision behind it and behind every property."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from klotho.resources.changes import Path, Provenance
from klotho.resources.values import ResourceKey

SHARED = "shared"
"""The owner of what all repositories of a project use: the network, the cluster, the namespace."""
APPLICATION = "application"
"""The owner of what belongs to the application and to none of its constructs: where its alarms go."""


def resource_key(owner: str, role: str) -> ResourceKey:
    """The key of a construct's resource; the role tells its resources apart (`service`, `task-role`)."""
    return ResourceKey(f"{owner}:{role}")


def shared_key(role: str) -> ResourceKey:
    return ResourceKey(f"{SHARED}:{role}")


def application_key(role: str) -> ResourceKey:
    return ResourceKey(f"{APPLICATION}:{role}")


def owner_of(key: ResourceKey) -> str:
    """The construct id, or `shared`, or `application`."""
    return key.rpartition(":")[0]


def is_common(owner: str) -> bool:
    """Whether this owner is no construct."""
    return owner in (SHARED, APPLICATION)


def role_of(key: ResourceKey) -> str:
    return key.rpartition(":")[2]


class Decision(NamedTuple):
    """Who decided a property, and who wanted something else."""

    winner: Provenance
    losers: tuple[tuple[Provenance, Any], ...] = ()
    """Provenance and the value that was not taken."""
    agreeing: tuple[Provenance, ...] = ()
    """Others that wanted the same: it stays while one of them does."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource to deploy."""

    key: ResourceKey
    type: str
    properties: Mapping[str, Any]
    depends_on: tuple[ResourceKey, ...] = ()
    origins: tuple[Provenance, ...] = ()
    """Every change that asked for the resource; never empty."""
    decisions: Mapping[Path, Decision] = field(default_factory=dict, repr=False)
    """By path of the leaf or list item."""
    waits: Mapping[ResourceKey, Provenance] = field(default_factory=dict, repr=False)
    """Who said that it waits for another one, by the keys of `depends_on`."""
