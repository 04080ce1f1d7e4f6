"""What a deployment changes of the monthly cost: everything that would be there against everything that is.

Input: templates by stack before and after, the usage the program expects, a region. Output: a `CostChange`. Both sides
are reckoned with the same usage and the same prices, so the difference is what the infrastructure makes. Refuses
nothing. No calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from klotho.catalogue.costs import Estimate, Usages, estimate
from klotho.deploy.template import construct_of
from klotho.resources import Ref, Resource, ResourceKey

Templates = Mapping[str, Mapping[str, Any]]
"""By stack."""


@dataclass(frozen=True, slots=True)
class CostChange:
    before: Estimate
    after: Estimate

    @property
    def delta(self) -> float:
        """US dollars a month, by the expected use; positive for more."""
        return self.after.total.expected - self.before.total.expected

    @property
    def unknown(self) -> tuple[str, ...]:
        """What costs without a known price, afterwards."""
        return tuple(sorted({item.what for item in self.after.unpriced}))

    def to_json(self) -> dict[str, Any]:
        dates = self.after.dates or self.before.dates
        return {
            "estimated": True,
            "currency": "USD",
            "per": "month",
            "region": self.after.region,
            "before": self.before.total.to_json(),
            "after": self.after.total.to_json(),
            "delta": round(self.delta, 6),
            "unknown": list(self.unknown),
            "prices_from": dates[0] if dates else None,
            "prices_to": dates[1] if dates else None,
        }


def cost_change(before: Templates, after: Templates, usages: Usages, region: str) -> CostChange:
    return CostChange(*(_estimate(templates, usages, region) for templates in (before, after)))


def _estimate(templates: Templates, usages: Usages, region: str) -> Estimate:
    owners: dict[ResourceKey, str] = {}
    resources: dict[ResourceKey, Resource] = {}
    for stack, template in templates.items():
        for name, entry in template.get("Resources", {}).items():
            key = ResourceKey(f"{stack}/{name}")
            owners[key] = construct_of(entry)
            resources[key] = Resource(key, str(entry.get("Type", "")), _read(entry.get("Properties", {}), stack))
    return estimate(resources, usages, region, owner=owners.__getitem__)


def _read(value: Any, stack: str) -> Any:
    """Properties as a graph has them, as far as rules look: references within the stack become `Ref`s."""
    if isinstance(value, Mapping):
        if len(value) == 1 and isinstance(value.get("Ref"), str):
            return Ref(ResourceKey(f"{stack}/{value['Ref']}"))
        attribute = value.get("Fn::GetAtt") if len(value) == 1 else None
        if isinstance(attribute, list) and len(attribute) == 2:
            return Ref(ResourceKey(f"{stack}/{attribute[0]}"), str(attribute[1]))
        return {name: _read(item, stack) for name, item in value.items()}
    return [_read(item, stack) for item in value] if isinstance(value, list) else value
