"""Overrides that contradict what a rule sets: an application may be stricter than a guardrail, and never laxer.

Reads, reports, changes nothing. Looks at who lost the fold, and at the value that came out: an override of a part of
what a rule sets has a path of its own in the fold, and wins there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from klotho.catalogue.policy import Enforced
from klotho.diagnostics import Diagnostic, Label
from klotho.engine.context import Context
from klotho.resources import Precedence, Provenance, Resource, ResourceGraph
from klotho.resources.changes import Path


def refuse_against_rules(graph: ResourceGraph, context: Context) -> None:
    """Report every override that an enforced value contradicts, with the rule, its owner and the user's line."""
    if not context.policy.enforced:
        return
    for resource in graph:
        for item in context.policy.enforced:
            for path, value in item.values.items():
                for source, wanted in _against(resource, item, path, value):
                    context.report.add(_diagnostic(resource, item, path, value, source, wanted))


def _against(resource: Resource, item: Enforced, path: Path, value: Any) -> Iterator[tuple[Provenance, Any]]:
    """Who wants something else there, and what."""
    decision = resource.decisions.get(path)
    enforced = any(
        found.winner.rule == item.rule for at, found in resource.decisions.items() if at[: len(path)] == path
    )
    if not enforced:
        return  # the rule is not about this resource
    losers = [
        (source, lost)
        for at, found in sorted(resource.decisions.items())
        if at[: len(path)] == path and found.winner.rule == item.rule
        for source, lost in found.losers
        if source.precedence is Precedence.DIRECTIVE
    ]
    yield from losers
    if not losers and _found(resource.properties, path) != value:
        below = [found for at, found in sorted(resource.decisions.items()) if at[: len(path)] == path and at != path]
        others = [found.winner for found in below if found.winner.rule != item.rule]
        source = others[0] if others else decision.winner if decision else resource.origins[0]
        yield source, _found(resource.properties, path)


def _found(value: Any, path: Path) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _diagnostic(
    resource: Resource, item: Enforced, path: Path, value: Any, source: Provenance, wanted: Any
) -> Diagnostic:
    name = ".".join(path)
    return Diagnostic(
        "guardrail-overridden",
        f"`{name}` of {resource.type} can't be {_spoken(wanted)}: `{item.rule}` sets it to {_spoken(value)}",
        tuple(Label(span) for span in source.spans[:1]),
        (f"{source.because}", f"the rule says: {item.message}", f"the rule is {item.owner}'s"),
        (f"leave `{path[0]}` out of the override", f"or ask {item.owner} for an exception"),
        rule=item.rule,
    )


def _spoken(value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        return "a value known at deploy"
    return f"`{text if len(text) <= 60 else text[:57] + '…'}`"
