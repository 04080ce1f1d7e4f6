"""What an environment insists on, whatever the program says.

A protected environment (`protect: true` in klotho.yaml) keeps its data: see `catalogue/protection.py`. Bundles of rules
set properties: `EnvironmentPolicy.enforced`. Both carry the precedence `GUARDRAIL`, which wins over every other in the
fold; what the program says against it is reported by `check`, so that nobody believes it. The pass comes after the
overrides and the defaults because a rule chooses resources by their properties, and must see them as they would be.
"""

from __future__ import annotations

from collections.abc import Iterator

from klotho.catalogue.protection import protection_of
from klotho.engine.context import Context
from klotho.resources import Change, Precedence, Provenance, Resource, ResourceGraph, SetProperty


def apply_guardrails(graph: ResourceGraph, context: Context) -> Iterator[Change]:
    """What protection asks of every resource that holds data, and what rules set."""
    if context.policy.protect:
        for resource in graph:
            yield from _protected(resource, context)
    if context.policy.enforced:
        for resource in graph:
            yield from _enforced(resource, context)


def _protected(resource: Resource, context: Context) -> Iterator[Change]:
    reason = f"the environment {context.environment} is protected"
    provenance = Provenance("protection_of", resource.origins[0].spans, reason, Precedence.GUARDRAIL)
    for action in protection_of(resource):
        yield Change(action, provenance)


def _enforced(resource: Resource, context: Context) -> Iterator[Change]:
    for item in context.policy.enforced:
        if item.concerns(resource):
            reason = f"{item.owner} demands it: {item.message}"
            provenance = Provenance(item.rule, resource.origins[0].spans, reason, Precedence.GUARDRAIL)
            for path, value in item.values.items():
                yield Change(SetProperty(resource.key, path, value), provenance)
