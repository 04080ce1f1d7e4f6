"""Relationships become wiring: environment variables, routes, triggers, service discovery.

Reports relationships that make no sense, with the ones that do.
"""

from __future__ import annotations

from collections.abc import Iterator

from klotho.application import Relationship
from klotho.catalogue.relationships import INSTEAD, PAIRS, find_pair
from klotho.diagnostics import Label
from klotho.engine.context import Context, attributed, because_of_link
from klotho.resources import Change, ResourceGraph


def connect(graph: ResourceGraph, context: Context) -> Iterator[Change]:
    """What every pair's `connect` says."""
    refuse_senseless(context)
    for link, pair in context.links:
        yield from attributed(because_of_link(link, pair.connect), pair.connect(link))


def refuse_senseless(context: Context) -> None:
    """Report every relationship to which the catalogue gives no meaning."""
    for relationship in context.application.relationships:
        _refuse(relationship, context)


def _refuse(relationship: Relationship, context: Context) -> None:
    if relationship.actor not in context.chosen or relationship.target not in context.chosen:
        return
    actor = context.application.construct(relationship.actor)
    target = context.application.construct(relationship.target)
    if relationship.actor == relationship.target:
        context.report.error(
            "senseless-relationship",
            f"{actor.title} can't be related to itself",
            relationship.span,
            notes=["inside its own code there is nothing to find, to grant or to connect"],
            helps=[f"leave it out, or give `{relationship.verb}` the construct it was meant for"],
        )
    elif find_pair(relationship.verb, actor.kind, target.kind) is None:
        context.report.error(
            "senseless-relationship",
            f"{actor.kind} can't `{relationship.verb}` {target.kind}",
            relationship.span,
            text=f"{actor.title} and {target.title}",
            also=[Label(target.span, f"`{target.name}` is defined here")] if target.span else [],
            helps=[what_works(relationship.verb, actor.kind, target.kind)],
        )


def what_works(verb: str, actor: str, target: str) -> str:
    """The nearest relationships that do exist."""
    if (verb, actor, target) in INSTEAD:
        return INSTEAD[verb, actor, target]
    verbs = sorted({v for pair in PAIRS if actor in pair.actors and target in pair.targets for v in pair.verbs})
    if verbs:
        return f"{actor} can {' or '.join(f'`{name}`' for name in verbs)} {target}"
    targets = sorted({kind for pair in PAIRS if verb in pair.verbs and actor in pair.actors for kind in pair.targets})
    if targets:
        return f"{actor} can `{verb}` {' or '.join(targets)}"
    actors = sorted({kind for pair in PAIRS if verb in pair.verbs and target in pair.targets for kind in pair.actors})
    if actors:
        return f"{' and '.join(actors)} can `{verb}` {target}"
    mine = sorted(
        {f"`{v}` {kind}" for pair in PAIRS if actor in pair.actors for v in pair.verbs for kind in pair.targets}
    )
    return f"{actor} can {', '.join(mine)}" if mine else f"nothing can be said of {actor} with a verb"
