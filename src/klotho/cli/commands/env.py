"""`klotho env ls`, `set`, `rm` and `prune`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from klotho.cli.commands.program import program_at
from klotho.cli.consent import agree
from klotho.cli.console import Console, show_paths_from
from klotho.cli.failed_stacks import diagnostics_of, exit_code_of
from klotho.cli.progress import progress_for
from klotho.diagnostics import ExitCode, Failure, ProgramError, one_of
from klotho.driver.environments import Listed, Note, listed
from klotho.driver.identity import Where, identify
from klotho.driver.machine import now_ms
from klotho.driver.pruning import due_for_removal, refuse_lasting, removed
from klotho.driver.settings import DEFAULT_ENVIRONMENT
from klotho.driver.settings_file import Key, write_settings
from klotho.driver.takedown import DownResult


def list_all(path: Path, ask_accounts: bool, as_json: bool) -> int:
    console = Console(as_json)
    program = program_at(path, "klotho env ls --program")
    project = identify(Where(path), DEFAULT_ENVIRONMENT).project
    found = listed(program, project, ask_accounts=ask_accounts)
    if as_json:
        console.json({"ok": True, "environments": [_json(item) for item in found]})
        return ExitCode.OK
    console.table([("ENVIRONMENT", "TARGET", "REGION", "ACCOUNT", "STATE", ""), *(_row(item) for item in found)])
    for item in found:
        for name in item.live:
            console.out(f"  {name}{_until(name, item.notes)}")
    if not ask_accounts and any(item.environment.target == "aws" for item in found):
        console.note("`klotho env ls --live` asks the accounts what is deployed")
    return ExitCode.OK


def set_one(path: Path, name: str, given: dict[str, Any], as_json: bool) -> int:
    """`given`: the keys to set, None for one that was not given."""
    console = Console(as_json)
    folder = path.resolve() if path.is_dir() else path.resolve().parent
    values: dict[Key, Any] = {("environments", name, key): value for key, value in given.items() if value is not None}
    if not values:
        raise Failure(
            "usage",
            "`klotho env set` needs something to set",
            helps=(f"for example: `klotho env set {name} --target aws --region eu-central-1`",),
            exit_code=ExitCode.USAGE,
        )
    try:
        file = write_settings(folder, values)
    except ProgramError as error:
        # Its lines are those of a file that was not written.
        raise ProgramError([replace(item, labels=()) for item in error.diagnostics]) from error
    if as_json:
        console.json({"ok": True, "file": str(file), "environment": name})
    else:
        console.note(f"{name}: {', '.join(f'{key[-1]} {_as_written(value)}' for key, value in values.items())}")
    return ExitCode.OK


def _as_written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def remove(path: Path, name: str, yes: bool, as_json: bool) -> int:
    """Take this application out of an environment that does not stay, with its data."""
    console = Console(as_json)
    show_paths_from(path.resolve() if path.is_dir() else path.resolve().parent)
    identity = identify(Where(path), name)
    refuse_lasting(identity.environment)
    with progress_for(console) as sink:
        if not yes:
            question = f"Remove {identity.application} from {identity.environment.name}, with its data?"
            agree(console, sink, question, "`klotho env ls --live` shows what is there")
        result = removed(identity, sink)
    return _said_of(console, [(identity.environment.name, result)])


def prune(path: Path, yes: bool, as_json: bool) -> int:
    """Remove what has outlived its time, of every environment of klotho.yaml with a `ttl`."""
    console = Console(as_json)
    program = program_at(path, "klotho env prune --program")
    project = identify(Where(path), DEFAULT_ENVIRONMENT).project
    with progress_for(console) as sink:
        due = due_for_removal(program, project)
        names = sorted({f"{item.application} in {item.environment.name}" for item in due})
        if due and not yes:
            agree(console, sink, f"Remove {one_of(names)}, with all data?", "`klotho env ls --live` shows what is due")
        results = [(item.environment.name, removed(item, sink, overdue=True)) for item in due]
    return _said_of(console, results)


def _said_of(console: Console, results: list[tuple[str, DownResult]]) -> int:
    for _, result in results:
        if result.deployment is not None and not result.deployment.ok:
            console.failed(diagnostics_of(result.deployment), result.identity.folder)
            return exit_code_of(result.deployment)
    if console.as_json:
        shown = [{"application": result.identity.application, "environment": name} for name, result in results]
        console.json({"ok": True, "removed": shown})
        return ExitCode.OK
    for name, result in results:
        console.note(f"removed {result.identity.application} from {name}")
    if not results:
        console.note("nothing has outlived its time")
    return ExitCode.OK


def _row(item: Listed) -> tuple[str, ...]:
    environment = item.environment
    marks = [
        "protected" if environment.protect else "",
        f"one per {environment.per}" if environment.per else "",
        f"stays {environment.ttl_seconds // 3600} h" if environment.ttl_seconds else "",
        "the default" if environment.name == DEFAULT_ENVIRONMENT else "",
    ]
    return (
        environment.name,
        environment.target,
        environment.region or "",
        environment.account or "",
        item.state,
        ", ".join(mark for mark in marks if mark),
    )


def _until(name: str, notes: tuple[Note, ...]) -> str:
    due = [note.expires_ms for note in notes if note.environment == name]
    if not due:
        return ""
    hours = (max(due) - now_ms()) / 3_600_000
    return f"  stays {hours:.0f} h more" if hours > 0 else "  due: `klotho env prune` removes it"


def _json(item: Listed) -> dict[str, Any]:
    environment = item.environment
    return {
        "name": environment.name,
        "target": environment.target,
        "region": environment.region,
        "account": environment.account,
        "protect": environment.protect,
        "per": environment.per,
        "ttl_seconds": environment.ttl_seconds,
        "state": item.state,
        "live": list(item.live),
        "expires": [
            {"application": note.application, "environment": note.environment, "expires_ms": note.expires_ms}
            for note in item.notes
        ],
    }
