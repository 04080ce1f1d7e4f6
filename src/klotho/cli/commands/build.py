"""`klotho build`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from klotho.cli.commands.program import program_at
from klotho.cli.console import Console, counted
from klotho.diagnostics import render_json
from klotho.driver.build import build, write_compiled
from klotho.driver.machine import elapsed_clock, runs_in_ci
from klotho.driver.pictures import is_drawn_by_builds
from klotho.resources import choices_to_json

if TYPE_CHECKING:
    from klotho.driver.exports import Wanted


def run(path: Path, env: str | None, out: Path | None, as_json: bool, wanted: Wanted | None = None) -> None:
    console, clock = Console(as_json), elapsed_clock()
    program = program_at(path, "klotho build")
    if wanted is not None:
        from klotho.driver.exports import refuse_options

        refuse_options(wanted)
    built = build(program, env, in_ci=runs_in_ci())
    more = {}
    if wanted is not None and wanted.iac != "cloudformation":  # that is there in any case
        from klotho.driver.exports import export_files

        more = export_files(built, wanted)
    folder = write_compiled(built, out, more)
    if as_json:
        console.json(
            {
                "ok": True,
                "application": built.application.name,
                "environment": built.environment.name,
                "folder": str(folder),
                **({"export": str(folder / wanted.iac)} if wanted else {}),
                "stacks": [stack.name for stack in built.manifest.stacks],
                "resources": len(built.graph),
                "choices": choices_to_json(built.graph.choices),
                "diagnostics": render_json(built.diagnostics),
            }
        )
        return
    console.diagnostics(built.diagnostics, program.folder)
    stacks, resources = len(built.manifest.stacks), len(built.graph)
    console.note(
        f"{built.application.name}: {counted(resources, 'resource')} in {counted(stacks, 'stack')}, {clock():.2f} s"
    )
    if not is_drawn_by_builds(built):
        count = counted(len(built.application.constructs), "construct")
        console.note(f"{count} are not drawn by a build: `klotho graph --out topology.svg` does it")
    console.out(str(folder / wanted.iac if wanted else folder))
