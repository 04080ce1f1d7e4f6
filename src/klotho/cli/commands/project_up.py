"""`klotho project up`, and `klotho up` in a folder that holds several programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from klotho.cli.commands import up
from klotho.cli.consent import Asked
from klotho.cli.console import Console, counted, show_paths_from
from klotho.cli.interrupts import draining
from klotho.cli.progress import progress_for
from klotho.deploy.data_loss import Agreed
from klotho.diagnostics import Diagnostic, ExitCode, Failure, ProgramError, render_json
from klotho.driver import release
from klotho.driver.deployment import Consent, UpResult
from klotho.driver.deployment import up as bring_up
from klotho.driver.release import Ended, Part


def run(
    paths: Sequence[Path],
    env: str | None,
    yes: bool,
    delete_data: list[str],
    as_json: bool,
    breaking: frozenset[str] = frozenset(),
) -> int:
    """Exit code of the first that failed."""
    console = Console(as_json)
    parts = release.planned(release.programs_at(paths, "klotho project up"), env)
    release.refuse_misfits(parts, breaking)
    if not as_json:
        console.note(f"{counted(len(parts), 'application')}: {', '.join(part.name for part in parts)}")

    def one(part: Part, command: str) -> UpResult:
        if not as_json:
            console.note(console.paint(f"\n{part.name}", "bold") + f"  {part.program.path}")
        show_paths_from(part.program.folder)
        with progress_for(console) as sink, draining() as drain:
            consent = Consent() if yes else Asked(console, sink).consent
            given = replace(consent, data=Agreed(frozenset(delete_data)), breaking=breaking)
            return bring_up(part.program, env, sink, consent=given, drain=drain, command=command)

    ended = []
    for item in release.release(parts, one):
        ended.append(item)
        if not as_json:
            _show(console, item)
    return _told(console, parts, ended)


def _show(console: Console, item: Ended) -> None:
    if item.skipped_for is not None:
        console.note(f"\n{item.part.name}: not touched, because `{item.skipped_for}` failed")
    elif item.failure is not None:
        console.diagnostics(_diagnostics(item.failure), item.part.program.folder)
    elif item.result is not None and item.result.ok:
        up.show_success(console, item.result)
    elif item.result is not None:
        up.show_failure(console, item.result)


def _told(console: Console, parts: Sequence[Part], ended: Sequence[Ended]) -> int:
    good = [item for item in ended if item.ok]
    code = next((_code(item) for item in ended if not item.ok and item.skipped_for is None), 0)
    if console.as_json:
        console.json({"ok": len(good) == len(parts), "applications": [_json(item) for item in ended]})
    else:
        console.note(f"\n{len(good)} of {counted(len(parts), 'application')} up")
        if len(good) < len(parts):
            console.note("fix the cause and run it again: what is done already is not done twice")
    return code if len(good) < len(parts) else ExitCode.OK


def _json(item: Ended) -> dict[str, Any]:
    names = {"application": item.part.name, "project": item.part.application.project, "ok": item.ok}
    if item.result is not None:
        return {**names, **up.summary(item.result)}
    if item.skipped_for is not None:
        return {**names, "skipped_for": item.skipped_for}
    assert item.failure is not None
    return {**names, "diagnostics": render_json(_diagnostics(item.failure))}


def _diagnostics(failure: Failure | ProgramError) -> list[Diagnostic]:
    return [failure.diagnostic] if isinstance(failure, Failure) else list(failure.diagnostics)


def _code(item: Ended) -> int:
    if isinstance(item.failure, Failure):
        return item.failure.exit_code
    if item.result is None:
        return ExitCode.ERROR
    return up.failed_code(item.result)
