"""Best practice for what nobody has set, by resource type, and the tags every resource carries."""

from __future__ import annotations

from collections.abc import Iterator

from klotho.catalogue.defaults import defaults_for
from klotho.engine.context import Context
from klotho.resources import Change, Precedence, Provenance, ResourceGraph, is_common, owner_of


def fill_defaults(graph: ResourceGraph, context: Context) -> Iterator[Change]:
    """What the catalogue's defaults say of every resource."""
    titles = {construct.id: construct.title for construct in context.application.constructs}
    for resource in graph:
        owner = owner_of(resource.key)
        title = "what the application shares" if is_common(owner) else titles.get(owner, owner)  # type: ignore[call-overload]
        spans = resource.origins[0].spans
        provenance = Provenance("fill_defaults", spans, title, Precedence.DEFAULT)
        for action in defaults_for(resource, context.policy):
            yield Change(action, provenance)
