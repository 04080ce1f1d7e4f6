"""What an environment insists on, whatever the program says.

A protected environment (`protect: true` in klotho.yaml) keeps its data: see `catalogue/protection.py`. Its changes
carry the precedence `GUARDRAIL`, which wins over every other in the fold; what the program says against it is reported
by `check`, so that nobody believes it.
"""

from __future__ import annotations

from collections.abc import Iterator

from klotho.catalogue.protection import protection_of
from klotho.engine.context import Context
from klotho.resources import Change, Precedence, Provenance, ResourceGraph


def apply_guardrails(graph: ResourceGraph, context: Context) -> Iterator[Change]:
    """What protection asks of every resource that holds data."""
    if not context.policy.protect:
        return
    reason = f"the environment {context.environment} is protected"
    for resource in graph:
        provenance = Provenance("protection_of", resource.origins[0].spans, reason, Precedence.GUARDRAIL)
        for action in protection_of(resource):
            yield Change(action, provenance)
