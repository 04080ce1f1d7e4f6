"""`check`: the program compiles, and what it is made of can be built.

Input: a program, an environment's name. Output: the `Build`, whose warnings are worth showing. Refuses every mistake
that `up` would refuse before it begins, also what does not fit to the other applications of the project. Writes
nothing. Asks no cloud: what others have published in an account is read only on request.
"""

from __future__ import annotations

from klotho.driver import projects, session
from klotho.driver.build import Build, build
from klotho.driver.deployment import asset_step_of
from klotho.driver.machine import runs_in_ci
from klotho.driver.program import Program


def check(program: Program, environment: str | None, *, ask_account: bool = False) -> Build:
    """`ask_account`: read the project's registry also where it is in an account, which takes credentials."""
    built = build(program, environment, in_ci=runs_in_ci(), ask=ask_account)
    asset_step_of(built, lambda event: None).validate()
    if built.environment.target == "local":
        projects.refuse_misfit(built, None)
    elif ask_account:
        projects.refuse_misfit(built, session.answering(built.environment, built.application.project))
    return built
