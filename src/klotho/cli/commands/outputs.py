"""`klotho outputs [NAME]`."""

from __future__ import annotations

from pathlib import Path

from klotho.cli.commands.program import program_at
from klotho.cli.console import Console
from klotho.driver import inspection


def run(name: str | None, path: Path, env: str | None, as_json: bool) -> None:
    console = Console(as_json)
    program = program_at(path, "klotho outputs --program")
    if name is not None:
        value = inspection.output(program, env, name)
        if as_json:
            console.json({"ok": True, "outputs": {name: value}})
        else:
            console.out(value)
        return
    found = inspection.outputs(program, env)
    if as_json:
        console.json({"ok": True, "outputs": found})
    else:
        console.table(sorted(found.items()))
