"""`klotho up`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from klotho.cli.commands.program import program_at
from klotho.cli.consent import Asked, ask_about_breaking, ask_about_data, moves_given
from klotho.cli.console import Console
from klotho.cli.failed_stacks import diagnostics_of, exit_code_of, left_behind, stopped
from klotho.cli.interrupts import draining
from klotho.cli.progress import progress_for
from klotho.deploy.data_loss import Agreed, ConsentNeeded
from klotho.deploy.outcome import Deployment
from klotho.diagnostics import Diagnostic, ExitCode
from klotho.driver.deployment import Consent, UpResult, moves_to_write
from klotho.driver.deployment import up as bring_up
from klotho.driver.program import holds_several
from klotho.driver.projects import BreakingNeeded
from klotho.driver.unset_secrets import warnings_of


def run(
    path: Path,
    env: str | None,
    yes: bool,
    delete_data: list[str],
    move: list[str],
    breaking: list[str],
    take_over: bool,
    as_json: bool,
) -> int:
    """`yes` agrees to what an environment on AWS asks. It is no consent to losing data or to breaking others: both go
    by name only."""
    console = Console(as_json)
    if holds_several(path):
        from klotho.cli.commands import project_up

        return project_up.run([path], env, yes, delete_data, as_json, frozenset(breaking))
    program = program_at(path, "klotho up")
    agreed, broken = Agreed(frozenset(delete_data), moves_given(move)), frozenset(breaking)
    while True:
        try:
            with progress_for(console) as sink, draining() as drain:
                consent = replace(Consent() if yes else Asked(console, sink).consent, data=agreed, breaking=broken)
                result = bring_up(program, env, sink, take_over=take_over, consent=consent, drain=drain)
            break
        except ConsentNeeded as needed:
            if not console.interactive or not needed.names:
                raise
            agreed = ask_about_data(console, needed, agreed)
        except BreakingNeeded as needed:
            if not console.interactive:
                raise
            broken = ask_about_breaking(console, needed, program.folder, broken)
    if not as_json:
        console.diagnostics(left_behind(result.deployment), program.folder)
    if not result.ok:
        return show_failure(console, result)
    if as_json:
        console.json({"ok": True, **summary(result)})
        return 0
    show_success(console, result, agreed.moves)
    return 0


def show_success(console: Console, result: UpResult, moves: Mapping[str, str] | None = None) -> None:
    """What a person sees once it is up. `moves`: renames that only the command line knew of."""
    folder = result.built.program.folder
    console.diagnostics(result.built.diagnostics, folder)
    console.diagnostics(warnings_of(result.built, result.secrets_not_set), folder)
    console.diagnostics(moves_to_write(result.built, moves or {}), folder)
    _succeeded(console, result)


def show_failure(console: Console, result: UpResult) -> int:
    """What went wrong, and the exit code."""
    if result.deployment.drained:
        return _stopped(console, result)
    if not result.deployment.ok:
        return _failed(console, result)
    return _not_published(console, result) if result.failed_sites else _not_running(console, result)


def failed_code(result: UpResult) -> int:
    """The exit code of what did not work."""
    return ExitCode.RESOURCE_FAILED if result.deployment.ok else exit_code_of(result.deployment)


def summary(result: UpResult) -> dict[str, Any]:
    return {
        "application": result.built.application.name,
        "project": result.built.application.project,
        "environment": result.built.environment.name,
        "stacks": [stack_json(result.deployment, index) for index in range(len(result.deployment.outcomes))],
        "outputs": dict(result.outputs),
        "secrets_not_set": list(result.secrets_not_set),
        "domains": [{"name": item.name, "url": item.url, "call": item.call} for item in result.domains],
        "seconds": round(result.seconds, 3),
        "sites": [site.to_json() for site in result.sites],
        "failed_units": [dict(unit) for unit in result.failed_units],
    }


def stack_json(deployment: Deployment, index: int) -> dict[str, Any]:
    outcome = deployment.outcomes[index]
    data: dict[str, Any] = {"name": outcome.stack, "result": outcome.result}
    if outcome.cause is not None:
        cause = outcome.cause
        data["cause"] = {
            "reason": cause.reason,
            "logical_id": cause.logical_id or None,
            "type": cause.type or None,
            "construct": cause.construct or None,
            "span": cause.span.to_json() if cause.span else None,
        }
    return data


def _stopped(console: Console, result: UpResult) -> int:
    data = summary(result) if console.as_json else {}
    console.failed(stopped(result.deployment), result.built.program.folder, **data)
    return exit_code_of(result.deployment)


def _failed(console: Console, result: UpResult) -> int:
    deployment, folder = result.deployment, result.built.program.folder
    found = diagnostics_of(deployment)
    data = summary(result) if console.as_json else {}
    console.failed(found, folder, **data)
    if not console.as_json:
        skipped = [item.stack for item in deployment.outcomes if item.result == "skipped"]
        if skipped:
            console.note(f"\nnot touched, because what they need failed: {', '.join(skipped)}")
        console.note("\nfix the cause and run `klotho up` again: what is done already is not done twice")
    return exit_code_of(deployment)


def _not_published(console: Console, result: UpResult) -> int:
    """The stacks are up, but visitors do not see what the program's folder holds."""
    data = summary(result) if console.as_json else {}
    found = [site.diagnostic for site in result.failed_sites if site.diagnostic is not None]
    console.failed(found, result.built.program.folder, **data)
    if not console.as_json:
        console.note("\nthe stacks are up; fix the cause and run `klotho up` again to publish the site")
    return ExitCode.RESOURCE_FAILED


def _not_running(console: Console, result: UpResult) -> int:
    """Everything is deployed, but it would be a lie to say that it is up."""
    data = summary(result) if console.as_json else {}
    found = [_unit_diagnostic(unit) for unit in result.failed_units]
    console.failed(found, result.built.program.folder, **data)
    return ExitCode.RESOURCE_FAILED


def _unit_diagnostic(unit: Mapping[str, Any]) -> Diagnostic:
    name = str(unit.get("name", "")).rpartition("/")[2]
    said = [line for line in str(unit.get("detail") or "no reason was given").splitlines() if line.strip()]
    return Diagnostic(
        "unit-failed",
        f"`{name}` is deployed but does not run: {said[0].rstrip('.')}",
        notes=tuple(said[1:]),
        helps=("remove the reason and run `klotho up` again", "see `klotho status`"),
    )


def _succeeded(console: Console, result: UpResult) -> None:
    counts: dict[str, int] = {}
    for outcome in result.deployment.outcomes:
        counts[outcome.result] = counts.get(outcome.result, 0) + 1
    shown = ", ".join(f"{number} {word}" for word, number in sorted(counts.items()))
    console.note(f"{console.paint('up', 'green')} in {result.seconds:.1f} s: stacks {shown}")
    # The URL of a domain is that of the internet: here it has a port, and a line of its own.
    outputs = {name: value for name, value in result.outputs.items() if value not in _names(result)}
    console.table(sorted(_reachable(outputs).items() or outputs.items()))
    for domain in result.domains:
        console.note(domain.hint)
    console.note("next: `klotho logs -f`, `klotho status`, `klotho outputs`, `klotho down`")


def _names(result: UpResult) -> set[str]:
    return {f"https://{domain.name}" for domain in result.domains}


def _reachable(outputs: Mapping[str, str]) -> dict[str, str]:
    """URLs a person can open: a host without a dot (`http://orders:8080`) exists only inside the network."""
    return {name: value for name, value in outputs.items() if re.match(r"https?://[^/:]+\.", value)}
