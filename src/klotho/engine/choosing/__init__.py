"""Choosing is solving: variables with options, what they share, and the cheapest combination, exactly.

Knows no cloud and no application. See docs/choosing.md.
"""

from klotho.engine.choosing.conflict import conflicting
from klotho.engine.choosing.model import Option, Problem, Refusal, Solution, Statement, Variable
from klotho.engine.choosing.solve import solve

__all__ = ["Option", "Problem", "Refusal", "Solution", "Statement", "Variable", "conflicting", "solve"]
