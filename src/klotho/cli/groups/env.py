"""`klotho env`."""

from __future__ import annotations

from typing import Annotated

import typer

from klotho.cli.options import PROGRAM, JsonOption, ProgramOption, YesOption

env = typer.Typer(
    help="Environments: the places this application is deployed to.",
    rich_markup_mode=None,
    no_args_is_help=True,
)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The environment.")]


@env.command("ls")
def env_ls(
    live: Annotated[bool, typer.Option("--live", help="Ask the accounts on AWS what is deployed.")] = False,
    program: ProgramOption = PROGRAM,
    as_json: JsonOption = False,
) -> int:
    """Show the environments of klotho.yaml and what lives in them."""
    from klotho.cli.commands.env import list_all

    return list_all(program, live, as_json)


@env.command("set")
def env_set(
    name: NameArgument,
    target: Annotated[
        str | None, typer.Option("--target", metavar="WHERE", help="`local` (this machine) or `aws`.")
    ] = None,
    region: Annotated[str | None, typer.Option("--region", metavar="REGION", help="For example eu-central-1.")] = None,
    account: Annotated[
        str | None, typer.Option("--account", metavar="DIGITS", help="The only account to deploy to.")
    ] = None,
    profile: Annotated[
        str | None, typer.Option("--profile", metavar="NAME", help="The profile of AWS's files to use.")
    ] = None,
    role: Annotated[str | None, typer.Option("--role", metavar="ARN", help="The role to deploy with.")] = None,
    per: Annotated[str | None, typer.Option("--per", metavar="OWNER", help="One for each `user` or `branch`.")] = None,
    ttl: Annotated[
        str | None, typer.Option("--ttl", metavar="TIME", help="How long it stays after its last `up`: 3d.")
    ] = None,
    protect: Annotated[bool | None, typer.Option("--protect/--no-protect", help="Its data can't be deleted.")] = None,
    program: ProgramOption = PROGRAM,
    as_json: JsonOption = False,
) -> int:
    """Write an environment to klotho.yaml, or change one.

    The rest of the file stays as it is.
    """
    from klotho.cli.commands.env import set_one

    given = {"target": target, "region": region, "account": account, "profile": profile, "role": role}
    return set_one(program, name, {**given, "per": per, "ttl": ttl, "protect": protect}, as_json)


@env.command("rm")
def env_rm(
    name: NameArgument, program: ProgramOption = PROGRAM, yes: YesOption = False, as_json: JsonOption = False
) -> int:
    """Remove this application from a short-lived environment.

    With its data. Short-lived are those with `per:` or `ttl:` in klotho.yaml.
    """
    from klotho.cli.commands.env import remove

    return remove(program, name, yes, as_json)


@env.command("prune")
def env_prune(program: ProgramOption = PROGRAM, yes: YesOption = False, as_json: JsonOption = False) -> int:
    """Remove what has outlived its `ttl:`, with its data."""
    from klotho.cli.commands.env import prune

    return prune(program, yes, as_json)
