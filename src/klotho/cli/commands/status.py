"""`klotho status`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from klotho.cli.commands.program import program_at
from klotho.cli.console import Console
from klotho.driver import inspection


def run(path: Path, env: str | None, as_json: bool) -> None:
    console = Console(as_json)
    found = inspection.status(program_at(path, "klotho status"), env)
    if as_json:
        console.json({"ok": True, **found.to_json()})
        return
    identity = found.identity
    place = f" at {found.endpoint}" if found.endpoint else ""
    console.out(
        f"{identity.application} in {identity.environment.name} (project {identity.project}): {found.state}{place}"
    )
    if found.state != "running":
        console.note("run `klotho up` to bring it up")
        return
    console.out("")
    console.table([("STACK", "STATUS"), *((stack.name, stack.status) for stack in found.stacks)])
    if found.units:
        console.out("")
        header = ("SERVICE", "KIND", "STATE", "RESTARTS", "ADDRESS", "DETAIL")
        console.table([header, *(_row(unit) for unit in found.units)])


def _row(unit: dict[str, Any]) -> tuple[str, ...]:
    return (
        str(unit.get("name", "")).rpartition("/")[2],
        str(unit.get("kind", "")),
        str(unit.get("state", "")),
        str(unit.get("restarts", 0)),
        str(unit.get("address") or "-"),
        str(unit.get("detail") or "").split("\n")[0],
    )
