"""`klotho guardrails` and `klotho upgrade`: rules that a central team owns."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from klotho.cli.options import (
    PROGRAM,
    AsksNothingOption,
    EnvironmentOption,
    JsonOption,
    PathArgument,
    ProgramOption,
)

guardrails = typer.Typer(
    help="Rules of a central team, which can only be tightened.",
    rich_markup_mode=None,
    no_args_is_help=True,
)
BundleArgument = Annotated[Path, typer.Argument(metavar="PATH", help="The folder with its bundle.toml.")]


@guardrails.command("ls")
def guardrails_ls(env: EnvironmentOption = None, program: ProgramOption = PROGRAM, as_json: JsonOption = False) -> None:
    """Show the bundles that this application answers to."""
    from klotho.cli.commands.guardrails import list_all

    list_all(program, env, as_json)


@guardrails.command("show")
def guardrails_show(
    name: Annotated[str, typer.Argument(metavar="BUNDLE", help="One that Klotho brings, or a folder: `./rules`.")],
    rule: Annotated[str | None, typer.Argument(metavar="[RULE]", help="Only this rule.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the rules of a bundle: what they demand, why, and what to do."""
    from klotho.cli.commands.guardrails import show

    show(name, rule, as_json)


@guardrails.command("test")
def guardrails_test(path: BundleArgument = Path(), as_json: JsonOption = False) -> int:
    """Compile the programs that a bundle brings as tests.

    Compares the rules each breaks with those it is to break.
    """
    from klotho.cli.commands.guardrails import test

    return test(path, as_json)


@guardrails.command("schema")
def guardrails_schema() -> None:
    """Print the JSON schema of bundle.toml, for editors."""
    from klotho.cli.commands.guardrails import schema

    schema()


@guardrails.command("publish")
def guardrails_publish(
    path: BundleArgument = Path(),
    env: EnvironmentOption = None,
    program: ProgramOption = PROGRAM,
    as_json: JsonOption = False,
) -> None:
    """Put a bundle into the project's store, for an environment.

    From then on every application of the project has to name it there.
    """
    from klotho.cli.commands.guardrails import publish

    publish(path, program, env, as_json)


def upgrade(
    path: PathArgument = PROGRAM,
    env: EnvironmentOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what the newer rules would change for this program.")
    ] = False,
    yes: AsksNothingOption = False,
    as_json: JsonOption = False,
) -> int:
    """Take the newest version of every bundle of rules.

    klotho.lock pins it. Shows which rules are new, and what they change for this program.
    """
    from klotho.cli.commands.upgrade import run

    return run(path, env, dry_run, as_json)
