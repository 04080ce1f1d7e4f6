"""`construct.override("AWS::…", {…})`: the user's word on properties of generated resources."""

from __future__ import annotations

from collections.abc import Iterator

from klotho.application import Directive
from klotho.catalogue.kinds.network import KIND as NETWORK
from klotho.diagnostics import meant_or_listed
from klotho.engine.context import Context
from klotho.resources import SHARED, Change, Precedence, Provenance, Resource, ResourceGraph, SetProperty


def apply_overrides(graph: ResourceGraph, context: Context) -> Iterator[Change]:
    """One change per property, on every resource of that type the construct owns."""
    directives = [item for item in context.application.directives if item.action == "override"]
    if not directives:
        return
    owners = graph.by_owner()
    for directive in directives:
        if directive.subject not in context.chosen:
            continue
        construct = context.application.construct(directive.subject)
        # The network itself, and all else that is shared, belongs to no construct: who speaks of the network means it.
        owned = owners.get(SHARED if construct.kind == NETWORK else construct.id, [])
        matching = [resource for resource in owned if resource.type == directive.target]
        if not matching:
            _nothing_matches(directive, owned, context)
        for resource in matching:
            yield from _changes(directive, resource, context)


def _changes(directive: Directive, resource: Resource, context: Context) -> Iterator[Change]:
    title = context.application.construct(directive.subject).title
    spans = (directive.span,) if directive.span else ()
    provenance = Provenance("override", spans, f"{title} overrides {directive.target}", Precedence.DIRECTIVE)
    for name, value in directive.properties.items():
        yield Change(SetProperty(resource.key, (name,), value), provenance)


def _nothing_matches(directive: Directive, owned: list[Resource], context: Context) -> None:
    types = sorted({resource.type for resource in owned})
    title = context.application.construct(directive.subject).title
    context.report.error(
        "override-matches-nothing",
        f"{title} generates no {directive.target}",
        directive.span,
        helps=[meant_or_listed(directive.target, types, "it generates") or "leave it out: it generates nothing"],
    )
