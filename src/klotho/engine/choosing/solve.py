"""The exact solver: branch and bound over what is shared, decomposing after every decision.

Input: a Problem. Output: the one cheapest Solution, or None where no combination is allowed. Once it is decided
whether a shared part is paid, and what a variable that others need becomes, what is left mostly falls into independent
pieces, each settled by itself. Ties are part of the amount: below its last digit stand the places of the options
taken, the first variable's place first, so that the optimum is unique whatever the order of the search.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from klotho.engine.choosing.model import Option, Problem, Solution

PATIENCE = 50_000
"""Decisions tried before the best combination found so far is taken, unproven."""


class State(NamedTuple):
    """A piece of the problem: what is still open in it."""

    domains: dict[str, tuple[Option, ...]]
    paid: frozenset[str]
    closed: frozenset[str]


class _Found(NamedTuple):
    amount: int
    taken: dict[str, str]


def solve(problem: Problem) -> Solution | None:
    """The cheapest allowed combination, within the budget where there is one; None where there is none."""
    found = _solved(problem)
    if found is None or problem.budget is None or problem.cost(found.taken) <= problem.budget:
        return found
    from klotho.engine.choosing.budgeted import solve_within

    return solve_within(problem)


def _solved(problem: Problem) -> Solution | None:
    """Whatever it costs."""
    domains = {
        variable.name: tuple(option for option in variable.options if not option.refusals)
        for variable in problem.variables
    }
    search = Search.of(problem)
    found = search.best(State(domains, frozenset(), frozenset()), None)
    if found is None:
        return None
    return Solution(found.taken, problem.amount(found.taken), not search.gave_up, search.steps)


@dataclass
class Search:
    own: Mapping[tuple[str, str], int]
    """Amounts with the tie-break, by variable and option."""
    parts: Mapping[str, int]
    steps: int = 0
    gave_up: bool = False
    related: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Variables by those that any of their options names, both ways."""

    @classmethod
    def of(cls, problem: Problem) -> Search:
        places, own = 1, {}
        for variable in reversed(problem.variables):
            for place, option in enumerate(variable.options):
                own[variable.name, option.name] = (option.amount, place * places)
            places *= max(len(variable.options), 1)
        related: dict[str, set[str]] = {item.name: set() for item in problem.variables}
        for variable in problem.variables:
            for other in {name for option in variable.options for name in option.needs}:
                related[variable.name].add(other)
                related[other].add(variable.name)
        return cls(
            {key: amount * places + tie for key, (amount, tie) in own.items()},
            {name: amount * places for name, amount in problem.parts.items()},
            related={name: frozenset(others) for name, others in related.items()},
        )

    def of_combination(self, problem: Problem, taken: Mapping[str, str]) -> int:
        """What a combination is worth, with its place among equals."""
        parts = {
            part for item in problem.variables for o in item.options if o.name == taken[item.name] for part in o.parts
        }
        return sum(self.own[name, option] for name, option in taken.items()) + sum(self.parts[part] for part in parts)

    def best(self, state: State, limit: int | None) -> _Found | None:
        """The cheapest way to fill the piece for less than `limit`; None where there is none."""
        reduced = self.propagated(state)
        if reduced is None:
            return None
        state, amount = reduced
        pieces = list(self.pieces(state))
        bounds = [self.bound(piece) for piece in pieces]
        open_bound = sum(bounds)
        taken: dict[str, str] = {}
        for piece, bound in zip(pieces, bounds, strict=True):
            open_bound -= bound
            left = None if limit is None else limit - amount - open_bound
            if left is not None and bound >= left:
                return None
            found = self._settled(piece) or self._branched(piece, left)
            if found is None or (left is not None and found.amount >= left):
                return None
            amount += found.amount
            taken |= found.taken
        return _Found(amount, taken) if limit is None or amount < limit else None

    def propagated(self, state: State) -> tuple[State, int] | None:
        """Without options that are out by now, and with the parts paid that nothing gets around; their amount."""
        domains = state.domains
        if state.closed:
            domains = {
                name: tuple(option for option in options if not option.parts & state.closed)
                for name, options in domains.items()
            }
        waiting = set(domains)
        names = {name: frozenset(option.name for option in options) for name, options in domains.items()}
        domains = dict(domains)
        while waiting:  # in rounds, so that what many depend on is looked at once a round
            looked_at, waiting = waiting, set()
            for name in looked_at:
                left = tuple(option for option in domains[name] if self._possible(name, option, domains, names))
                if not left:
                    return None
                if len(left) < len(domains[name]):
                    domains[name], names[name] = left, frozenset(option.name for option in left)
                    waiting.update(other for other in self.related[name] if other in domains)
        forced = {
            part
            for options in domains.values()
            for part in frozenset.intersection(*(option.parts for option in options)) - state.paid
        }
        return State(domains, state.paid | forced, state.closed), sum(self.parts[part] for part in forced)

    def _possible(
        self, name: str, option: Option, domains: dict[str, tuple[Option, ...]], names: dict[str, frozenset[str]]
    ) -> bool:
        if any(not allowed & names[other] for other, allowed in option.needs.items() if other in names):
            return False
        return all(
            any(option.name in other.needs.get(name, (option.name,)) for other in domains[related])
            for related in self.related[name]
            if related in domains
        )

    def pieces(self, state: State) -> Iterator[State]:
        """What has nothing to do with each other, in the order of the variables."""
        users: dict[str, set[str]] = {}
        near: dict[str, set[str]] = {name: set() for name in state.domains}
        for name, options in state.domains.items():
            for part in {part for option in options for part in option.parts - state.paid}:
                users.setdefault(part, set()).add(name)
            for other in self._bound_to(name, state):
                near[name].add(other)
                near[other].add(name)
        seen: set[str] = set()
        places = {name: place for place, name in enumerate(state.domains)}
        for start in state.domains:
            if start in seen:
                continue
            piece, ends = {start}, [start]
            while ends:
                name = ends.pop()
                unpaid = {part for option in state.domains[name] for part in option.parts - state.paid}
                reached = near[name].union(*(users.pop(part, ()) for part in unpaid)) - piece
                piece |= reached
                ends += reached
            seen |= piece
            inside = sorted(piece, key=places.__getitem__)  # not all names for each piece: there may be as many pieces
            yield state._replace(domains={name: state.domains[name] for name in inside})

    def _bound_to(self, name: str, state: State) -> Iterator[str]:
        """The variables that still matter for one of its options."""
        for option in state.domains[name]:
            for other, allowed in option.needs.items():
                if any(item.name not in allowed for item in state.domains.get(other, ())):
                    yield other

    def _users(self, state: State) -> dict[str, int]:
        count: dict[str, int] = {}
        for options in state.domains.values():
            for part in {part for option in options for part in option.parts - state.paid}:
                count[part] = count.get(part, 0) + 1
        return count

    def bound(self, state: State) -> int:
        """No way to fill the piece costs less: everybody pays an equal share of the parts it may use."""
        count = self._users(state)
        share = {part: self.parts[part] // users for part, users in count.items()}
        return sum(
            min(
                self.own[name, option.name] + sum(share[part] for part in option.parts - state.paid)
                for option in options
            )
            for name, options in state.domains.items()
        )

    def _settled(self, piece: State) -> _Found | None:
        """A piece of one variable; None for others."""
        if len(piece.domains) > 1:
            return None
        ((name, options),) = piece.domains.items()
        amounts = {
            option.name: self.own[name, option.name] + sum(self.parts[part] for part in option.parts - piece.paid)
            for option in options
        }
        taken = min(amounts, key=amounts.__getitem__)
        return _Found(amounts[taken], {name: taken})

    def _branched(self, piece: State, limit: int | None) -> _Found | None:
        """Decide what most depends on, every way that could still be the cheapest."""
        found: _Found | None = None
        for branch, paid in self.branches(piece):
            if self.steps >= PATIENCE and found is not None:
                self.gave_up = True
                break
            self.steps += 1
            left = limit if found is None else found.amount
            better = self.best(branch, None if left is None else left - paid)
            if better is not None:
                found = _Found(better.amount + paid, better.taken)
        return found

    def branches(self, piece: State) -> Iterable[tuple[State, int]]:
        """Ways to make the decision with what each pays at once, the most promising first."""
        weight = dict.fromkeys(piece.domains, 0)
        for name in piece.domains:
            for other in set(self._bound_to(name, piece)):
                weight[name] += 1
                weight[other] += 1
        users = {part: count for part, count in self._users(piece).items() if count > 1}
        part = min(users, key=lambda item: (-users[item], item), default=None)
        open_names = [name for name, options in piece.domains.items() if len(options) > 1]
        hub = min(open_names, key=lambda name: -weight[name], default=None)
        if part is not None and (hub is None or users[part] >= weight[hub]):
            ways = [
                (piece._replace(paid=piece.paid | {part}), self.parts[part]),
                (piece._replace(closed=piece.closed | {part}), 0),
            ]
        else:
            assert hub is not None, "a piece of several variables has something to decide"
            ways = [(piece._replace(domains=piece.domains | {hub: (one,)}), 0) for one in piece.domains[hub]]
        return sorted(ways, key=lambda way: self._promise(*way))

    def _promise(self, state: State, paid: int) -> tuple[int, int]:
        domains = {
            name: tuple(option for option in options if not option.parts & state.closed)
            for name, options in state.domains.items()
        }
        if not all(domains.values()):
            return 1, 0
        return 0, paid + self.bound(state._replace(domains=domains))
