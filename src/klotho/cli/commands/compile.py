"""`klotho compile`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from klotho.cli.commands.program import program_at
from klotho.cli.console import Console, counted
from klotho.diagnostics import ExitCode, Failure, Span, render_json
from klotho.driver.annotated_found import UnitFound, units_found
from klotho.driver.build import build, write_compiled
from klotho.driver.machine import elapsed_clock, runs_in_ci

if TYPE_CHECKING:
    from klotho.annotations.pages import StaticPage, UnitPage
    from klotho.driver.program import Program

_WORDS = {"Messaging.Topic": "has the topic", "Secret": "knows the secret"}
"""What a unit does with a construct of a kind; stores it keeps."""
_VERBS = {"reads_from": "read", "writes_to": "written", "read_writes_to": "read and written"}


def run(path: Path, app: str | None, env: str | None, out: Path | None, verbose: bool, as_json: bool) -> None:
    console, clock = Console(as_json), elapsed_clock()
    program = annotated_program(path, "klotho compile")
    if app is not None:
        program = replace(program, settings=replace(program.settings, app=app))
    built = build(program, env, in_ci=runs_in_ci())
    if not built.units:
        raise _not_annotated(program, "add `code = klotho.Annotated()` to it, which takes them in")
    folder = write_compiled(built, out)
    units = units_found(built, statements=verbose)
    if as_json:
        console.json(
            {
                "ok": True,
                "application": built.application.name,
                "environment": built.environment.name,
                "folder": str(folder),
                "units": [_unit_json(page, found) for page, found in zip(built.pages, units, strict=True)],
                "static_units": [
                    {"name": page.name, "index": page.index, "files": page.files} for page in built.static
                ],
                "diagnostics": render_json(built.diagnostics),
            }
        )
        return
    console.diagnostics(built.diagnostics, program.folder)
    lines = [line for unit in units for line in _lines(unit, verbose)]
    lines += [line for page in built.static for line in _static_lines(page, verbose)]
    for line in lines:
        console.note(line)
    amounts = ((len(units), "unit"), (len(built.static), "static unit"))
    parts = [counted(number, what) for number, what in amounts if number]
    console.note(
        f"{built.application.name}: {', '.join(parts)}, {counted(len(built.graph), 'resource')}, {clock():.2f} s"
    )
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


def _lines(unit: UnitFound, verbose: bool) -> list[str]:
    lines = [f"unit {unit.name}  {counted(len(unit.files), 'file')}" + (f", on {unit.runs_on}" if verbose else "")]
    for route in unit.routes:
        lines.append(f"  {route.api}  {route.text}{_place(route.at) if verbose else ''}")
    for use in unit.uses:
        lines.append(f"  {_WORDS.get(use.kind, 'keeps')} {use.name}")
        if verbose:
            verbs = " and ".join(_VERBS.get(verb, verb.replace("_", " ")) for verb in use.verbs)
            lines.append(f"    {use.kind}, {verbs}{_place(use.at)}  `{use.statement}`")
    lines += [f"  calls {call}" for call in unit.calls]
    lines += [f"  warning {item.code}{_place(item.span)}" for item in unit.warnings]
    lines += [f"  has {file}" for file in unit.files if verbose]
    return lines + [f"  has {file}, embedded" for file in unit.assets]


def _static_lines(page: StaticPage, verbose: bool) -> list[str]:
    lines = [f"static unit {page.name}  {counted(len(page.files), 'file')}, beginning with {page.index}"]
    return lines + ([f"  serves /{file}" for file in page.files] if verbose else [])


def _place(at: Span | None) -> str:
    return f"  {at}" if at is not None else ""


def _unit_json(page: UnitPage, found: UnitFound) -> dict[str, Any]:
    return {
        "name": page.name,
        "runs_on": found.runs_on,
        "files": page.files,
        "assets": page.assets,
        "routes": page.routes,
        "stores": page.stores,
        "calls": page.calls,
        "found": [
            *({"route": item.text, "api": item.api, "at": _at(item.at)} for item in found.routes),
            *(
                {"uses": item.name, "kind": item.kind, "verbs": item.verbs, "at": _at(item.at)}
                | ({"statement": item.statement} if item.statement else {})
                for item in found.uses
            ),
        ],
        "warnings": [{"code": item.code, "at": _at(item.span)} for item in found.warnings],
    }


def _at(span: Span | None) -> str | None:
    return None if span is None else str(span)
