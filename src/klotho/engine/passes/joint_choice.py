"""The choice for all constructs together: what they share is paid once, and so is the way out of the network.

Input: for each construct the offers that fit. Output: the name of the one taken. A construct inside the network has an
option for each way out it can do with; the way itself is a variable of its own, decided last among equals, and made by
`place_in_network` from what was taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from klotho.application import Construct, ConstructId
from klotho.catalogue.kinds.network import KIND as NETWORK
from klotho.catalogue.objective import Scale, objective_of
from klotho.catalogue.offers import Offer
from klotho.catalogue.ways_out import ENDPOINTS, NAT, Reach, amounts, endpoint_parts, nat_is_paid, reach
from klotho.engine.choosing import Option, Problem, Variable, solve
from klotho.engine.context import Context

_EGRESS = "way out of the network"
_NONE = "none"


def solved(fitting: Mapping[ConstructId, tuple[Offer, ...]], context: Context) -> dict[ConstructId, str]:
    """What each construct becomes."""
    weights, _ = objective_of(context.application)
    open_ = [offer for found in fitting.values() if len(found) > 1 for offer in found]
    scale = Scale.of(weights, open_)
    problem = _Joint(scale, context).problem(fitting)
    solution = solve(problem)
    if solution is None:  # the budget: what costs least comes nearest, and `check` says by how much it misses
        solution = solve(_Joint(Scale.of({"cost": 1.0}, open_), context).problem(fitting))
    assert solution is not None, "every construct has candidates, and each can do with some way out"
    if not solution.proven:
        _say_unproven(context)
    return {name: solution.taken[name].partition(" by way of ")[0] for name in fitting if fitting[name]}


def _say_unproven(context: Context) -> None:
    context.report.warning(
        "choice-not-proven",
        f"{context.application.name} is good, and nobody knows whether it is the best: the search was stopped",
        helps=["pin what you know with `use(…)`, which leaves less to choose"],
    )


class _Joint:
    def __init__(self, scale: Scale, context: Context) -> None:
        self._scale, self._context = scale, context
        self._parts: dict[str, int] = {}
        self._endpoints: dict[str, int] = {}
        """What was reckoned, by service."""
        self._internet = False
        """Whether something that may be taken must reach it."""
        stated = next((item for item in context.application.constructs if item.kind == NETWORK), None)
        given = None if stated is None else stated.properties.get("egress")
        self._fixed = None if given in (None, "auto") else str(given)
        self._there = stated is not None and context.setting.adopted(stated) is not None

    def problem(self, fitting: Mapping[ConstructId, tuple[Offer, ...]]) -> Problem:
        application = self._context.application
        variables = []
        for name, found in fitting.items():
            construct = application.by_id[name]
            options = [option for offer in found for option in self._options(construct, offer, found)]
            if options and (len(found) > 1 or any(option.needs for option in options)):
                variables.append(Variable(name, tuple(options)))
            elif options:  # nothing about it is open, and nobody else's choice touches it
                variables.append(Variable(name, (Option(options[0].name, cost=options[0].cost),)))
        variables.append(Variable(_EGRESS, tuple(Option(way) for way in self._ways())))
        costs = {name: self._still(name, cost) for name, cost in self._parts.items()}
        parts = {name: self._scale.points_of_part(cost) for name, cost in costs.items()}
        if self._scale.by_cost_alone:  # the cheapest is within the budget, or nothing is
            return Problem(tuple(variables), parts)
        return Problem(tuple(variables), parts, costs, self._context.cap)

    def _still(self, part: str, cost: int) -> int:
        """What another application of the project pays already costs nothing more."""
        paid = self._context.paid
        there = nat_is_paid(paid) if part == NAT else part.removeprefix("shared:") in paid
        return 0 if there else cost

    def _ways(self) -> tuple[str, ...]:
        """Nothing opens the internet that nobody asks for."""
        if self._fixed is not None:
            return (_NONE, NAT if self._fixed.startswith(NAT) else ENDPOINTS)
        return (_NONE, ENDPOINTS, NAT) if self._internet or nat_is_paid(self._context.paid) else (_NONE, ENDPOINTS)

    def _options(self, construct: Construct, offer: Offer, found: tuple[Offer, ...]) -> Iterator[Option]:
        cost = self._own(offer, found)
        own = self._scale.points(offer, cost)
        shared = offer.worth.parts if len(found) > 1 else {}
        self._parts.update(shared)
        there = None if self._there else reach(construct, offer.implementation, self._context.worths)
        if there is None:
            yield Option(offer.name, own, frozenset(shared), cost=cost)
            return
        for way in self._suits(construct, there):
            parts = self._paid(way, there)
            self._parts.update(parts)
            needs = {_EGRESS: frozenset({way})}
            yield Option(f"{offer.name} by way of {way}", own, frozenset({*shared, *parts}), needs, cost=cost)

    def _own(self, offer: Offer, found: tuple[Offer, ...]) -> int:
        """What nobody knows the price of is taken for dearer than all that is known."""
        if not offer.worth.unknown:
            return offer.worth.own
        known = [item.worth.total for item in found if not item.worth.unknown]
        return max([offer.worth.own, *(cost + 1 for cost in known)])

    def _suits(self, construct: Construct, there: Reach) -> tuple[str, ...]:
        if self._fixed is not None:
            return self._ways()[1:]
        if there.internet:
            self._internet = True
            return (NAT,)
        return (ENDPOINTS, NAT)

    def _paid(self, way: str, there: Reach) -> Mapping[str, int]:
        worths = self._context.worths
        if way == ENDPOINTS:
            return endpoint_parts(there.services, worths, self._endpoints)
        return {NAT: self._nat()}

    def _nat(self) -> int:
        if NAT not in self._endpoints:
            self._endpoints[NAT] = amounts((), self._context.worths)[self._fixed or NAT]
        return self._endpoints[NAT]
