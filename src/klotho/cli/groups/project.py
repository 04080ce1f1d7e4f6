"""`klotho project`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from klotho.cli.groups.pictures import FormatOption, OutOption, Theme, ThemeOption
from klotho.cli.options import PROGRAM, EnvironmentOption, JsonOption, ProgramOption, YesOption

project = typer.Typer(
    help="The project: applications of several repositories that belong together.",
    rich_markup_mode=None,
    no_args_is_help=True,
)


@project.command("ls")
def project_ls(
    env: Annotated[
        str | None,
        typer.Option("--env", "-e", metavar="NAME", help="An environment on AWS: what is in its account and region."),
    ] = None,
    program: ProgramOption = PROGRAM,
    as_json: JsonOption = False,
) -> int:
    """Show the projects on this machine, or in an account."""
    from klotho.cli.commands.project import list_all

    return list_all(program, env, as_json)


@project.command("show")
def project_show(env: EnvironmentOption = None, program: ProgramOption = PROGRAM, as_json: JsonOption = False) -> int:
    """Show the applications of this project: whose they are, what they define, when they were deployed."""
    from klotho.cli.commands.project import show

    return show(program, env, as_json)


@project.command("graph")
def project_graph(
    env: EnvironmentOption = None,
    format_: FormatOption = None,
    out: OutOption = None,
    theme: ThemeOption = Theme.auto,
    program: ProgramOption = PROGRAM,
    as_json: JsonOption = False,
) -> int:
    """Draw the project: its applications, and what goes between them.

    As it is published, with this program as it is now.
    """
    from klotho.cli.commands.project import graph

    return graph(program, env, None if format_ is None else format_.value, out, theme.value, as_json)


@project.command("up")
def project_up(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PATH]...",
            help="Programs, or folders that hold some; this folder unless given.",
            show_default=False,
        ),
    ] = None,
    env: EnvironmentOption = None,
    yes: YesOption = False,
    delete_data: Annotated[
        list[str] | None,
        typer.Option("--delete-data", metavar="NAME", help="Let the data of this database, table or bucket go."),
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Bring several applications up as one release.

    Whoever defines something comes before whoever uses it. All are compared with each other before anything is
    deployed; one that needs another that failed is left as it is.
    """
    from klotho.cli.commands.project_up import run

    return run(paths or [Path()], env, yes, delete_data or [], as_json)


@project.command("check")
def project_check(env: EnvironmentOption = None, program: ProgramOption = PROGRAM, as_json: JsonOption = False) -> int:
    """Find out whether this program and all others of the project fit together.

    Needs what they have published, not their code.
    """
    from klotho.cli.commands.project import check

    return check(program, env, as_json)
