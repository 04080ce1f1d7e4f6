"""What is made small: the cost, unless the application says `requires(objective=…)`.

Input: the requirement and every offer that may be taken. Output: points for the solver, whole numbers of which fewer
are better. With cost alone they are millionths of a US dollar. Other goals are put on one scale, from nothing to the
worst that is offered, and weighed; what is equal in them is decided by cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from klotho.application import Application, Requirement
from klotho.catalogue.availability import promise_of
from klotho.catalogue.offers import Offer, latency_ms

OBJECTIVE = "objective"
GOALS = ("cost", "latency", "availability", "operability")
_POINTS = 10**15
"""Of a goal at its worst; so many that a difference of cost only decides between what is equal otherwise."""


def objective_of(application: Application) -> tuple[Mapping[str, float], Requirement | None]:
    """Weights by goal, that sum up to 1, and who says so."""
    found = application.requirements_of_application.get(OBJECTIVE)
    if found is None:
        return {"cost": 1.0}, None
    given = found.value if isinstance(found.value, Mapping) else {str(found.value): 1.0}
    whole = sum(float(str(weight)) for weight in given.values())
    return {goal: float(str(given[goal])) / whole for goal in GOALS if given.get(goal)}, found


def worst(offer: Offer) -> dict[str, float]:
    """How bad it is, by goal, each from 0."""
    promise = promise_of(offer.implementation)
    return {
        "latency": latency_ms(offer.facts),
        "availability": 0.0 if promise is None else 100 - promise.alone,
        "operability": 5.0 - float(offer.facts.get("operability", 3)),
    }


@dataclass(frozen=True)
class Scale:
    """Points of offers and of shared parts."""

    weights: Mapping[str, float]
    at_worst: Mapping[str, float]

    @classmethod
    def of(cls, weights: Mapping[str, float], offers: Iterable[Offer]) -> Scale:
        at_worst = dict.fromkeys(GOALS, 0.0)
        for offer in offers:
            for goal, value in {"cost": float(offer.worth.total), **worst(offer)}.items():
                at_worst[goal] = max(at_worst[goal], value)
        return cls(weights, at_worst)

    @property
    def by_cost_alone(self) -> bool:
        return set(self.weights) == {"cost"}

    def points(self, offer: Offer, own: int) -> int:
        """`own`: what it costs by itself, in millionths of a US dollar."""
        if self.by_cost_alone:
            return own
        bad = worst(offer)
        others = sum(
            weight * bad[goal] / self.at_worst[goal]
            for goal, weight in self.weights.items()
            if goal != "cost" and self.at_worst[goal]
        )
        return round(_POINTS * others) + self.points_of_part(own)

    def points_of_part(self, cost: int) -> int:
        if self.by_cost_alone or not self.at_worst["cost"]:
            return cost
        return round(_POINTS * self.weights.get("cost", 0.0) * cost / self.at_worst["cost"]) + cost
