"""`klotho compile` and `klotho verify`: annotated code."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from klotho.cli.options import AsksNothingOption, EnvironmentOption, JsonOption

annotated = typer.Typer()

CodeArgument = Annotated[Path, typer.Argument(metavar="PATH", help="The folder with the annotated code.")]


@annotated.command("compile")
def compile_(
    path: CodeArgument = Path(),
    app: Annotated[
        str | None,
        typer.Option("--app", metavar="NAME", help="The application; by default as its package.json, go.mod … says."),
    ] = None,
    env: EnvironmentOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where to write; `compiled` unless named.")
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Also how and where each thing was found, and files.")
    ] = False,
    yes: AsksNothingOption = False,
    as_json: JsonOption = False,
) -> None:
    """Compile annotated code: units with their files, and CloudFormation templates.

    Shows what was found of each unit. Deploys nothing; `klotho up` compiles by itself.
    """
    from klotho.cli.commands.compile import run

    run(path, app, env, out, verbose, as_json)


@annotated.command()
def verify(
    path: CodeArgument = Path(),
    requests: Annotated[
        Path | None,
        typer.Option("--requests", metavar="FILE", help="A JSON list of requests; `requests.json` unless named."),
    ] = None,
    api: Annotated[
        str | None, typer.Option("--api", metavar="ID", help="Which API is compared, where annotations make several.")
    ] = None,
    record: Annotated[
        bool,
        typer.Option(
            "--record", help="Run the original alone, and write what it is asked into that file, until Ctrl-C."
        ),
    ] = False,
    env: EnvironmentOption = None,
    yes: AsksNothingOption = False,
    as_json: JsonOption = False,
) -> None:
    """Compare annotated code that is up with the original, run as it is on this machine.

    Sends the same requests to both and shows differences of status, body and headers that matter.
    """
    from klotho.cli.commands import verify as command

    if record:
        command.record(path, requests, api, as_json)
    else:
        command.run(path, requests, api, env, as_json)
