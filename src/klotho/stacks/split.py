"""Divides a stack that CloudFormation would refuse for its size.

Input: the resources of one stack, and what its constructs show as outputs. Output: the part each resource goes into;
one part of the stack's own name for a stack that fits. Refuses nothing: a single resource that exceeds a quota stays
as it is, and the quota's owner says so.

The resources are put in an order in which each comes after what it needs, and the order is cut: no part needs a later
one, so parts form no circle, among themselves or with other stacks. Constructs stay whole where they fit. What holds
data comes first, with what it needs, and stays in the part with the stack's own name: its place does not depend on its
neighbours. Cuts are made where a hash of the name says so and the later part is named by it, so that a resource more
or less moves a cut only if it falls on one.

Quotas: CloudFormation User Guide, "Understand CloudFormation quotas".
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from klotho.resources import Ref, Resource, ResourceGraph, ResourceKey, is_common, owner_of, references_in
from klotho.resources.naming import dashed, short_hash
from klotho.stacks.components import components


@dataclass(frozen=True, slots=True)
class Limits:
    """What one template may hold."""

    resources: int = 500
    parameters: int = 200
    outputs: int = 200
    dynamic_references: int = 60
    size: int = 1_000_000
    """Bytes of a template in a bucket. Sizes are estimated here, on the large side."""


@dataclass(frozen=True)
class Splitter:
    """Splits the stacks of one graph."""

    graph: ResourceGraph
    holds_data: Callable[[Resource], bool] = lambda resource: False
    shown: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """Values that become outputs of the stack, by construct id."""
    limits: Limits = Limits()
    used: Mapping[ResourceKey, set[tuple[ResourceKey, str | None]]] = field(init=False)
    """By resource: who names it, and which attribute."""
    weights: dict[ResourceKey, _Weight] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        used: dict[ResourceKey, set[tuple[ResourceKey, str | None]]] = {}
        for resource in self.graph:
            for item in self.graph.references(resource):
                if isinstance(item, Ref):
                    used.setdefault(item.resource, set()).add((resource.key, item.attribute))
        object.__setattr__(self, "used", used)

    def parts(self, name: str, keys: Iterable[ResourceKey]) -> dict[str, list[ResourceKey]]:
        """The parts of a stack by name, each after those it needs."""
        members = sorted(keys)
        if self.fits(members):
            return {name: members}
        clusters, first = self._ordered(members)
        return {part: keys for part, keys in self._cut(name, name, clusters, first)}

    def fits(self, keys: Sequence[ResourceKey]) -> bool:
        """Whether CloudFormation takes a template of these."""
        inside, limits = set(keys), self.limits
        weights = [self._weight(key) for key in keys]
        owners = {owner_of(key) for key in keys}
        values = [value for owner in owners for value in self.shown.get(owner, ())]
        named = {item for weight in weights for item in weight.names} | {*references_in(values)}
        taken = {item for item in named if not (isinstance(item, Ref) and item.resource in inside)}
        given = {(key, way) for key in keys for user, way in self.used.get(key, ()) if user not in inside}
        # One parameter and one output are the digest's.
        return (
            len(keys) <= limits.resources
            and len(taken) < limits.parameters
            and len(given) + len(values) < limits.outputs
            and sum(weight.dynamic for weight in weights) <= limits.dynamic_references
            and sum(weight.size for weight in weights) + 300 * (len(taken) + len(given) + len(values)) <= limits.size
        )

    def _weight(self, key: ResourceKey) -> _Weight:
        if key not in self.weights:
            self.weights[key] = _weight(self.graph[key], self.graph.references(self.graph[key]))
        return self.weights[key]

    def _ordered(self, members: Sequence[ResourceKey]) -> tuple[list[list[ResourceKey]], int]:
        """Clusters of resources, each after those it needs; and how many, from the first, data depends on."""
        groups = self._clusters(members)
        of = {key: group for group, keys in groups.items() for key in keys}
        needs = {
            group: {of[item] for key in keys for item in self.graph.dependencies(self.graph[key]) if item in of}
            - {group}
            for group, keys in groups.items()
        }
        pinned = {group for group, keys in groups.items() if any(self.holds_data(self.graph[key]) for key in keys)}
        pending = list(pinned)
        while pending:
            fresh = needs[pending.pop()] - pinned
            pinned |= fresh
            pending += fresh
        order = [*_topological(needs, pinned), *_topological(needs, needs.keys() - pinned)]
        return [groups[group] for group in order], len(pinned)

    def _clusters(self, members: Sequence[ResourceKey]) -> dict[str, list[ResourceKey]]:
        """What is kept together: each construct's resources, and constructs that need each other."""
        inside = set(members)

        def units(keys: Sequence[ResourceKey], unit: Callable[[ResourceKey], str]) -> list[list[ResourceKey]]:
            edges: dict[str, list[str]] = {unit(key): [] for key in keys}
            for key in keys:
                found = self.graph.dependencies(self.graph[key]) & inside & set(keys)
                edges[unit(key)] += sorted({unit(item) for item in found} - {unit(key)})
            group_of = {name: min(names) for names in components(edges) for name in names}
            found_groups: dict[str, list[ResourceKey]] = {}
            for key in keys:
                found_groups.setdefault(group_of[unit(key)], []).append(key)
            return list(found_groups.values())

        clusters = []
        for keys in units(members, lambda key: str(key) if is_common(owner_of(key)) else owner_of(key)):
            clusters += [keys] if self.fits(keys) else units(keys, str)
        return {str(keys[0]): keys for keys in self._without_circles(clusters)}

    def _without_circles(self, clusters: list[list[ResourceKey]]) -> list[list[ResourceKey]]:
        """Clusters that need each other, because one of them was divided, as one."""
        of = {key: str(keys[0]) for keys in clusters for key in keys}
        by_name = {str(keys[0]): keys for keys in clusters}
        edges = {
            name: sorted(
                {of[item] for key in keys for item in self.graph.dependencies(self.graph[key]) if item in of} - {name}
            )
            for name, keys in sorted(by_name.items())
        }
        return [sorted(key for name in names for key in by_name[name]) for names in components(edges)]

    def _cut(
        self, base: str, name: str, clusters: list[list[ResourceKey]], first: int
    ) -> list[tuple[str, list[ResourceKey]]]:
        """`first`: how many clusters, from the first, are not to be cut unless they have to."""
        keys = [key for cluster in clusters for key in cluster]
        if len(clusters) == 1 or self.fits(keys):
            return [(name, sorted(keys))]
        at = _pivot([str(cluster[0]) for cluster in clusters], first)
        later = dashed(f"{base}-{short_hash(str(clusters[at][0]), 4)}", 40)
        return [
            *self._cut(base, name, clusters[:at], min(first, at)),
            *self._cut(base, later, clusters[at:], max(0, first - at)),
        ]


