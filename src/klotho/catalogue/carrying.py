"""Whether what a construct could be made of can carry the relationships it has.

Input: a construct, an implementation and the application. Output: the reason against it for each relationship that has
a meaning between the kinds and none on the host (`Compute.host`) of the implementation, and for what it is `unable` to
do. Refuses nothing: a pin of such an implementation is refused by the pass `connect` and by the pairs' checks.
"""

from __future__ import annotations

from collections.abc import Iterator

from klotho.application import Application, Construct
from klotho.catalogue.relationships import pairs_of
from klotho.catalogue.rules import Implementation


def not_carried(construct: Construct, implementation: Implementation, application: Application) -> Iterator[str]:
    """One reason for each relationship it can't carry; nothing of what runs no code."""
    if implementation.compute is None:
        return
    known = application.by_id
    for item in application.relationships_of(construct.id):
        if item.target in known:
            pairs = pairs_of(item.verb, construct.kind, known[item.target].kind)
            if pairs and not any(pair.carried_by(implementation, None) for pair in pairs):
                yield f"can't be what `{item.verb}` {known[item.target].label}"
    for item in application.relationships_on(construct.id):
        if item.actor in known:
            pairs = pairs_of(item.verb, known[item.actor].kind, construct.kind)
            if pairs and not any(pair.carried_by(None, implementation) for pair in pairs):
                yield f"can't be what {known[item.actor].label} `{item.verb}`"
    yield from implementation.unable(construct, application)
