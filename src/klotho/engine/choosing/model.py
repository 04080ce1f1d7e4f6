"""The problem: every variable gets one of its options; shared parts are paid once, whoever uses them.

Amounts are integers (micro-dollars a month, or points of another objective), so that sums are exact in any order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from klotho.diagnostics import Span


class Statement(NamedTuple):
    """Something the user said that can rule an option out: a requirement, a directive, a guardrail."""

    words: str
    """As the user would say it: `requires(max_duration_s=1200)`."""
    span: Span | None = None


class Refusal(NamedTuple):
    """Why an option can't be taken."""

    reason: str
    by: Statement | None = None
    """None where no statement could change it."""


@dataclass(frozen=True, slots=True)
class Option:
    """One way to fill a variable."""

    name: str
    amount: int = 0
    """What it costs by itself, >= 0."""
    parts: frozenset[str] = frozenset()
    """Shared parts it uses, keys of `Problem.parts`."""
    needs: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Variables that must have one of these options when this one is taken. Says exclusions, too: all but one."""
    refusals: tuple[Refusal, ...] = ()
    cost: int = 0
    """What of the budget it takes by itself, >= 0. Only looked at where there is a budget."""


@dataclass(frozen=True, slots=True)
class Variable:
    """Something to decide. Its options stand in order of preference: of equally cheap ones the first is taken."""

    name: str
    options: tuple[Option, ...]


@dataclass(frozen=True)
class Problem:
    """Variables in order of importance: of equally cheap combinations the one that gives the first variable its first
    option is taken, then the second, and so on. That makes the answer unique."""

    variables: tuple[Variable, ...]
    parts: Mapping[str, int] = field(default_factory=dict)
    """What each shared part costs, once, >= 0."""
    part_costs: Mapping[str, int] = field(default_factory=dict)
    """What of the budget each shared part takes, once, >= 0."""
    budget: int | None = None
    """The most that all costs together may be; None: whatever they are."""

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """Everything that rules something out, in order of appearance."""
        refusals = (item for variable in self.variables for option in variable.options for item in option.refusals)
        return tuple(dict.fromkeys(item.by for item in refusals if item.by is not None))

    def amount(self, taken: Mapping[str, str]) -> int:
        """What a combination is worth: the less the better."""
        options, used = self._used(taken)
        return sum(option.amount for option in options) + sum(self.parts[part] for part in used)

    def cost(self, taken: Mapping[str, str]) -> int:
        """What of the budget a combination takes."""
        options, used = self._used(taken)
        return sum(option.cost for option in options) + sum(self.part_costs.get(part, 0) for part in used)

    def _used(self, taken: Mapping[str, str]) -> tuple[list[Option], set[str]]:
        options = [next(o for o in item.options if o.name == taken[item.name]) for item in self.variables]
        return options, {part for option in options for part in option.parts}


@dataclass(frozen=True)
class Solution:
    """The cheapest combination."""

    taken: Mapping[str, str]
    """The option's name, by variable."""
    amount: int
    proven: bool = True
    """Whether nothing cheaper exists; False when the search was stopped after `solve.PATIENCE` steps."""
    steps: int = 0
    """Decisions that were tried; 0 when nothing had to be weighed jointly."""
