"""`klotho eject`."""

from __future__ import annotations

from pathlib import Path

from klotho.cli.commands.program import program_at
from klotho.cli.console import Console, counted
from klotho.cli.progress import lines
from klotho.diagnostics import render_json
from klotho.driver.build import build
from klotho.driver.exports import Ejected, Wanted, eject, refuse_options
from klotho.driver.machine import runs_in_ci
from klotho.driver.output_folder import write_output

FOLDER = "ejected"


def run(path: Path, env: str | None, out: Path | None, wanted: Wanted, as_json: bool) -> None:
    console = Console(as_json)
    refuse_options(wanted)
    program = program_at(path, "klotho eject")
    built = build(program, env, in_ci=runs_in_ci())
    ejected = eject(built, wanted, lines.Quiet(console))
    folder = write_output(out or program.folder / FOLDER, ejected.files, program.folder)
    if as_json:
        console.json(
            {
                "ok": True,
                "application": built.application.name,
                "environment": built.environment.name,
                "folder": str(folder / wanted.iac),
                "imported": ejected.imported,
                "not_imported": list(ejected.unknown),
                "invoked": list(ejected.invoked),
                "diagnostics": render_json(built.diagnostics),
            }
        )
        return
    console.diagnostics(built.diagnostics, program.folder)
    _say(console, wanted, ejected)
    console.out(str(folder / wanted.iac))


def _say(console: Console, wanted: Wanted, ejected: Ejected) -> None:
    if ejected.imported:
        console.note(f"takes over {counted(ejected.imported, 'resource')} deployed in {ejected.environment}")
    elif wanted.iac != "cloudformation":
        console.note(f"nothing is deployed in {ejected.environment}: there is nothing to take over")
    for name in ejected.unknown:
        console.note(f"only AWS knows the identifier of {name}: import it by hand")
    if ejected.images:
        console.note(f"`prepare.sh` builds {counted(len(ejected.images), 'image')} from the program's folder")
