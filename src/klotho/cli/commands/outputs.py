"""`klotho outputs [NAME]`."""

from __future__ import annotations

from pathlib import Path

from klotho.cli.commands.program import show_notice, where_at
from klotho.cli.console import Console
from klotho.driver import inspection


def run(
    name: str | None, path: Path, env: str | None, application: str | None, project: str | None, as_json: bool
) -> None:
    console = Console(as_json)
    identity, found = inspection.outputs(where_at(path, "klotho outputs --program", application, project), env)
    show_notice(console, identity)
    if name is not None:
        value = inspection.output(found, name)
        if as_json:
            console.json({"ok": True, "outputs": {name: value}})
        else:
            console.out(value)
    elif as_json:
        console.json({"ok": True, "outputs": found})
    else:
        console.table(sorted(found.items()))
