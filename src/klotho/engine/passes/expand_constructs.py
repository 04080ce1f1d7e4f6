"""Each construct becomes the main resources of its chosen implementation."""

from __future__ import annotations

from collections.abc import Iterator

from klotho.engine.context import Context, attributed, because_of
from klotho.resources import Change, ResourceGraph


def expand_constructs(graph: ResourceGraph, context: Context) -> Iterator[Change]:
    """What every implementation's `expand` says."""
    for construct, implementation in context.resolved:
        provenance = because_of(construct, implementation.expand)
        yield from attributed(provenance, implementation.expand(construct, context.setting))