@dataclass(frozen=True, slots=True)
class _Weight:
    """What a resource adds to a template."""

    names: frozenset[Any]
    """Everything it refers to."""
    dynamic: int
    size: int


def _weight(resource: Resource, names: Iterable[Any]) -> _Weight:
    text = orjson.dumps(resource.properties, default=_plain, option=orjson.OPT_INDENT_2)
    size = len(text) + 6 * text.count(b"\n") + 600
    return _Weight(frozenset(names), text.count(b"{{resolve:"), size)


def _plain(value: Any) -> Any:
    """Values that are known at deploy are named tuples, about as long as what stands for them in a template."""
    return list(value) if isinstance(value, tuple) else str(value)


def _pivot(names: Sequence[str], first: int) -> int:
    """Where the second part begins: in the middle third, at the name with the smallest hash; behind the `first` ones
    if that is possible."""
    number = len(names)
    low, high = max(1, number // 3), max(2, number - number // 3)
    if 0 < first < number:
        low, high = max(low, first), max(high, first + 1)
    return min(range(low, min(high, number)), key=lambda index: (short_hash(names[index], 16), index))


def _topological(needs: Mapping[str, set[str]], names: Iterable[str]) -> list[str]:
    """Each after those it needs; of those that may come next, the first by name, so that one more moves no other."""
    inside = set(names)
    waits = {name: len(needs[name] & inside) for name in inside}
    users: dict[str, list[str]] = {}
    for name in inside:
        for other in needs[name] & inside:
            users.setdefault(other, []).append(name)
    ready = [name for name, number in waits.items() if number == 0]
    heapq.heapify(ready)
    order = []
    while ready:
        name = heapq.heappop(ready)
        order.append(name)
        for user in users.get(name, ()):
            waits[user] -= 1
            if waits[user] == 0:
                heapq.heappush(ready, user)
    return order
