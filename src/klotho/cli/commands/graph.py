"""`klotho graph`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from klotho.cli.commands.program import program_at
from klotho.cli.console import Console, counted
from klotho.diagnostics import render_json
from klotho.driver.build import build
from klotho.driver.machine import runs_in_ci
from klotho.driver.pictures import Format, format_for, rendered, topology_of, write_picture
from klotho.topology.model import topology_to_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klotho.diagnostics import Diagnostic
    from klotho.topology.model import Topology, View
    from klotho.topology.palette import Theme


def run(
    path: Path, env: str | None, view: View, asked: Format | None, out: Path | None, theme: Theme, as_json: bool
) -> None:
    console = Console(as_json)
    if as_json and out is None:
        asked = asked or "json"
    format_ = format_for(asked, out)
    program = program_at(path, "klotho graph")
    built = build(program, env, in_ci=runs_in_ci())
    topology = topology_of(built, view)
    if not as_json:
        console.diagnostics(built.diagnostics, program.folder)
    show(console, topology, format_, out, theme, built.diagnostics)


def show(
    console: Console,
    topology: Topology,
    format_: Format,
    out: Path | None,
    theme: Theme,
    diagnostics: Sequence[Diagnostic] = (),
) -> None:
    """Write the picture where it is wanted, and say what it holds."""
    if out is not None:
        write_picture(out, rendered(topology, format_, theme))
    if console.as_json:
        console.json(
            {
                "ok": True,
                "topology": topology_to_json(topology),
                "file": None if out is None else str(out),
                "diagnostics": render_json(diagnostics),
            }
        )
        return
    if out is None:
        console.out(rendered(topology, format_, theme).decode().rstrip("\n"))
        return
    console.note(f"{topology.title}: {counted(len(topology.nodes), 'node')}, {counted(len(topology.edges), 'edge')}")
    console.out(str(out))
