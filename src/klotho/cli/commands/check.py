"""`klotho check`: everything that can be told about a program without deploying it."""

from __future__ import annotations

from pathlib import Path

from klotho.cli.commands.program import program_at
from klotho.cli.console import Console, counted
from klotho.diagnostics import ExitCode, render_json
from klotho.driver.check import check


def run(path: Path, env: str | None, ask_account: bool, as_json: bool) -> int:
    console = Console(as_json)
    program = program_at(path, "klotho check")
    built = check(program, env, ask_account=ask_account)
    if as_json:
        names = {"application": built.application.name, "environment": built.environment.name}
        console.json({"ok": True, **names, "diagnostics": render_json(built.diagnostics)})
        return ExitCode.OK
    console.diagnostics(built.diagnostics, program.folder)
    warnings = f", {counted(len(built.diagnostics), 'warning')}" if built.diagnostics else ""
    console.note(f"{built.application.name}: no mistakes{warnings}")
    if built.environment.target == "aws" and not ask_account:
        console.note(
            "`klotho check --project` compares it with the project's other applications, too: it asks the account"
        )
    return ExitCode.OK
