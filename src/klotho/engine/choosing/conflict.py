"""Why nothing fits: a smallest set of statements that can't hold together.

Input: a problem without a solution. Output: statements none of which could be left out of the conflict; empty where
it has no solution whatever the user says. Deletion-based: a statement without which nothing is still possible is not
part of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from klotho.engine.choosing.model import Option, Problem, Statement
from klotho.engine.choosing.solve import solve


def conflicting(problem: Problem) -> tuple[Statement, ...]:
    """In order of appearance."""
    kept = list(problem.statements)
    for statement in reversed(problem.statements):
        without = [item for item in kept if item is not statement]
        if not possible(problem, without):
            kept = without
    return tuple(kept)


def possible(problem: Problem, said: Iterable[Statement]) -> bool:
    """Whether anything is allowed when only these statements hold. Amounts play no part."""
    heard = set(said)

    def still(option: Option) -> Option:
        refusals = tuple(item for item in option.refusals if item.by is None or item.by in heard)
        return replace(option, amount=0, parts=frozenset(), refusals=refusals)

    variables = tuple(
        replace(item, options=tuple(still(option) for option in item.options)) for item in problem.variables
    )
    return solve(Problem(variables)) is not None
