"""`resources.json`: every resource with the chain from each property back to rules and lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from klotho.resources.changes import Provenance, Rejected
from klotho.resources.graph import Choice, ResourceGraph
from klotho.resources.values import Asset, Foreign, Join, Provided, Pseudo, Ref, Zone, is_deferred


def graph_to_json(graph: ResourceGraph) -> dict[str, Any]:
    """Provenance is listed once and named by index: a large application repeats the same few thousand reasons."""
    reasons: dict[Provenance, int] = {}

    def index(provenance: Provenance) -> int:
        return reasons.setdefault(provenance, len(reasons))

    resources = {}
    for resource in graph:
        decisions = {}
        for path, decision in resource.decisions.items():
            entry: Any = index(decision.winner)
            if decision.losers:
                rejected = [{"by": index(who), "value": value_to_json(value)} for who, value in decision.losers]
                entry = {"by": entry, "rejected": rejected}
            decisions["/".join(path)] = entry
        resources[resource.key] = {
            "type": resource.type,
            "properties": value_to_json(resource.properties),
            "depends_on": list(resource.depends_on),
            "because": [index(origin) for origin in resource.origins],
            "decisions": decisions,
        }
    choices = {
        construct: {
            "implementation": choice.implementation,
            "because": index(choice.provenance),
            "monthly_micro_usd": choice.monthly,
            "rejected": [_rejected(item) for item in choice.rejected],
        }
        for construct, choice in graph.choices.items()
    }
    return {
        "schema": 1,
        "choices": choices,
        "resources": resources,
        "provenance": [_provenance(item) for item in reasons],
    }


def choices_to_json(choices: Mapping[str, Choice]) -> dict[str, Any]:
    """What was chosen, each with its own reason: for a page of its own rather than `resources.json`."""
    return {
        construct: {
            "implementation": choice.implementation,
            "monthly_micro_usd": choice.monthly,
            "because": _provenance(choice.provenance),
            "rejected": [_rejected(item) for item in choice.rejected],
        }
        for construct, choice in choices.items()
    }


def _rejected(item: Rejected) -> dict[str, Any]:
    return {
        "implementation": item.implementation,
        "reason": item.reason,
        "monthly_micro_usd": item.monthly,
        "spans": [span.to_json() for span in item.because],
    }


def _provenance(item: Provenance) -> dict[str, Any]:
    return {
        "rule": item.rule,
        "because": item.because,
        "precedence": item.precedence.name.lower(),
        "spans": [span.to_json() for span in item.spans],
    }


def value_to_json(value: Any) -> Any:
    """A value with deferred parts as `{"$ref": …}`, `{"$asset": …}`, `{"$foreign": …}` and so on."""
    kind = type(value)  # by exact type, because most values are text
    if kind is str:
        return value
    if kind is dict:
        return {key: value_to_json(item) for key, item in value.items()}
    if isinstance(value, Join):
        return {"$join": [value_to_json(piece) for piece in value.pieces]}
    if is_deferred(value):
        return _deferred_to_json(value)
    if isinstance(value, list | tuple):
        return [value_to_json(item) for item in value]
    return value


def _deferred_to_json(value: Any) -> dict[str, Any]:
    if isinstance(value, Ref):
        return {"$ref": value.resource, "attribute": value.attribute} if value.attribute else {"$ref": value.resource}
    if isinstance(value, Pseudo):
        return {"$pseudo": value.name}
    if isinstance(value, Zone):
        return {"$zone": value.ordinal}
    if isinstance(value, Asset):
        return {"$asset": value.construct, "part": value.part}
    if isinstance(value, Provided):
        return {"$provided": value.construct, "step": value.step, "part": value.part}
    assert isinstance(value, Foreign), value
    return {"$foreign": value.application, "stack": value.stack_name, "output": value.output}
