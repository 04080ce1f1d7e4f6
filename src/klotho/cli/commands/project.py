"""`klotho project ls`, `show` and `check`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from klotho.cli.commands.program import program_at, show_notice, where_at
from klotho.cli.console import Console, counted
from klotho.diagnostics import ExitCode, Failure, ProgramError, Severity, render_json
from klotho.driver import project_view
from klotho.driver.identity import identify
from klotho.driver.project_view import Tie
from klotho.registry import Entry, Publication, Snapshot

if TYPE_CHECKING:
    from klotho.driver.pictures import Format
    from klotho.topology.palette import Theme


def list_all(path: Path, env: str | None, as_json: bool) -> int:
    console = Console(as_json)
    found = project_view.known(where_at(path, "klotho project ls --program", None, None), env)
    if as_json:
        console.json({"ok": True, "projects": [item.to_json() for item in found]})
        return ExitCode.OK
    if not found:
        console.note("nothing was published yet: `klotho up` does it when a deployment has worked")
        return ExitCode.OK
    rows = [(item.project, item.environment, ", ".join(item.applications)) for item in found]
    console.table([("PROJECT", "ENVIRONMENT", "APPLICATIONS"), *rows])
    return ExitCode.OK


def show(path: Path, env: str | None, as_json: bool) -> int:
    """Exit 1 when an entry can't be read; the others are shown all the same."""
    console = Console(as_json)
    identity = identify(where_at(path, "klotho project show --program", None, None), env)
    found = project_view.snapshot(identity)
    problems = [item.diagnostic for item in found.unreadable]
    if not found.entries and not problems:
        raise Failure(
            "project-unknown",
            f"nothing of project `{found.project}` was published in {found.environment}",
            helps=(
                "run `klotho up`: it publishes when the deployment has worked",
                "`klotho project ls` shows what there is",
            ),
            exit_code=ExitCode.NOT_FOUND,
        )
    if as_json:
        console.json({"ok": not problems, **_snapshot_json(found), "diagnostics": render_json(problems)})
    else:
        show_notice(console, identity)
        _show_entries(console, found)
        console.diagnostics(problems)
    return ExitCode.ERROR if problems else ExitCode.OK


def graph(path: Path, env: str | None, asked: Format | None, out: Path | None, theme: Theme, as_json: bool) -> int:
    """The published project, with the program at hand as it is now."""
    from klotho.cli.commands.graph import show as show_picture
    from klotho.driver.pictures import format_for

    console = Console(as_json)
    identity = identify(where_at(path, "klotho project graph --program", None, None), env)
    format_ = format_for(asked or ("json" if as_json and out is None else None), out)
    show_notice(console, identity)
    show_picture(console, project_view.picture(identity), format_, out, theme)
    return ExitCode.OK


def check(path: Path, env: str | None, as_json: bool) -> int:
    """Every conflict of the project, also one that has nothing to do with this program."""
    console = Console(as_json)
    program = program_at(path, "klotho project check --program")
    described, told, found = project_view.checked(program, env)
    application = described.application
    names = {"project": application.project, "environment": described.environment.name}
    problems = [item.diagnostic for item in found]
    if problems or any(item.severity is Severity.ERROR for item in told):
        console.failed([*told, *problems], program.folder, **names)
        return ProgramError([*told, *problems]).exit_code
    if as_json:
        console.json({"ok": True, **names, "diagnostics": render_json(told)})
    else:
        console.diagnostics(told, program.folder)
        console.note(f"{application.name} fits to the others of project {names['project']} in {names['environment']}")
    return ExitCode.OK


def _show_entries(console: Console, found: Snapshot) -> None:
    console.note(f"project {found.project} in {found.environment}: {counted(len(found.entries), 'application')}")
    for entry in found.entries:
        latest = entry.latest
        console.out(f"\n{entry.application.name}  ({entry.origin.shown()})")
        back = f", rolled back to revision {latest.rollback}" if latest.rollback is not None else ""
        deployed = f"{_when(latest)} by {latest.who}@{latest.host}"
        if latest.down:
            console.out(f"  taken down {deployed}")
        else:
            console.out(f"  deployed   {deployed}, version {latest.version()}{back}")
        for item in entry.history:
            for broken in item.broke:
                console.out(f"  broke      {broken.application}, {_when(item)} by {item.who}@{item.host}: {broken.why}")
        console.out(f"  region     {entry.region}")
        if entry.needs:
            console.out(f"  shares     {', '.join(entry.needs)}")
        ties = project_view.ties(found, entry)
        console.table(
            [
                (f"  {item.kind}", item.label, str(item.span or ""), _tied(ties[item.id]))
                for item in entry.application.constructs
            ]
        )
        console.table([(f"  {name}", value) for name, value in sorted(entry.outputs.items())])


def _tied(tie: Tie) -> str:
    """`of users`, or `used by billing, mail`."""
    if tie.owner is not None:
        return f"of {tie.owner}"
    return f"used by {', '.join(tie.consumers)}" if tie.consumers else ""


def _snapshot_json(found: Snapshot) -> dict[str, Any]:
    return {
        "project": found.project,
        "environment": found.environment,
        "applications": [_entry_json(found, item) for item in found.entries],
        "unreadable": [item.application for item in found.unreadable],
    }


def _entry_json(found: Snapshot, entry: Entry) -> dict[str, Any]:
    ties = project_view.ties(found, entry)
    return {
        "name": entry.application.name,
        "origin": {"folder": entry.origin.folder, "repository": entry.origin.repository},
        "region": entry.region,
        "published": _publication_json(entry.latest),
        "needs": list(entry.needs),
        "constructs": [
            {
                "kind": item.kind,
                "name": item.label,
                "span": item.span.to_json() if item.span else None,
                "owner": ties[item.id].owner or entry.application.name,
                "consumers": list(ties[item.id].consumers),
            }
            for item in entry.application.constructs
        ],
        "outputs": dict(entry.outputs),
        "history": [_publication_json(item) for item in entry.history],
    }


def _publication_json(item: Publication) -> dict[str, Any]:
    return {
        "when_ms": item.when_ms,
        "who": item.who,
        "host": item.host,
        "commit": item.commit,
        "dirty": item.dirty,
        "klotho": item.klotho,
        "model": item.model,
        "rollback": item.rollback,
        "broke": [asdict(broken) for broken in item.broke],
        "down": item.down,
    }


def _when(item: Publication) -> str:
    """In the time zone of whoever looks; a time nobody's calendar has is shown as it is."""
    try:
        return datetime.fromtimestamp(item.when_ms / 1000).astimezone().strftime("%Y-%m-%d %H:%M")
    except (OverflowError, OSError, ValueError):
        return f"{item.when_ms} ms"
