"""`check`: the program compiles, and what it is made of can be built.

Input: a program, an environment's name. Output: the `Build`, whose warnings are worth showing. Refuses every mistake
that `up` would refuse before it begins, also what does not fit to the other applications of the project. Writes
nothing. Asks no cloud: what others have published in an account is read only on request.
"""

from __future__ import annotations

from pathlib import Path

from klotho.diagnostics import Diagnostic, Failure, ProgramError
from klotho.driver import guardrail_effects as effects
from klotho.driver import projects, session
from klotho.driver.build import Build, Described, compiled, describe
from klotho.driver.deployment import asset_step_of
from klotho.driver.guardrail_effects import Difference
from klotho.driver.guardrails import BrokenRules
from klotho.driver.machine import runs_in_ci
from klotho.driver.program import Program


def check(program: Program, environment: str | None, *, ask_account: bool = False) -> Build:
    """`ask_account`: read the project's registry also where it is in an account, which takes credentials."""
    described = describe(program, environment, in_ci=runs_in_ci())
    try:
        built = compiled(described, ask=ask_account)
        asset_step_of(built, lambda event: None).validate()
    except ProgramError as error:
        more = [item for item in _also_misfits(described, ask_account) if item not in error.diagnostics]
        found = [*error.diagnostics, *more]
        judged = error.judgement if isinstance(error, BrokenRules) else None
        raise (BrokenRules(found, judged) if judged is not None else ProgramError(found)) from error
    if ask_account or described.environment.target == "local":
        projects.refuse_misfit(described, _opened(described))
    return built


def blast_radius(program: Program, environment: str | None, bundle: Path) -> list[Difference]:
    """What a changed bundle would do to every application of the project that is in the registry."""
    described = describe(program, environment, in_ci=runs_in_ci())
    return effects.blast_radius(described, bundle, _opened(described))


def _also_misfits(described: Described, ask_account: bool) -> list[Diagnostic]:
    """What joining says of a program that has other mistakes. That the registry can't be read is told once they are
    mended."""
    if not (ask_account or described.environment.target == "local"):
        return []
    try:
        return projects.misfits(described, _opened(described))
    except Failure:
        return []


def _opened(described: Described) -> session.Session | None:
    environment = described.environment
    return None if environment.target == "local" else session.answering(environment, described.application.project)
