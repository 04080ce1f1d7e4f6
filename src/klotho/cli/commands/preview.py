"""`klotho preview`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from klotho.cli.commands.program import program_at
from klotho.cli.consent import moves_given
from klotho.cli.console import Console
from klotho.cli.preview_page import Page
from klotho.cli.progress import lines
from klotho.deploy.verify import objections
from klotho.diagnostics import ExitCode, render_json
from klotho.driver.previewing import preview_up
from klotho.resources import choices_to_json


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
    """With `verify` it ends with 1 where CloudFormation says otherwise, `--detailed-exitcode` or not."""
    console = Console(as_json)
    program = program_at(path, "klotho preview")
    built, found = preview_up(program, env, lines.Quiet(console), verify=verify, moves=moves_given(move))
    against = objections(found.verified or ())
    if as_json:
        names: dict[str, Any] = {"application": built.application.name, "environment": built.environment.name}
        rules = [item for item in built.diagnostics if item.rule is not None]
        names["choices"] = choices_to_json(built.graph.choices)
        said = {"diagnostics": render_json([*rules, *against])} if rules or against else {}
        console.json({"ok": not against, **names, **found.to_json(built.spans), **said})
    else:
        console.diagnostics(built.diagnostics, built.program.folder)
        for line in Page(found, built.spans, console.paint_out, diff=diff, verbose=verbose).lines():
            console.out(line)
        console.diagnostics(against, built.program.folder)
    if against:
        return ExitCode.ERROR
    return ExitCode.CHANGES if detailed_exitcode and (found.changes or found.changed_sites) else ExitCode.OK
