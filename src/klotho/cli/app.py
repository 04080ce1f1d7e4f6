"""The commands and their options. Bodies live in `klotho.cli.commands` and are imported when a command runs, so that
`klotho --help` stays fast."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from klotho.cli.groups.accounts import bootstrap, ci
from klotho.cli.groups.annotated import annotated
from klotho.cli.groups.costs import cost
from klotho.cli.groups.env import env
from klotho.cli.groups.explaining import explain
from klotho.cli.groups.exports import BackendOption, Iac, LanguageOption, SingleOption, exports, wanted
from klotho.cli.groups.guardrails import guardrails, upgrade
from klotho.cli.groups.history import history
from klotho.cli.groups.operate import operate
from klotho.cli.groups.pictures import pictures
from klotho.cli.groups.project import project as projects
from klotho.cli.groups.secret import secret
from klotho.cli.groups.setup import setup
from klotho.cli.options import (
    PROGRAM,
    ApplicationOption,
    AsksNothingOption,
    BreakingOption,
    CheckFormat,
    EnvironmentOption,
    JsonOption,
    MoveOption,
    PathArgument,
    ProgramOption,
    ProjectOption,
    TakeOverOption,
    YesOption,
)

app = typer.Typer(
    name="klotho",
    help="Say what an application needs; Klotho derives the AWS infrastructure, and runs it on this machine too.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"klotho {version('klotho')}")
        raise typer.Exit


@app.callback()
def klotho(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Say what an application needs; Klotho derives the AWS infrastructure, and runs it on this machine too."""


@app.command()
def init(
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="The folder to make; the one you are in unless named.")
    ] = ".",
    env: Annotated[
        str | None, typer.Option("--env", "-e", metavar="NAME", help="The environment that the next step names.")
    ] = None,
    yes: AsksNothingOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write a small working application to start from."""
    from klotho.cli.commands.init import run

    run(name, env, as_json)


@app.command()
def build(
    path: PathArgument = PROGRAM,
    env: EnvironmentOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where to write; `compiled` unless named.")
    ] = None,
    iac: Annotated[Iac | None, typer.Option("--iac", help="Also as a program of this tool.")] = None,
    language: LanguageOption = None,
    single: SingleOption = False,
    backend: BackendOption = None,
    yes: AsksNothingOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write CloudFormation templates to `compiled/`.

    With --iac also Pulumi programs or Terraform modules. Deploys nothing.
    """
    from klotho.cli.commands.build import run

    run(path, env, out, as_json, wanted(iac, language, single, backend))


@app.command()
def check(
    path: PathArgument = PROGRAM,
    env: EnvironmentOption = None,
    project: Annotated[
        bool,
        typer.Option("--project", help="On AWS, read what the project's other applications published, too."),
    ] = False,
    bundle: Annotated[
        Path | None,
        typer.Option("--bundle", metavar="PATH", help="With --project: what this bundle of rules would newly fail."),
    ] = None,
    form: Annotated[
        CheckFormat, typer.Option("--format", help="What goes to stdout: for people, or for machines.")
    ] = CheckFormat.TEXT,
    yes: AsksNothingOption = False,
    as_json: JsonOption = False,
) -> int:
    """Find every mistake that can be found without deploying.

    Asks no cloud, unless --project says so. Exits 5 where guardrails alone are in the way.
    """
    from klotho.cli.commands.check import run

    return run(path, env, project, bundle, CheckFormat.JSON if as_json else form)


@app.command("preview")
@app.command("diff", hidden=True)
@app.command("plan", hidden=True)
def preview(
    path: PathArgument = PROGRAM,
    env: EnvironmentOption = None,
    move: MoveOption = None,
    yes: AsksNothingOption = False,
    diff: Annotated[bool, typer.Option("--diff", help="Show old and new values of every property.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="List everything that is created.")] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Ask CloudFormation too, by change sets that are deleted again.")
    ] = False,
    as_json: JsonOption = False,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit 20 when there are changes.")
    ] = False,
) -> int:
    """Show what `up` would change, and why (also: diff, plan).

    Also what that opens to others. Changes nothing. Exits 0 unless --detailed-exitcode is given.
    """
    from klotho.cli.commands.preview import run

    return run(path, env, move or [], as_json, detailed_exitcode, diff=diff, verbose=verbose, verify=verify)


