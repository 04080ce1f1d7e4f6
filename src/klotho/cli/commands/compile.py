"""`klotho compile`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from klotho.cli.commands.program import program_at
from klotho.cli.console import Console, counted
from klotho.diagnostics import ExitCode, Failure, render_json
from klotho.driver.build import build, write_compiled
from klotho.driver.machine import elapsed_clock, runs_in_ci

if TYPE_CHECKING:
    from klotho.annotations.compiling import UnitPage
    from klotho.driver.program import Program


def run(path: Path, app: str | None, env: str | None, out: Path | None, verbose: bool, as_json: bool) -> None:
    console, clock = Console(as_json), elapsed_clock()
    program = annotated_program(path, "klotho compile")
    if app is not None:
        program = replace(program, settings=replace(program.settings, app=app))
    built = build(program, env, in_ci=runs_in_ci())
    if not built.units:
        raise _not_annotated(program, "add `code = klotho.Annotated()` to it, which takes them in")
    folder = write_compiled(built, out)
    if as_json:
        console.json(
            {
                "ok": True,
                "application": built.application.name,
                "environment": built.environment.name,
                "folder": str(folder),
                "units": [_unit_json(page) for page in built.pages],
                "diagnostics": render_json(built.diagnostics),
            }
        )
        return
    console.diagnostics(built.diagnostics, program.folder)
    for page in built.pages:
        for line in _lines(page, verbose):
            console.note(line)
    units = counted(len(built.pages), "unit")
    console.note(f"{built.application.name}: {units}, {counted(len(built.graph), 'resource')}, {clock():.2f} s")
    console.out(str(folder))


def annotated_program(path: Path, command: str) -> Program:
    """A program that is annotated code, or has some beside its infra.py."""
    from klotho.annotations.reading import has_annotations

    program = program_at(path, command)
    if not program.annotated and not has_annotations(program.folder):
        raise _not_annotated(program, "run `klotho build`")
    return program


def _not_annotated(program: Program, help_: str) -> Failure:
    return Failure(
        "program-not-annotated",
        f"`{program.path.name}` describes the application here, not annotations",
        helps=(help_,),
        exit_code=ExitCode.USAGE,
    )


def _lines(page: UnitPage, verbose: bool) -> list[str]:
    lines = [f"unit {page.name}  {counted(len(page.files), 'file')}"]
    for api, routes in page.routes.items():
        lines += [f"  {api}  {route}" for route in routes] + [f"  {api}  everything else"]
    lines += [f"  keeps {store}" for store in page.stores]
    lines += [f"  calls {call}" for call in page.calls]
    return lines + ([f"  has {file}" for file in page.files] if verbose else [])


def _unit_json(page: UnitPage) -> dict[str, Any]:
    return {
        "name": page.name,
        "files": page.files,
        "routes": page.routes,
        "stores": page.stores,
        "calls": page.calls,
    }
