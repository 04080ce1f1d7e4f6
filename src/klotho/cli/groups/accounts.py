"""`klotho bootstrap` and `klotho ci`."""

from __future__ import annotations

from typing import Annotated

import typer

from klotho.cli.options import PROGRAM, EnvironmentOption, JsonOption, ProgramOption, YesOption

ci = typer.Typer(
    help="Deploy from a CI service.",
    rich_markup_mode=None,
    no_args_is_help=True,
)


@ci.command("init")
def ci_init(
    env: Annotated[str, typer.Option("--env", "-e", metavar="NAME", help="The environment that a merge deploys to.")],
    branch: Annotated[str, typer.Option("--branch", metavar="NAME", help="The branch that is deployed.")] = "main",
    program: ProgramOption = PROGRAM,
    as_json: JsonOption = False,
) -> int:
    """Write a GitHub Actions workflow.

    Check and preview on pull requests, an environment for each branch where klotho.yaml has one, up on merge.
    """
    from klotho.cli.commands.accounts import ci_init as run

    return run(program, env, branch, as_json)


def bootstrap(
    env: EnvironmentOption = None,
    github: Annotated[
        list[str] | None,
        typer.Option("--github", metavar="OWNER/NAME", help="A repository whose workflows may deploy; repeatable."),
    ] = None,
    makes_provider: Annotated[
        bool,
        typer.Option("--github-provider/--no-github-provider", help="Make the account's identity provider for GitHub."),
    ] = True,
    program: ProgramOption = PROGRAM,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> int:
    """Make an AWS account ready, and a role that deploys this application.

    What every deployment needs `up` makes too; the role is for CI services and for people without rights of their own.
    """
    from klotho.cli.commands.accounts import bootstrap as run

    return run(program, env, github or [], makes_provider, yes, as_json)