@app.command("up")
@app.command("deploy", hidden=True)
def up(
    path: PathArgument = PROGRAM,
    env: EnvironmentOption = None,
    yes: YesOption = False,
    delete_data: Annotated[
        list[str] | None,
        typer.Option("--delete-data", metavar="NAME", help="Let the data of this database, table or bucket go."),
    ] = None,
    move: MoveOption = None,
    breaking: BreakingOption = None,
    take_over: TakeOverOption = False,
    as_json: JsonOption = False,
) -> int:
    """Bring the application up (also: deploy).

    Only what changed is touched; running it again after a failure goes on where it stopped.
    """
    from klotho.cli.commands.up import run

    return run(path, env, yes, delete_data or [], move or [], breaking or [], take_over, as_json)


@app.command()
def dev(
    path: PathArgument = PROGRAM,
    env: EnvironmentOption = None,
    yes: YesOption = False,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="Another `klotho dev` of the application ends, and this one goes on.")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Bring it up and put every saved file in place at once.

    Until Ctrl-C. Shows the logs of all services. Code is swapped without a deployment; at the end it is deployed.
    """
    from klotho.cli.commands.dev import run

    return run(path, env, yes, take_over, as_json)


@app.command("down")
@app.command("destroy", hidden=True)
def down(
    path: PathArgument = PROGRAM,
    env: EnvironmentOption = None,
    yes: YesOption = False,
    delete_data: Annotated[
        str | None,
        typer.Option("--delete-data", metavar="APPLICATION", help="Delete all data of this application too, for good."),
    ] = None,
    breaking: BreakingOption = None,
    take_over: TakeOverOption = False,
    application: ApplicationOption = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> int:
    """Stop the application, keep its data (also: destroy).

    On this machine the next `up` finds the data as it was. On AWS the stacks are deleted; databases, tables and buckets
    stay behind and are listed, and a later `up` makes new, empty ones. --delete-data APPLICATION deletes data for good.
    """
    from klotho.cli.commands.down import run

    return run(path, env, yes, delete_data, breaking or [], take_over, application, project, as_json)


@app.command()
def status(
    path: PathArgument = PROGRAM,
    env: EnvironmentOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Other applications of the project, too.")] = False,
    application: ApplicationOption = None,
    project: ProjectOption = None,
    yes: AsksNothingOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show what runs, where, and what went wrong."""
    from klotho.cli.commands.status import run

    run(path, env, everything, application, project, as_json)


@app.command()
def outputs(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Only this one, its bare value.")] = None,
    program: ProgramOption = PROGRAM,
    env: EnvironmentOption = None,
    application: ApplicationOption = None,
    project: ProjectOption = None,
    yes: AsksNothingOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show URLs, table names and other values."""
    from klotho.cli.commands.outputs import run

    run(name, program, env, application, project, as_json)


@app.command()
def logs(
    services: Annotated[
        list[str] | None, typer.Argument(metavar="[SERVICE]...", help="All services unless named.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new lines until Ctrl-C.")] = False,
    since: Annotated[str, typer.Option("--since", metavar="TIME", help="How far back: 30s, 10m, 2h, 1d.")] = "1h",
    program: ProgramOption = PROGRAM,
    env: EnvironmentOption = None,
    application: ApplicationOption = None,
    project: ProjectOption = None,
    yes: AsksNothingOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show what the services print, merged by time."""
    from klotho.cli.commands.logs import run

    run(services or [], follow, since, program, env, application, project, as_json)


@app.command()
def permissions(
    path: PathArgument = PROGRAM,
    env: EnvironmentOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write `deployer-1.json` … there instead of printing.")
    ] = None,
    yes: AsksNothingOption = False,
    as_json: JsonOption = False,
) -> None:
    """Print the IAM policies that deploying this application needs.

    Deploys nothing, asks AWS nothing.
    """
    from klotho.cli.commands.permissions import run

    run(path, env, out, as_json)


app.add_typer(annotated)
app.add_typer(pictures)
app.command("explain")(explain)
app.command("cost")(cost)
app.add_typer(history)
app.command("bootstrap")(bootstrap)
app.add_typer(operate)
app.add_typer(setup)
app.add_typer(exports)
app.add_typer(secret, name="secret")
app.add_typer(ci, name="ci")
app.add_typer(env, name="env")
app.add_typer(projects, name="project")
app.add_typer(guardrails, name="guardrails")
app.command("upgrade")(upgrade)
