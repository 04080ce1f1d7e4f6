"""`klotho cost`."""

from __future__ import annotations

from typing import Annotated

import typer

from klotho.cli.options import PROGRAM, AsksNothingOption, EnvironmentOption, JsonOption, ProgramOption


def cost(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A construct: all its lines.", show_default=False)
    ] = None,
    env: EnvironmentOption = None,
    project: Annotated[
        bool, typer.Option("--project", help="All applications of the project, what they share once.")
    ] = False,
    alternatives: Annotated[
        bool, typer.Option("--alternatives", help="What else each construct could have been, and why it is not.")
    ] = False,
    program: ProgramOption = PROGRAM,
    yes: AsksNothingOption = False,
    as_json: JsonOption = False,
) -> None:
    """Estimate what the application costs in a month.

    By the list prices Klotho knows and the use that the program expects. Deploys nothing.
    """
    from klotho.cli.commands.cost import run

    run(name, program, env, project, alternatives, as_json)
