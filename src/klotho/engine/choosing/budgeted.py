"""The best combination within a budget, where something else than the cost is to be best.

Input: a Problem with a budget. Output: its one best Solution that costs no more, or None. A budget ties everything
together: pieces that have nothing else to do with each other are no longer settled one by one. Each piece gives its
front instead (every way to fill it that none is both better and cheaper than), and fronts are added up. What a fast
search with a price on money finds first is the limit that keeps them short.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from klotho.engine.choosing.model import Problem, Solution
from klotho.engine.choosing.solve import Search, State, solve

PATIENCE = 5_000
"""Decisions tried, and ways kept at once, before the best found so far is taken, unproven."""
_DEAREST = 64
"""Twofold steps of the price on money: at the last one nothing but the cost counts."""


class _Way(NamedTuple):
    amount: int
    cost: int
    taken: tuple[Any, ...]
    """Pairs of variable and option, nested: flattened once, for the way that is taken."""


def solve_within(problem: Problem) -> Solution | None:
    """The best combination that costs at most `problem.budget`; None where none does."""
    assert problem.budget is not None
    first = _with_a_price_on_money(problem)
    if first is None:
        return None
    search = _Within.of(problem)
    everything = State(
        {item.name: tuple(o for o in item.options if not o.refusals) for item in problem.variables},
        frozenset(),
        frozenset(),
    )
    limit = search.amounts.of_combination(problem, first)
    ways = search.front(everything, limit, problem.budget)
    best = min(ways, default=None, key=lambda way: way.amount)
    if best is None:
        return None
    taken = dict(_flat(best.taken))
    ordered = {item.name: taken[item.name] for item in problem.variables}
    return Solution(ordered, problem.amount(ordered), not search.gave_up, search.amounts.steps)


def _with_a_price_on_money(problem: Problem) -> Mapping[str, str] | None:
    """A combination within the budget that is good, not proven the best: the one of the lowest price that is found."""
    assert problem.budget is not None
    found, dear, cheap = None, 1 << _DEAREST, 0
    while cheap < dear:
        price = dear if found is None else (cheap + dear) // 2
        taken = solve(_priced(problem, price))
        if taken is None:
            return None
        if problem.cost(taken.taken) <= problem.budget:
            found, dear = taken.taken, price
        elif found is None:
            return None
        else:
            cheap = price + 1
        if found is not None and dear - cheap <= dear >> 4:
            break
    return found


def _priced(problem: Problem, price: int) -> Problem:
    variables = tuple(
        replace(item, options=tuple(replace(o, amount=o.amount + price * o.cost) for o in item.options))
        for item in problem.variables
    )
    parts = {name: amount + price * problem.part_costs.get(name, 0) for name, amount in problem.parts.items()}
    return Problem(variables, parts)


@dataclass
class _Within:
    amounts: Search
    costs: Search
    """The same problem with costs as amounts: what a piece costs at least."""
    gave_up: bool = False

    @classmethod
    def of(cls, problem: Problem) -> _Within:
        amounts = Search.of(problem)
        own = {(item.name, o.name): o.cost for item in problem.variables for o in item.options}
        parts = {name: problem.part_costs.get(name, 0) for name in problem.parts}
        return cls(amounts, Search(own, parts, related=amounts.related))

    def front(self, state: State, limit: int, money: int) -> list[_Way]:
        """Ways to fill the piece for an amount of at most `limit` and a cost of at most `money`, the cheapest first."""
        reduced = self.amounts.propagated(state)
        if reduced is None:
            return []
        left, amount = reduced
        ways = [_Way(amount, self._paid(state, left), ())]
        pieces = list(self.amounts.pieces(left))
        bounds = [(self.amounts.bound(piece), self.costs.bound(piece)) for piece in pieces]
        open_amount, open_cost = (sum(bound[at] for bound in bounds) for at in (0, 1))
        for piece, bound in zip(pieces, bounds, strict=True):
            open_amount, open_cost = open_amount - bound[0], open_cost - bound[1]
            most, dearest = limit - open_amount, money - open_cost
            least, cheapest = min((way.amount for way in ways), default=0), min((way.cost for way in ways), default=0)
            more = self._filled(piece, most - least, dearest - cheapest)
            ways = self._pruned(
                (_Way(a.amount + b.amount, a.cost + b.cost, (a.taken, b.taken)) for a in ways for b in more),
                most,
                dearest,
            )
            if not ways:
                return []
        return self._pruned(ways, limit, money)

    def _paid(self, before: State, after: State) -> int:
        return sum(self.costs.parts[part] for part in after.paid - before.paid)

    def _filled(self, piece: State, limit: int, money: int) -> list[_Way]:
        if len(piece.domains) == 1:
            return self._pruned(self._alone(piece), limit, money)
        found: list[_Way] = []
        for branch, paid in self.amounts.branches(piece):
            if self.amounts.steps >= PATIENCE and found:
                self.gave_up = True
                break
            self.amounts.steps += 1
            cost = self._paid(piece, branch)
            ways = self.front(branch, limit - paid, money - cost)
            found += (_Way(way.amount + paid, way.cost + cost, way.taken) for way in ways)
        return self._pruned(found, limit, money)

    def _alone(self, piece: State) -> Iterator[_Way]:
        ((name, options),) = piece.domains.items()
        for option in options:
            parts = option.parts - piece.paid
            yield _Way(
                self.amounts.own[name, option.name] + sum(self.amounts.parts[part] for part in parts),
                self.costs.own[name, option.name] + sum(self.costs.parts[part] for part in parts),
                ((name, option.name),),
            )

    def _pruned(self, ways: Iterable[_Way], limit: int, money: int) -> list[_Way]:
        """Without what is out of bounds, and what another one is both better and cheaper than."""
        kept: list[_Way] = []
        for way in sorted(ways, key=lambda item: (item.cost, item.amount)):
            if way.cost <= money and way.amount <= limit and (not kept or way.amount < kept[-1].amount):
                kept.append(way)
        if len(kept) > PATIENCE:
            self.gave_up = True
            kept = [*kept[: PATIENCE // 2], *kept[-PATIENCE // 2 :]]
        return kept


def _flat(taken: tuple[Any, ...]) -> Iterator[tuple[str, str]]:
    waiting = [taken]
    while waiting:
        item = waiting.pop()
        if len(item) == 2 and isinstance(item[0], str):
            yield item
        else:
            waiting += item
