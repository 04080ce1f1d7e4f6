"""`klotho history`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from klotho.cli.commands.program import show_notice, where_at
from klotho.cli.console import Console, counted
from klotho.cli.progress import lines
from klotho.deploy.revisions import Revision
from klotho.driver.history import history


def run(path: Path, env: str | None, application: str | None, project: str | None, as_json: bool) -> None:
    console = Console(as_json)
    identity, found = history(where_at(path, "klotho history", application, project), env, lines.Quiet(console))
    if as_json:
        console.json(
            {
                "ok": True,
                "application": identity.application,
                "environment": identity.environment.name,
                "revisions": [revision_json(item) for item in found],
            }
        )
        return
    show_notice(console, identity)
    if not found:
        console.note(f"nothing was deployed yet of {identity.application} in {identity.environment.name}")
        return
    console.table([("REV", "WHEN", "WHO", "VERSION", "OUTCOME", "CHANGED"), *(_row(item) for item in found)])


def revision_json(item: Revision) -> dict[str, Any]:
    """Without the manifest: what a script decides by."""
    data = item.to_json()
    del data["manifest"], data["values"], data["schema"]
    return data


def shown_revision(item: Revision) -> str:
    """`revision 3 (4f2a91c+, 2026-11-28 10:42)`."""
    version = f"{item.about.version.shown()}, " if item.about.version else ""
    return f"revision {item.number} ({version}{_when(item)})"


def _row(item: Revision) -> tuple[str, ...]:
    about = item.about
    version = about.version.shown() if about.version else "-"
    outcome = f"{item.outcome}, rollback to {about.of}" if about.of else item.outcome
    _, allowed, names = about.command.partition(" --allow-breaking ")
    if allowed:
        outcome += f", broke {names.replace(allowed, ', ')}"
    stacks = item.changed if len(item.changed) <= 3 else [counted(len(item.changed), "stack")]
    changed = ", ".join([*stacks, *(f"files of {site.rpartition('/')[2]}" for site in item.published)])
    return str(item.number), _when(item), f"{about.who}@{about.host}", version, outcome, changed


def _when(item: Revision) -> str:
    """In the time zone of whoever looks."""
    return datetime.fromtimestamp(item.about.when_ms / 1000).astimezone().strftime("%Y-%m-%d %H:%M")
