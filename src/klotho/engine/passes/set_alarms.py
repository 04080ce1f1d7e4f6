"""Alarms beside what they watch, in environments that have them.

Input: the graph. Output: the alarms of every resource, and the topic they report to. Each alarm belongs to the
construct whose resource it watches, so that it comes and goes with it and no stack waits for another one because of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from klotho.catalogue.alarms import alarm_topic, alarms_of
from klotho.diagnostics import Span
from klotho.engine.context import Context, attributed
from klotho.resources import Change, Precedence, Provenance, ResourceGraph, owner_of


def set_alarms(graph: ResourceGraph, context: Context) -> Iterator[Change]:
    """What `catalogue/tables/alarms.toml` says of every resource."""
    if not context.policy.alarms:
        return
    titles = {construct.id: construct.title for construct in context.application.constructs}
    spans: list[Span] = []
    for resource in graph:
        title = titles.get(owner_of(resource.key), "what the application shares")  # type: ignore[call-overload]
        provenance = Provenance("alarms_of", resource.origins[0].spans, title, Precedence.DEFAULT)
        actions = list(alarms_of(resource, title))
        spans += provenance.spans[:1] if actions else []
        yield from attributed(provenance, actions)
    if spans:
        reason = f"alarms of the environment {context.environment}"
        provenance = Provenance("alarm_topic", tuple(dict.fromkeys(spans)), reason, Precedence.DEFAULT)
        yield from attributed(provenance, alarm_topic(context.policy.alarm_emails))
