"""The commands and their options. Bodies live in `klotho.cli.commands` and are imported when a command runs, so that
`klotho --help` stays fast."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="klotho",
    help="Say what an application needs; Klotho derives the AWS infrastructure, and runs it on this machine too.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_PROGRAM = Path("infra.py")

PathArgument = Annotated[Path, typer.Argument(metavar="PATH", help="The program, or the folder with its infra.py.")]
ProgramOption = Annotated[
    Path, typer.Option("--program", "-p", metavar="PATH", help="The program, or the folder with its infra.py.")
]
EnvironmentOption = Annotated[
    str | None, typer.Option("--env", "-e", metavar="NAME", help="The environment; `local` unless named.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Data as JSON on stdout, progress on stderr.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")]
AsksNothingOption = Annotated[
    bool, typer.Option("--yes", "-y", help="For scripts that always say it: this command asks nothing anyway.")
]

ApplicationOption = Annotated[
    str | None, typer.Option("--app", metavar="NAME", help="The application, where its program can't say.")
]
ProjectOption = Annotated[str | None, typer.Option("--project", metavar="NAME", help="Its project, with --app.")]
TakeOverOption = Annotated[
    bool, typer.Option("--take-over", help="Go on with an application that was brought up from another folder.")
]


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
    path: PathArgument = _PROGRAM,
    env: EnvironmentOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where to write; `compiled` unless named.")
    ] = None,
    yes: AsksNothingOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write CloudFormation templates to `compiled/`.

    Deploys nothing.
    """
    from klotho.cli.commands.build import run

    run(path, env, out, as_json)


@app.command("preview")
@app.command("diff", hidden=True)
@app.command("plan", hidden=True)
def preview(
    path: PathArgument = _PROGRAM,
    env: EnvironmentOption = None,
    yes: AsksNothingOption = False,
    as_json: JsonOption = False,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit 20 when there are changes.")
    ] = False,
) -> int:
    """Show what `up` would change (also: diff, plan).

    Changes nothing. Exits 0 unless --detailed-exitcode is given.
    """
    from klotho.cli.commands.preview import run

    return run(path, env, as_json, detailed_exitcode)


@app.command("up")
@app.command("deploy", hidden=True)
def up(
    path: PathArgument = _PROGRAM,
    env: EnvironmentOption = None,
    yes: YesOption = False,
    delete_data: Annotated[
        bool, typer.Option("--delete-data", help="Allow removing databases and tables the program no longer holds.")
    ] = False,
    take_over: TakeOverOption = False,
    as_json: JsonOption = False,
) -> int:
    """Bring the application up (also: deploy).

    Only what changed is touched; running it again after a failure goes on where it stopped.
    """
    from klotho.cli.commands.up import run

    return run(path, env, yes, delete_data, take_over, as_json)


@app.command("down")
@app.command("destroy", hidden=True)
def down(
    path: PathArgument = _PROGRAM,
    env: EnvironmentOption = None,
    yes: YesOption = False,
    delete_data: Annotated[
        bool, typer.Option("--delete-data", help="Delete databases and tables too, for good.")
    ] = False,
    take_over: TakeOverOption = False,
    application: ApplicationOption = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> int:
    """Stop the application, keep its data (also: destroy).

    The next `up` finds the data as it was; --delete-data deletes it for good.
    """
    from klotho.cli.commands.down import run

    return run(path, env, yes, delete_data, take_over, application, project, as_json)


@app.command()
def status(
    path: PathArgument = _PROGRAM,
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
    program: ProgramOption = _PROGRAM,
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
    program: ProgramOption = _PROGRAM,
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
def explain(
    topic: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]",
            help="A construct such as `Databases.Postgres`, or a code as in `error[CODE]`; all unless named.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Explain a construct (its parameters, outputs and verbs) or a diagnostic code (what it means, what to do)."""
    from klotho.cli.commands.explain import run

    run(topic, as_json)


secret = typer.Typer(
    help="Give secrets their values; a value is never shown and never an argument.",
    rich_markup_mode=None,
    no_args_is_help=True,
)
app.add_typer(secret, name="secret")

SecretArgument = Annotated[str, typer.Argument(metavar="NAME", help="The secret's name in the program.")]


@secret.command("set")
def secret_set(
    name: SecretArgument,
    # Taken so that a value given by mistake is refused without being repeated on the screen.
    rest: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
    program: ProgramOption = _PROGRAM,
    env: EnvironmentOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set a secret's value, typed without echo or piped in: klotho secret set NAME < file."""
    from klotho.cli.commands.secret import set_value

    set_value(name, rest or [], program, env, as_json)


@secret.command("ls")
def secret_ls(program: ProgramOption = _PROGRAM, env: EnvironmentOption = None, as_json: JsonOption = False) -> None:
    """Show which secrets have a value, and since when."""
    from klotho.cli.commands.secret import list_all

    list_all(program, env, as_json)


@secret.command("rm")
def secret_rm(
    name: SecretArgument,
    program: ProgramOption = _PROGRAM,
    env: EnvironmentOption = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Remove a secret's value for good; the secret stays, empty."""
    from klotho.cli.commands.secret import remove

    remove(name, program, env, yes, as_json)
