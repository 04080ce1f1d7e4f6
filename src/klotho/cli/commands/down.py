"""`klotho down`."""

from __future__ import annotations

import sys
from pathlib import Path

from klotho.cli.commands.program import program_at
from klotho.cli.console import Console
from klotho.cli.failed_stacks import diagnostics_of, exit_code_of
from klotho.cli.progress import progress_for
from klotho.diagnostics import ExitCode, Failure
from klotho.driver.deployment import DownResult
from klotho.driver.deployment import down as take_down
from klotho.driver.program import Program


def run(path: Path, env: str | None, yes: bool, delete_data: bool, as_json: bool) -> int:
    console = Console(as_json)
    program = program_at(path, "klotho down")
    if delete_data and not yes:
        _consent(console, program)
    with progress_for(console) as sink:
        result = take_down(program, env, sink, delete_data=delete_data)
    if result.deployment is not None and not result.deployment.ok:
        console.failed(diagnostics_of(result.deployment), program.folder)
        return exit_code_of(result.deployment)
    if as_json:
        console.json(
            {
                "ok": True,
                "application": result.identity.application,
                "environment": result.identity.environment.name,
                "was_running": result.was_running,
                "data_deleted": result.data_deleted,
                "other_applications": list(result.others),
            }
        )
    else:
        console.note(_said(result))
    return ExitCode.OK


def _consent(console: Console, program: Program) -> None:
    """Typed consent from a person; a script has to say `--yes`."""
    if not console.interactive:
        raise Failure(
            "consent-needed",
            "deleting data needs consent",
            helps=("add `--yes` to delete the data without being asked",),
            exit_code=ExitCode.USAGE,
        )
    word = program.folder.name
    console.note(f"This deletes the databases and tables of the application in `{word}` for good.")
    sys.stderr.write(f"Type {word} to go on: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip() != word:
        raise Failure("cancelled", "nothing was deleted", exit_code=ExitCode.CANCELLED)


def _said(result: DownResult) -> str:
    name = f"{result.identity.application} in {result.identity.environment.name}"
    if result.deployment is not None:
        return f"deleted {name} and its data; kept running for {', '.join(result.others)}"
    if result.data_deleted:
        return f"stopped {name} and deleted all its data"
    if not result.was_running:
        return f"{name} was not running; nothing was changed"
    also = f" (with {', '.join(result.others)}, which share its local cloud)" if result.others else ""
    return f"stopped {name}{also}; databases, tables and logs are kept for the next `klotho up`"
