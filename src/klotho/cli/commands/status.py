"""`klotho status`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from klotho.cli.commands.program import show_notice, where_at
from klotho.cli.console import Console
from klotho.driver import inspection


def run(
    path: Path, env: str | None, everything: bool, application: str | None, project: str | None, as_json: bool
) -> None:
    console = Console(as_json)
    found = inspection.status(where_at(path, "klotho status", application, project), env)
    show_notice(console, found.identity)
    if as_json:
        console.json({"ok": True, **found.to_json()})
        return
    identity = found.identity
    place = f" at {found.endpoint}" if found.endpoint and found.state == "running" else ""
    console.out(
        f"{identity.application} in {identity.environment.name} (project {identity.project}): {found.state}{place}"
    )
    if found.stacks:
        console.out("")
        console.table(
            [("STACK", "STATUS", "CAUSE"), *((item.name, item.status, _first(item.reason)) for item in found.stacks)]
        )
    _units(console, found.units, "")
    if everything:
        _units(console, found.other_units, "other applications of the project:")
    elif found.other_units:
        console.note("other applications run beside it: `klotho status --all` shows them")
    if found.resources:
        console.out("")
        rows = ((item.logical_id, item.type.removeprefix("AWS::"), item.status, item.link) for item in found.resources)
        console.table([("RESOURCE", "TYPE", "STATUS", "CONSOLE"), *rows])
    if found.state != "running":
        console.note("run `klotho up` to bring it up")


def _units(console: Console, units: Sequence[dict[str, Any]], title: str) -> None:
    if not units:
        return
    console.out(f"\n{title}" if title else "")
    console.table([("SERVICE", "KIND", "STATE", "RESTARTS", "ADDRESS", "DETAIL"), *(_row(unit) for unit in units)])


def _row(unit: dict[str, Any]) -> tuple[str, ...]:
    return (
        str(unit.get("name", "")).rpartition("/")[2],
        str(unit.get("kind", "")),
        str(unit.get("state", "")),
        str(unit.get("restarts", 0)),
        str(unit.get("address") or "-"),
        _first(str(unit.get("detail") or "")),
    )


def _first(text: str) -> str:
    return text.split("\n")[0]
