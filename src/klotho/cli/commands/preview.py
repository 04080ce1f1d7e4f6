"""`klotho preview`."""

from __future__ import annotations

from pathlib import Path

from klotho.cli.commands.program import program_at
from klotho.cli.consent import moves_given
from klotho.cli.console import Console
from klotho.cli.preview_page import Page
from klotho.cli.progress import lines
from klotho.diagnostics import ExitCode
from klotho.driver.previewing import preview_up


def run(
    path: Path,
    env: str | None,
    move: list[str],
    as_json: bool,
    detailed_exitcode: bool,
    *,
    diff: bool = False,
    verbose: bool = False,
    verify: bool = False,
) -> int:
    console = Console(as_json)
    program = program_at(path, "klotho preview")
    built, found = preview_up(program, env, lines.Quiet(console), verify=verify, moves=moves_given(move))
    if as_json:
        names = {"application": built.application.name, "environment": built.environment.name}
        console.json({"ok": True, **names, **found.to_json(built.spans)})
    else:
        console.diagnostics(built.diagnostics, built.program.folder)
        for line in Page(found, built.spans, console.paint_out, diff=diff, verbose=verbose).lines():
            console.out(line)
    return ExitCode.CHANGES if detailed_exitcode and (found.changes or found.changed_sites) else ExitCode.OK
