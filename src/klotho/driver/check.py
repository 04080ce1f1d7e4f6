"""`check`: the program compiles, and what it is made of can be built.

Input: a program, an environment's name. Output: the `Build`, whose warnings are worth showing. Refuses every mistake
that `up` would refuse before it begins. Asks no cloud, writes nothing.
"""

from __future__ import annotations

from klotho.driver.build import Build, build
from klotho.driver.deployment import asset_step_of
from klotho.driver.machine import runs_in_ci
from klotho.driver.program import Program


def check(program: Program, environment: str | None) -> Build:
    built = build(program, environment, in_ci=runs_in_ci())
    asset_step_of(built, lambda event: None).validate()
    return built
