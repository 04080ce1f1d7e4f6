"""`klotho explain`."""

from __future__ import annotations

from typing import Annotated

import typer

from klotho.cli.options import PROGRAM, AsksNothingOption, EnvironmentOption, JsonOption, ProgramOption


def explain(
    topic: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]",
            help="`orders`, `OrdersTaskRole`, `OrdersService.DesiredCount`, `AWS::IAM::Role`, an output, a stack; a "
            "construct such as `Databases.Postgres`, or a code as in `error[CODE]`; all of these two unless named.",
        ),
    ] = None,
    env: EnvironmentOption = None,
    short: Annotated[bool, typer.Option("--short", "-s", help="One paragraph.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Every property, with its rule and what lost.")
    ] = False,
    program: ProgramOption = PROGRAM,
    yes: AsksNothingOption = False,
    as_json: JsonOption = False,
) -> None:
    """Explain why something is there, a construct, or a code.

    Of the program: the way from your line to a resource or property, who decided it and what lost against that.
    A construct: its parameters, outputs and verbs. A code: what it means, why it matters, what to do.
    """
    from klotho.cli.commands.explain import run

    run(topic, program, env, "verbose" if verbose else "short" if short else "default", as_json)
