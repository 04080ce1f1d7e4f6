"""`klotho rollback`."""

from __future__ import annotations

from pathlib import Path

from klotho.cli.commands.history import shown_revision
from klotho.cli.commands.program import where_at
from klotho.cli.commands.up import stack_json
from klotho.cli.consent import agree
from klotho.cli.console import Console
from klotho.cli.failed_stacks import diagnostics_of, exit_code_of, stopped
from klotho.cli.interrupts import draining
from klotho.cli.preview_page import Page
from klotho.cli.progress import progress_for
from klotho.diagnostics import Diagnostic, ExitCode
from klotho.driver.rollback import RollbackPlan, RollbackResult, rollback


def run(
    revision: int | None,
    path: Path,
    env: str | None,
    yes: bool,
    delete_data: list[str],
    application: str | None,
    project: str | None,
    as_json: bool,
) -> int:
    console = Console(as_json)
    where = where_at(path, "klotho rollback --program", application, project)
    with progress_for(console) as sink, draining() as drain:

        def ask(plan: RollbackPlan) -> None:
            with sink.paused():
                _show(console, plan)
            changes = plan.found.changes or plan.found.changed_sites
            if plan.identity.environment.target != "local" and changes and not yes:
                agree(console, sink, f"Go back to {shown_revision(plan.to)} in {plan.identity.environment.name}?")

        result = rollback(where, env, revision, sink, delete_data=frozenset(delete_data), ask=ask, drain=drain)
    return _ended(console, result)


def _show(console: Console, plan: RollbackPlan) -> None:
    if not console.as_json:
        for line in Page(plan.found, {}, console.paint_out).lines():
            console.out(line)
        for note in plan.notes:
            console.note(f"note: {note}")
        console.diagnostics(plan.told, plan.identity.folder)


def _ended(console: Console, result: RollbackResult) -> int:
    deployment, plan = result.deployment, result.plan
    stacks = [stack_json(deployment, index) for index in range(len(deployment.outcomes))]
    data = {
        "revision": plan.to.number,
        "recorded": result.recorded.number if result.recorded else None,
        "stacks": stacks,
        "sites": [site.to_json() for site in result.sites],
        "notes": list(plan.notes),
    }
    if not deployment.ok or result.failed_sites:
        console.failed(_reasons(result), plan.identity.folder, **(data if console.as_json else {}))
        return ExitCode.RESOURCE_FAILED if deployment.ok else exit_code_of(deployment)
    if console.as_json:
        console.json({"ok": True, **data})
    elif result.recorded is None:
        console.note(f"{shown_revision(plan.to)} is what is deployed: nothing had to change")
    else:
        console.note(f"back at {shown_revision(plan.to)}, recorded as revision {result.recorded.number}")
    return ExitCode.OK


def _reasons(result: RollbackResult) -> list[Diagnostic]:
    """Why it is not what was asked for: it was stopped, stacks failed, or files could not be published."""
    if result.deployment.drained:
        return stopped(result.deployment)
    found = diagnostics_of(result.deployment)
    return found + [site.diagnostic for site in result.failed_sites if site.diagnostic is not None]
