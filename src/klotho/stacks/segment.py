"""Divides the graph into stacks by rate of change and statefulness.

Input: the resource graph and the application. Output: a `Segmentation`: each resource's stack, and the order of the
stacks. By default every construct is a stack of its own (code changes daily, a database hardly ever, and neither may
touch the other), what no construct owns is the stack `shared`, and what the repositories of a project share is the
project's stack; `stack=` or `with klotho.Stack(…)` groups them.
Stacks that would wait for each other become one, because CloudFormation could deploy neither first; one that is too
large for CloudFormation is divided (`split`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any

from klotho.application import Application
from klotho.resources import APPLICATION, SHARED, Resource, ResourceGraph, ResourceKey, is_common, owner_of
from klotho.resources.naming import dashed
from klotho.stacks.components import components
from klotho.stacks.split import Limits, Splitter

COMMON_STACK = "shared"
"""What belongs to the application as a whole."""
PROJECT_STACK = "project"
"""What all repositories of a project use. It takes values of no other stack."""


@dataclass(frozen=True)
class Segmentation:
    """Where each resource goes."""

    stack_of: Mapping[ResourceKey, str]
    depends_on: Mapping[str, frozenset[str]]
    order: tuple[str, ...]
    """Every stack after the ones it depends on; ties by name."""
    constructs: Mapping[str, tuple[str, ...]]
    """Construct ids per stack, sorted; none for `shared`."""


def segment(
    graph: ResourceGraph,
    application: Application,
    *,
    holds_data: Callable[[Resource], bool] = lambda resource: False,
    shown: Mapping[str, Sequence[Any]] | None = None,
    limits: Limits | None = None,
) -> Segmentation:
    """Assign every resource to a stack.

    `holds_data` says what should not change its stack when one is divided; `shown` has the values, by construct id,
    that become outputs; `limits` are CloudFormation's.
    """
    home: dict[str, str] = {
        construct.id: construct.stack or default_stack(construct.kind, construct.name)
        for construct in application.constructs
    }
    home |= {APPLICATION: COMMON_STACK, SHARED: PROJECT_STACK if application.in_project else COMMON_STACK}
    assigned = {key: home[owner_of(key)] for key in graph.resources}
    merged = _merged(_dependencies(graph, assigned))
    whole: dict[str, list[ResourceKey]] = {}
    for key, stack in assigned.items():
        whole.setdefault(merged[stack], []).append(key)
    splitter = Splitter(graph, holds_data, shown or {}, limits or Limits())
    stack_of: dict[ResourceKey, str] = {}
    for stack, keys in whole.items():
        # What a project shares is one stack, whose parts would be cut differently by each repository's needs.
        parts = {stack: keys} if application.in_project and stack == PROJECT_STACK else splitter.parts(stack, keys)
        for part, members in parts.items():
            stack_of.update(dict.fromkeys(members, part))
    depends_on = _dependencies(graph, stack_of)
    constructs: dict[str, set[str]] = {name: set() for name in depends_on}
    for key, stack in stack_of.items():
        if not is_common(owner_of(key)):
            constructs[stack].add(owner_of(key))
    return Segmentation(
        {key: stack_of[key] for key in graph.resources},
        {name: frozenset(upstream) for name, upstream in sorted(depends_on.items())},
        _ordered(depends_on),
        {name: tuple(sorted(ids)) for name, ids in sorted(constructs.items())},
    )


def default_stack(kind: str, name: str) -> str:
    """The stack of a construct that was not grouped: its name and kind, which never change with its neighbours."""
    return f"{dashed(name, 28)}-{kind.rpartition('.')[2].lower()}"


def _dependencies(graph: ResourceGraph, assigned: Mapping[ResourceKey, str]) -> dict[str, set[str]]:
    wanted: dict[str, set[str]] = {name: set() for name in assigned.values()}
    for resource in graph:
        own = assigned[resource.key]
        for key in graph.dependencies(resource):
            if assigned[key] != own:
                wanted[own].add(assigned[key])
    return wanted


def _merged(wanted: Mapping[str, set[str]]) -> dict[str, str]:
    """The stack each one ends up in: itself, unless it is part of a circle."""
    merged = {}
    for component in components({name: sorted(upstream) for name, upstream in sorted(wanted.items())}):
        name = component[0] if len(component) == 1 else dashed("-and-".join(sorted(component)), 40)
        merged.update(dict.fromkeys(component, name))
    return merged


def _ordered(depends_on: Mapping[str, set[str]]) -> tuple[str, ...]:
    sorter = TopologicalSorter(depends_on)
    sorter.prepare()
    order: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        order += ready
        sorter.done(*ready)
    return tuple(order)
