"""What a deployment changes of the monthly cost: everything that would be there against everything that is.

Input: templates by stack before and after, the usage the program expects, a region. Output: a `CostChange`. Both sides
are reckoned with the same usage and the same prices, so the difference is what the infrastructure makes. Refuses
nothing. No calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from klotho.catalogue.costs import Estimate, Usages, estimate
from klotho.deploy.template_resources import Templates, resources_of


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
    return estimate(resources_of(templates), usages, region)
