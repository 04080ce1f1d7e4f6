"""Relationships become IAM statements: exact actions on exact ARNs, for exactly the actor's role.

Also the permissions an implementation needs for itself once it is in the network.
"""

from __future__ import annotations

from collections.abc import Iterator

from klotho.engine.context import Context, attributed, because_of_link
from klotho.resources import Change, ResourceGraph


def grant_permissions(graph: ResourceGraph, context: Context) -> Iterator[Change]:
    """What every pair's `grant` says."""
    for link, pair in context.links:
        yield from attributed(because_of_link(link, pair.grant), pair.grant(link))
