"""`klotho down`."""

from __future__ import annotations

import sys
from pathlib import Path

from klotho.cli.commands.program import show_notice, where_at
from klotho.cli.console import Console
from klotho.cli.failed_stacks import diagnostics_of, exit_code_of
from klotho.cli.interrupts import draining
from klotho.cli.progress import progress_for
from klotho.diagnostics import Diagnostic, ExitCode, Failure, one_of
from klotho.driver import takedown
from klotho.driver.identity import Identity, Where, identify


def run(
    path: Path,
    env: str | None,
    yes: bool,
    delete_data: bool,
    take_over: bool,
    application: str | None,
    project: str | None,
    as_json: bool,
) -> int:
    console = Console(as_json)
    where = where_at(path, "klotho down", application, project)
    return _delete(console, where, env, yes, take_over) if delete_data else _stop(console, where, env)


def _stop(console: Console, where: Where, env: str | None) -> int:
    identity = identify(where, env)
    show_notice(console, identity)
    with progress_for(console) as sink:
        result = takedown.stop(identity, sink)
    return _show(console, result)


def _delete(console: Console, where: Where, env: str | None, yes: bool, take_over: bool) -> int:
    identity = identify(where, env)
    show_notice(console, identity)
    names = takedown.data_of(identity, take_over=take_over)
    if not yes:
        _consent(console, identity, names)
    with progress_for(console) as sink, draining() as drain:
        result = takedown.delete(identity, sink, take_over=take_over, drain=drain)
    return _show(console, result)


def _show(console: Console, result: takedown.DownResult) -> int:
    if result.deployment is not None and not result.deployment.ok:
        found = diagnostics_of(result.deployment)
        if result.deployment.drained:
            left = ", ".join(result.deployment.cancelled) or "nothing"
            note, again = f"not begun: {left}", "run it again to go on"
            found.append(Diagnostic("cancelled", "stopped as you asked", notes=(note,), helps=(again,)))
        console.failed(found, result.identity.folder)
        return exit_code_of(result.deployment)
    if console.as_json:
        console.json(
            {
                "ok": True,
                "application": result.identity.application,
                "environment": result.identity.environment.name,
                "was_running": result.was_running,
                "data_deleted": result.data_deleted,
                "other_applications": sorted((*result.running, *result.stopped)),
                "still_running": list(result.running),
            }
        )
    else:
        console.note(_said(result))
    return ExitCode.OK


def _consent(console: Console, identity: Identity, names: list[str]) -> None:
    """Typed consent from a person; a script has to say `--yes`."""
    what = f"{one_of(names)} and {'its' if len(names) == 1 else 'their'} data" if names else "all its data"
    if not console.interactive:
        raise Failure(
            "consent-needed",
            f"deleting {what} needs consent",
            helps=("add `--yes` to delete the data without being asked",),
            exit_code=ExitCode.USAGE,
        )
    word = identity.application
    console.note(f"This deletes {word} in {identity.environment.name} for good: {what}.")
    sys.stderr.write(f"Type {word} to go on: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip() != word:
        raise Failure("cancelled", "nothing was deleted", exit_code=ExitCode.CANCELLED)


def _said(result: takedown.DownResult) -> str:
    name = f"{result.identity.application} in {result.identity.environment.name}"
    others = f"; still running: {', '.join(result.running)}" if result.running else ""
    if result.data_deleted:
        return f"deleted {name} and all its data{others}"
    if not result.was_there:
        return f"{name} was never brought up, or is deleted: there is nothing to do{others}"
    if not result.was_running:
        return f"{name} was not running: there is nothing to do{others}"
    return f"stopped {name}; databases, tables and logs are kept for the next `klotho up`{others}"
