"""Relationships become wiring: environment variables, routes, triggers, service discovery.

Reports relationships that make no sense, with the ones that do.
"""

from __future__ import annotations

from collections.abc import Iterator

from klotho.application import Relationship
from klotho.catalogue.kinds import candidates
from klotho.catalogue.relationships import INSTEAD, PAIRS, pairs_of
from klotho.catalogue.relationships.instead import NOT_ON
from klotho.catalogue.rules import Implementation, Pair
from klotho.diagnostics import Label, one_of
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
    elif not (meant := pairs_of(relationship.verb, actor.kind, target.kind)):
        context.report.error(
            "senseless-relationship",
            f"{actor.kind} can't `{relationship.verb}` {target.kind}",
            relationship.span,
            text=f"{actor.title} and {target.title}",
            also=[Label(target.span, f"`{target.name}` is defined here")] if target.span else [],
            helps=[what_works(relationship.verb, actor.kind, target.kind)],
        )
    else:
        _refuse_host(relationship, meant, context)


def _refuse_host(relationship: Relationship, meant: tuple[Pair, ...], context: Context) -> None:
    """What its ends are made of can't do what the relationship means; another implementation could."""
    made_of = (context.chosen[relationship.actor], context.chosen[relationship.target])
    if any(pair.carried_by(*made_of) for pair in meant):
        return
    actor = context.application.construct(relationship.actor)
    target = context.application.construct(relationship.target)
    stuck = target if any(pair.carried_by(made_of[0], None) for pair in meant) else actor
    able = [item.name for item in candidates(stuck.kind) if _carries(item, stuck is actor, made_of, meant)]
    compute = context.chosen[stuck.id].compute
    why = NOT_ON.get((relationship.verb, "" if compute is None else compute.host))
    context.report.error(
        "not-on-this-host",
        f"{stuck.title} on `{context.chosen[stuck.id].name}` can't be: {actor.title} {relationship.verb} "
        f"{target.title}",
        relationship.span,
        notes=[why] if why else [],
        helps=[f"make it with `use(…)` of {one_of(able)}, or leave `use(…)` out"],
    )


def _carries(
    item: Implementation, is_actor: bool, made_of: tuple[Implementation, Implementation], meant: tuple[Pair, ...]
) -> bool:
    ends = (item, made_of[1]) if is_actor else (made_of[0], item)
    return any(pair.carried_by(*ends) for pair in meant)


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
