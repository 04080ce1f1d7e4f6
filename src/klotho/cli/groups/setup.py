"""Commands about this machine and this folder's settings: `config`, `doctor`, `whoami`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from klotho.cli.options import (
    PROGRAM,
    ApplicationOption,
    AsksNothingOption,
    EnvironmentOption,
    JsonOption,
    PathArgument,
    ProgramOption,
    ProjectOption,
)

setup = typer.Typer()
config = typer.Typer(help="Read and write settings of klotho.yaml.", rich_markup_mode=None, no_args_is_help=True)
setup.add_typer(config, name="config")

KeyArgument = Annotated[str, typer.Argument(metavar="KEY", help="With dots: environments.prod.region.")]
OfEnvironment = Annotated[
    str | None, typer.Option("--env", "-e", metavar="NAME", help="The key is one of this environment.")
]


@config.command("set")
def config_set(
    key: KeyArgument,
    value: Annotated[str, typer.Argument(metavar="VALUE", help="A text, `true`, `false`, or a list: '[exec, shell]'.")],
    env: OfEnvironment = None,
    program: ProgramOption = PROGRAM,
    as_json: JsonOption = False,
) -> None:
    """Write one setting; the rest of the file stays as it is, comments too."""
    from klotho.cli.commands.config import set_one

    set_one(key, value, env, program, as_json)


@config.command("get")
def config_get(
    key: KeyArgument, env: OfEnvironment = None, program: ProgramOption = PROGRAM, as_json: JsonOption = False
) -> None:
    """Show one setting, its bare value."""
    from klotho.cli.commands.config import get_one

    get_one(key, env, program, as_json)


@config.command("ls")
def config_ls(program: ProgramOption = PROGRAM, as_json: JsonOption = False) -> None:
    """Show every setting of the file."""
    from klotho.cli.commands.config import list_all

    list_all(program, as_json)


@setup.command()
def doctor(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The folder of a program; the one you are in.")] = Path(),
    env: EnvironmentOption = None,
    as_json: JsonOption = False,
) -> int:
    """See whether this machine has what the application needs.

    And what to do where it has not. With --env also what that environment needs.
    """
    from klotho.cli.commands.doctor import run

    return run(path, env, as_json)


@setup.command()
def whoami(
    path: PathArgument = PROGRAM,
    env: EnvironmentOption = None,
    application: ApplicationOption = None,
    project: ProjectOption = None,
    yes: AsksNothingOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show as whom and where commands act.

    Identity, account, region, environment and project.
    """
    from klotho.cli.commands.whoami import run

    run(path, env, application, project, as_json)
