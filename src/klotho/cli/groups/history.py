"""`klotho history`, `rollback`, `drift` and `unlock`: what was deployed, and who is at it."""

from __future__ import annotations

from typing import Annotated

import typer

from klotho.cli.options import (
    PROGRAM,
    ApplicationOption,
    EnvironmentOption,
    JsonOption,
    PathArgument,
    ProjectOption,
)

history = typer.Typer(rich_markup_mode=None)


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
    """Show who is changing the application, and remove what a dead run left locked."""
    from klotho.cli.commands.unlock import run

    return run(path, env, force, application, project, as_json)
