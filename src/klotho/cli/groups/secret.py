"""`klotho secret`."""

from __future__ import annotations

from typing import Annotated

import typer

from klotho.cli.options import PROGRAM, AsksNothingOption, EnvironmentOption, JsonOption, ProgramOption, YesOption

secret = typer.Typer(
    help="Give secrets their values, which are never shown.",
    rich_markup_mode=None,
    no_args_is_help=True,
)
SecretArgument = Annotated[str, typer.Argument(metavar="NAME", help="The secret's name in the program.")]


@secret.command("set")
def secret_set(
    name: SecretArgument,
    # Taken so that a value given by mistake is refused without being repeated on the screen.
    rest: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
    program: ProgramOption = PROGRAM,
    env: EnvironmentOption = None,
    yes: AsksNothingOption = False,
    as_json: JsonOption = False,
) -> None:
    """Set a secret's value, typed without echo or piped in.

    From a file: klotho secret set NAME < file.
    """
    from klotho.cli.commands.secret import set_value

    set_value(name, rest or [], program, env, as_json)


@secret.command("ls")
def secret_ls(
    program: ProgramOption = PROGRAM,
    env: EnvironmentOption = None,
    yes: AsksNothingOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show which secrets have a value, and since when."""
    from klotho.cli.commands.secret import list_all

    list_all(program, env, as_json)


@secret.command("rm")
def secret_rm(
    name: SecretArgument,
    program: ProgramOption = PROGRAM,
    env: EnvironmentOption = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Remove a secret's value for good; the secret stays, empty."""
    from klotho.cli.commands.secret import remove

    remove(name, program, env, yes, as_json)
