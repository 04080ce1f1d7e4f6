"""Which application in which environment, without compiling anything.

Input: a program and the environment's name. Output: an `Identity`. A program with mistakes is fine as long as it
says who it is: `status`, `logs` and `down` must work when the program does not compile. Refuses one that does not
(`ProgramError` with its mistakes).
"""

from __future__ import annotations

from dataclasses import dataclass

from klotho.diagnostics import ProgramError
from klotho.driver.machine import runs_in_ci
from klotho.driver.program import Program, choose_environment, with_region
from klotho.driver.settings import Environment


@dataclass(frozen=True, slots=True)
class Identity:
    program: Program
    application: str
    project: str
    environment: Environment
    """With its region."""


def identify(program: Program, environment_name: str | None) -> Identity:
    """Run the program for its names only."""
    from klotho.sdk.program import run

    application, report = run(program.path)
    settings = program.settings
    if application is None:
        raise ProgramError(report.diagnostics)
    environment = choose_environment(program, environment_name, application.environment, runs_in_ci())
    return Identity(
        program,
        settings.app or application.name,
        settings.project or application.project,
        with_region(environment, application.region),
    )
