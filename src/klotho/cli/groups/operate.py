"""Commands that reach into what runs: `exec`, `shell`, `tunnel`."""

from __future__ import annotations

from typing import Annotated

import typer

from klotho.cli.options import (
    PROGRAM,
    ApplicationOption,
    AsksNothingOption,
    EnvironmentOption,
    FailureAsJsonOption,
    JsonOption,
    ProgramOption,
    ProjectOption,
)

operate = typer.Typer()
ServiceArgument = Annotated[str, typer.Argument(metavar="SERVICE", help="The service's name in the program.")]


@operate.command("exec")
def exec_(
    service: ServiceArgument,
    command: Annotated[list[str], typer.Argument(metavar="-- CMD...", help="What to run, after two dashes.")],
    program: ProgramOption = PROGRAM,
    env: EnvironmentOption = None,
    application: ApplicationOption = None,
    project: ProjectOption = None,
    yes: AsksNothingOption = False,
    as_json: FailureAsJsonOption = False,
) -> int:
    """Run a command with a service's grants and packages.

    With its credentials, and where you are: klotho exec orders -- python manage.py migrate. On AWS it runs in a
    container.
    """
    from klotho.cli.commands.exec import run

    return run(service, command, program, env, application, project)


@operate.command()
def shell(
    service: ServiceArgument,
    program: ProgramOption = PROGRAM,
    env: EnvironmentOption = None,
    application: ApplicationOption = None,
    project: ProjectOption = None,
    yes: AsksNothingOption = False,
    as_json: FailureAsJsonOption = False,
) -> int:
    """Open a shell beside a running service.

    In its folder, with its environment.
    """
    from klotho.cli.commands.exec import run

    return run(service, None, program, env, application, project)


@operate.command()
def tunnel(
    database: Annotated[str, typer.Argument(metavar="DATABASE", help="The database's name in the program.")],
    port: Annotated[int | None, typer.Option("--port", min=1, max=65535, help="The port on this machine.")] = None,
    service: Annotated[
        str | None, typer.Option("--as", metavar="SERVICE", help="Whose login; a service that uses it, unless named.")
    ] = None,
    show_password: Annotated[bool, typer.Option("--show-password", help="The password in the URL, too.")] = False,
    program: ProgramOption = PROGRAM,
    env: EnvironmentOption = None,
    application: ApplicationOption = None,
    project: ProjectOption = None,
    yes: AsksNothingOption = False,
    as_json: JsonOption = False,
) -> int:
    """Reach a private database from this machine.

    With the login of a service that uses it. Against the local cloud it shows where the database listens; with --port,
    and on AWS, it forwards until Ctrl-C.
    """
    from klotho.cli.commands.tunnel import run

    return run(database, port, service, show_password, program, env, application, project, as_json)
