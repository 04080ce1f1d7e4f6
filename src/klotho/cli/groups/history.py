"""`klotho history`, `rollback`, `drift` and `unlock`: what was deployed, and who is at it."""

from __future__ import annotations

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
    YesOption,
)

history = typer.Typer(rich_markup_mode=None)


@history.command("history")
def history_command(
    path: PathArgument = PROGRAM,
    env: EnvironmentOption = None,
    application: ApplicationOption = None,
    project: ProjectOption = None,
    yes: AsksNothingOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show what was deployed when, by whom, from which version."""
    from klotho.cli.commands.history import run

    run(path, env, application, project, as_json)


@history.command("rollback")
def rollback_command(
    revision: Annotated[
        int | None, typer.Argument(metavar="[REV]", help="The last good one before the current, unless named.")
    ] = None,
    program: ProgramOption = PROGRAM,
    env: EnvironmentOption = None,
    yes: YesOption = False,
    delete_data: Annotated[
        list[str] | None,
        typer.Option("--delete-data", metavar="NAME", help="Let the data of this database, table or bucket go."),
    ] = None,
    application: ApplicationOption = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> int:
    """Deploy an earlier revision again.

    Its templates and assets are kept: the program is not run, and need not be there.
    """
    from klotho.cli.commands.rollback import run

    return run(revision, program, env, yes, delete_data or [], application, project, as_json)


@history.command("drift")
def drift_command(
    path: PathArgument = PROGRAM,
    env: EnvironmentOption = None,
    fail: Annotated[bool, typer.Option("--fail", help="Exit 11 when something has changed.")] = False,
    application: ApplicationOption = None,
    project: ProjectOption = None,
    yes: AsksNothingOption = False,
    as_json: JsonOption = False,
) -> int:
    """Show what was changed since the deployment by other hands.

    Changes nothing. Exits 0 unless --fail is given.
    """
    from klotho.cli.commands.drift import run

    return run(path, env, fail, application, project, as_json)


@history.command("unlock")
def unlock_command(
    path: PathArgument = PROGRAM,
    env: EnvironmentOption = None,
    force: Annotated[
        bool, typer.Option("--force", help="Take the lease from a run that still works; asks at a terminal.")
    ] = False,
    application: ApplicationOption = None,
    project: ProjectOption = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Ask nothing: a run that still works is left alone.")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Show who changes the application; remove a dead run's lock.

    A run that still works keeps its lease, unless --force says otherwise.
    """
    from klotho.cli.commands.unlock import run

    return run(path, env, force, application, project, as_json)
